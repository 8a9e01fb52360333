"""MNIST and its relatives: the files put there by hand, or fetched, in torchvision's layout; torchvision reads them."""

import gzip
import hashlib
import io
import math
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.dataset_store import Arrays, Bytes
from core.datasets import RAW_FOLDERS, Dataset, DatasetUnavailable
from worker.mirrors import MirrorFailed, Mirrors

if TYPE_CHECKING:
    from torchvision.datasets import MNIST


# Published by LeCun, Cortes and Burges for the unpacked files; the same images compressed anew have another MD5.
RAW_MD5 = {
    "MNIST/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "MNIST/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "MNIST/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "MNIST/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}

Report = Callable[[str], None]


def read_fetched(dataset: Dataset, datasets_dir: Path, mirror: str | None, report: Report) -> Arrays:
    """Images (N, 1, 28, 28) and labels (N,). `mirror` is the address of a folder laid out like `datasets_dir`.

    Raises DatasetUnavailable: no mirror serves, or a file is damaged; OSError: our disk.
    """
    import torchvision.datasets  # seconds to import, needed once

    kind: type[MNIST] = getattr(torchvision.datasets, RAW_FOLDERS[dataset.name])
    raw = datasets_dir / kind.__name__ / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    own = [f"{mirror.rstrip('/')}/{kind.__name__}/raw/"] if mirror else []
    mirrors = Mirrors(own or list(kind.mirrors))
    for file_name, md5 in kind.resources:
        _make_ready(dataset, raw / file_name.removesuffix(".gz"), md5, mirrors, report)
    report(f"reading {dataset.name}")
    files = [raw / file_name.removesuffix(".gz") for file_name, _ in kind.resources]
    return Arrays(_images(files[0]), _labels(files[1]), _images(files[2]), _labels(files[3]))


def _make_ready(dataset: Dataset, raw_file: Path, md5: str, mirrors: Mirrors, report: Report) -> None:
    """The unpacked file, checked: as it lies there, or out of the .gz beside it, or out of a fetched one."""
    packed = raw_file.with_name(f"{raw_file.name}.gz")
    if not raw_file.exists():
        if not packed.exists():
            _fetch(dataset, packed, md5, mirrors, report)
        _unpack(packed, raw_file, dataset)
    elif not _is_right(raw_file.name, raw_file.parent, raw_file.read_bytes(), dataset):
        raise _damaged(raw_file)


def _fetch(dataset: Dataset, packed: Path, md5: str, mirrors: Mirrors, report: Report) -> None:
    short_name = packed.name.split("-idx")[0]

    def is_right(partial: Path) -> bool:
        content = partial.read_bytes()
        return hashlib.md5(content).hexdigest() == md5 or _unpacked_is_published(content, packed, dataset)

    try:
        report(f"fetching {short_name}")
        mirrors.fetch(packed.name, packed, is_right, lambda percent: report(f"fetching {short_name}: {percent} %"))
    except MirrorFailed as error:
        by_hand = f"put {packed.name} and its three companions into {packed.parent}"
        suggestion = f"Train on digits, which needs no network; or {by_hand}; or set TRAINYARD_DATASET_MIRROR."
        raise DatasetUnavailable(f"{dataset.title} could not be fetched: {error}.", suggestion) from error


def _unpacked_is_published(content: bytes, packed: Path, dataset: Dataset) -> bool:
    name = packed.name.removesuffix(".gz")
    if f"{packed.parent.parent.name}/{name}" not in RAW_MD5:
        return False
    try:
        return _is_right(name, packed.parent, _unpacked(content, name, dataset), dataset)
    except (OSError, EOFError, zlib.error):
        return False


def _unpack(packed: Path, raw_file: Path, dataset: Dataset) -> None:
    """`raw_file` appears whole or not at all."""
    packed_bytes = packed.read_bytes()
    try:
        content = _unpacked(packed_bytes, raw_file.name, dataset)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _damaged(packed) from error
    if not _is_right(raw_file.name, raw_file.parent, content, dataset):
        raise _damaged(packed)
    partial = raw_file.with_name(f".{raw_file.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(raw_file)
    finally:
        partial.unlink(missing_ok=True)


def _unpacked(content: bytes, name: str, dataset: Dataset) -> bytes:
    """One byte more than there should be at most: a bomb ends there, as a file of the wrong length."""
    limit = len(_header(name, dataset)) + _num_bytes(name, dataset) + 1
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
        return stream.read(limit)


def _is_right(name: str, folder: Path, content: bytes, dataset: Dataset) -> bool:
    header = _header(name, dataset)
    if not content.startswith(header) or len(content) != len(header) + _num_bytes(name, dataset):
        return False
    if "labels" in name and max(content[len(header) :]) >= len(dataset.classes):
        return False
    published = RAW_MD5.get(f"{folder.parent.name}/{name}")
    return published is None or hashlib.md5(content).hexdigest() == published


def _header(name: str, dataset: Dataset) -> bytes:
    """IDX: two zeros, 8 for bytes, the number of dimensions, and each as a big-endian 32-bit number. Source: LeCun."""
    sizes = _sizes(name, dataset)
    return bytes((0, 0, 8, len(sizes))) + b"".join(size.to_bytes(4, "big") for size in sizes)


def _num_bytes(name: str, dataset: Dataset) -> int:
    return math.prod(_sizes(name, dataset))


def _sizes(name: str, dataset: Dataset) -> tuple[int, ...]:
    num_images = dataset.num_train if name.startswith("train") else dataset.num_test
    assert num_images is not None  # the catalogue knows those that are fetched
    return (num_images, *dataset.image_shape[1:]) if "images" in name else (num_images,)


def _damaged(path: Path) -> DatasetUnavailable:
    suggestion = "Delete it and requeue the run: it is then fetched again."
    return DatasetUnavailable(f"{path} is damaged or incomplete.", suggestion)


def _images(file: Path) -> Bytes:
    """(N, 1, 28, 28). The reader itself and not the dataset class, which would prefer a pickled copy beside it."""
    from torchvision.datasets.mnist import read_image_file

    return np.asarray(read_image_file(str(file)).numpy()[:, None])


def _labels(file: Path) -> Bytes:
    """(N,)"""
    from torchvision.datasets.mnist import read_label_file

    return np.asarray(read_label_file(str(file)).numpy().astype(np.uint8))
