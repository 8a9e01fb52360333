"""Writing a materialised dataset: whole or not at all."""

import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.dataset_store import MANIFEST, Arrays, Manifest, MaterialisedDataset, materialised, sha256_of_array
from core.durable import sync_folder


def write(
    folder: Path,
    name: str,
    arrays: Arrays,
    *,
    classes: tuple[str, ...],
    mean: float,
    std: float,
    source: str,
    made_from: Mapping[str, str] | None = None,
) -> MaterialisedDataset:
    """Replaces `folder/name` whole or not at all; the caller keeps other writers out. Raises OSError (a full disk)."""
    manifest = Manifest(
        name=name,
        num_train=len(arrays.train_images),
        num_test=len(arrays.test_images),
        image_shape=arrays.train_images.shape[1:],
        classes=classes,
        mean=mean,
        std=std,
        sha256={array_name: sha256_of_array(array) for array_name, array in vars(arrays).items()},
        created_at=datetime.now(UTC),
        source=source,
        made_from=made_from or {},
    )
    assert {key: array.shape for key, array in vars(arrays).items()} == manifest.array_shapes()
    assert max(arrays.train_labels.max(), arrays.test_labels.max()) < len(classes)
    partial = folder / f".{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
    try:
        _write_files(partial, arrays, manifest)
        _swap(partial, folder / name)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return materialised(folder, name)


def _write_files(partial: Path, arrays: Arrays, manifest: Manifest) -> None:
    partial.mkdir(parents=True)
    for array_name, array in vars(arrays).items():
        assert array.dtype == np.uint8
        with (partial / f"{array_name}.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
            file.write(np.ascontiguousarray(array).data)  # np.save would tell a full disk as "0 written"
            file.flush()
            os.fsync(file.fileno())
    with (partial / MANIFEST).open("w") as text:
        text.write(manifest.model_dump_json(indent=2))
        text.flush()
        os.fsync(text.fileno())
    sync_folder(partial)


def _swap(partial: Path, target: Path) -> None:
    """A folder cannot be renamed over a full one; killed in between, the dataset is missing and is made again."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    partial.rename(target)
    sync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)
