"""The report's own format: train and test as a tar, a zip or a folder of PNGs named {number}_{label}.png."""

import io
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from core.dataset_store import Arrays, Bytes
from core.datasets import DatasetUnavailable
from worker.archives import ArchiveRefused, Member, members

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".zip", "")  # in this order; "": a folder
MAX_IMAGES = 200_000  # in a split; MNIST has 60,000
SIDE = 28

NAME = re.compile(r"(\d{1,9})_(\d{1,3})\.png", re.ASCII)


def archive_state(folder: Path) -> dict[str, str]:
    """File name to number of files, bytes and last change of what train and test would be read from; or empty."""
    found = [_found(folder, split) for split in ("train", "test")]
    return {path.name: _state(path) for path in found if path is not None}


def read_archives(folder: Path, num_classes: int, report: Callable[[str], None]) -> Arrays:
    """Raises DatasetUnavailable, naming the file that is wrong."""
    train, train_labels = _read_split(folder, "train", num_classes, report)
    test, test_labels = _read_split(folder, "test", num_classes, report)
    return Arrays(train, train_labels, test, test_labels)


def _found(folder: Path, split: str) -> Path | None:
    candidates = (folder / f"{split}{suffix}" for suffix in SUFFIXES)
    return next((path for path in candidates if path.exists()), None)


def _state(path: Path) -> str:
    stats = [file.stat() for file in (path.rglob("*.png") if path.is_dir() else (path,))]
    last_change = max((stat.st_mtime_ns for stat in stats), default=0)
    return f"{len(stats)} files, {sum(stat.st_size for stat in stats)} bytes, changed at {last_change}"


def _read_split(folder: Path, split: str, num_classes: int, report: Callable[[str], None]) -> tuple[Bytes, Bytes]:
    path = _found(folder, split)
    if path is None:
        reason = f"No {split} images: looked for {split}.tar, {split}.tar.gz, {split}.zip and {split}/ in {folder}."
        raise DatasetUnavailable(reason, "Put train.tar and test.tar there, or run the same on digits.")
    try:
        return _images_and_labels(members(path), num_classes, lambda count: report(f"reading {path.name}: {count:,}"))
    except ArchiveRefused as error:
        reason = f"{path.name} in {folder} cannot be read: {error}."
        need = f"It must hold {SIDE}×{SIDE} grey PNGs named {{number}}_{{label}}.png, labels 0 to {num_classes - 1}."
        raise DatasetUnavailable(reason, need) from error


def _images_and_labels(
    files: Iterator[Member], num_classes: int, progress: Callable[[int], None]
) -> tuple[Bytes, Bytes]:
    """Sorted by number, so that the order in the archive decides nothing: (N, 1, 28, 28) and (N,)."""
    images: dict[tuple[int, int], bytes] = {}
    for name, content in files:
        key = _number_and_label(name, num_classes)
        if key in images:
            raise ArchiveRefused(f"{name} is there twice")
        images[key] = _pixels(name, content)
        if len(images) > MAX_IMAGES:
            raise ArchiveRefused(f"it holds more than {MAX_IMAGES:,} images")
        progress(len(images))
    if len(set(images.values())) < 2:
        raise ArchiveRefused("it holds no two different images")
    keys = sorted(images)
    pixels = np.frombuffer(b"".join(images[key] for key in keys), np.uint8)
    return pixels.reshape(-1, 1, SIDE, SIDE), np.array([label for _, label in keys], np.uint8)


def _number_and_label(name: str, num_classes: int) -> tuple[int, int]:
    path = PurePosixPath(name)
    match = NAME.fullmatch(path.name)
    if match is None or ".." in path.parts or path.is_absolute() or len(path.parts) > 2:
        raise ArchiveRefused(f"{name!r} is not named {{number}}_{{label}}.png, in at most one folder")
    if int(match[2]) >= num_classes:
        raise ArchiveRefused(f"{name} has label {match[2]}, but there are {num_classes} classes")
    return int(match[1]), int(match[2])


def _pixels(name: str, content: bytes) -> bytes:
    """784 grey levels. The size is read from the header first, so that no bomb reaches the decoder."""
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR" or len(content) < 24:
        raise ArchiveRefused(f"{name} is not a PNG")
    width, height = struct.unpack(">II", content[16:24])
    if (width, height) != (SIDE, SIDE):
        raise ArchiveRefused(f"{name} has {width}×{height} pixels instead of {SIDE}×{SIDE}")
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            if image.mode not in ("L", "1", "P", "RGB"):
                raise ArchiveRefused(f"{name} has pixels of mode {image.mode} instead of 8-bit grey")
            return image.convert("L").tobytes()
    except (OSError, SyntaxError, EOFError) as error:  # what Pillow raises on a damaged file
        raise ArchiveRefused(f"{name} is damaged: {error}") from error
