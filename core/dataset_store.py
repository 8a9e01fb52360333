"""Materialised datasets: four .npy arrays and a manifest in a folder, all that trainer and server read afterwards."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, PositiveFloat, PositiveInt, ValidationError

from core.datasets import ImageShape
from core.run_config import sha256_of

Split = Literal["train", "test"]  # val is held out of train by the run's seed, never stored
Bytes = NDArray[np.uint8]

MANIFEST = "manifest.json"


class DatasetMissing(LookupError):
    """The dataset has not been materialised in this folder."""


class ImageNotFound(LookupError):
    """The split has no image of that number."""


class DatasetBroken(ValueError):
    """What lies there is not what the manifest says."""


@dataclass(frozen=True)
class Arrays:
    """A whole dataset in memory: images (N, C, H, W) and labels (N,), all uint8."""

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes


class Manifest(BaseModel):
    """What the arrays hold. `mean` and `std` are those of pixels in [0, 1]; `sha256` is over each array's bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    num_train: PositiveInt
    num_test: PositiveInt
    image_shape: ImageShape
    classes: tuple[str, ...]
    mean: float
    std: PositiveFloat
    sha256: Mapping[str, str]
    created_at: AwareDatetime
    source: str
    made_from: Mapping[str, str] = {}  # file to what it was like then (archive); if that changes, it is made again

    @property
    def content_sha256(self) -> str:
        """Of classes and images: the same content is the same dataset."""
        return sha256_of({"classes": list(self.classes), **self.sha256})

    def array_shapes(self) -> dict[str, tuple[int, ...]]:
        return {
            "train_images": (self.num_train, *self.image_shape),
            "train_labels": (self.num_train,),
            "test_images": (self.num_test, *self.image_shape),
            "test_labels": (self.num_test,),
        }


@dataclass(frozen=True)
class MaterialisedDataset:
    """Arrays are mapped, not loaded, and read-only: copy before handing one to torch."""

    folder: Path
    manifest: Manifest

    @property
    def version(self) -> str:
        """Other test images, another version."""
        return self.manifest.sha256["test_images"][:12]

    def images(self, split: Split) -> Bytes:
        """(N, C, H, W)"""
        return self._array(f"{split}_images")

    def labels(self, split: Split) -> Bytes:
        """(N,)"""
        return self._array(f"{split}_labels")

    def image(self, split: Split, number: int) -> Bytes:
        """(C, H, W); raises ImageNotFound."""
        images = self.images(split)
        if not 0 <= number < len(images):
            raise ImageNotFound(f"The {split} split of {self.manifest.name} has images 0 to {len(images) - 1:,}.")
        return np.asarray(images[number])

    def numbers_of_class(self, split: Split, label: int, most: int) -> list[int]:
        """The first images of the class."""
        return [int(number) for number in np.flatnonzero(self.labels(split) == label)[:most]]

    def samples(self, per_class: int) -> Bytes:
        """The first train images of each class: (classes, per_class, C, H, W), black where a class has too few."""
        images, labels = self.images("train"), self.labels("train")
        sheet = np.zeros((len(self.manifest.classes), per_class, *self.manifest.image_shape), np.uint8)
        for label, row in enumerate(sheet):
            chosen = np.flatnonzero(labels == label)[:per_class]
            row[: len(chosen)] = images[chosen]
        return sheet

    def check(self) -> None:
        """Reads everything and compares SHA-256. Raises DatasetBroken."""
        for array_name, digest in self.manifest.sha256.items():
            if sha256_of_array(self._array(array_name)) != digest:
                raise DatasetBroken(f"{array_name}.npy: SHA-256 differs from the manifest")

    def _array(self, array_name: str) -> Bytes:
        path, shape = self.folder / f"{array_name}.npy", self.manifest.array_shapes()[array_name]
        try:
            array = np.lib.format.open_memmap(path, mode="r")  # refuses pickled objects
        except (OSError, ValueError) as error:
            raise DatasetBroken(f"{path.name}: {error}") from error
        whole = path.stat().st_size == array.offset + array.nbytes
        if not whole or array.shape != shape or array.dtype != np.uint8:
            raise DatasetBroken(f"{path.name} does not hold {shape} bytes")
        return np.asarray(array)


def materialised(folder: Path, name: str) -> MaterialisedDataset:
    """Opens and checks sizes, not content (see `check`). Raises DatasetMissing, DatasetBroken."""
    path = folder / name / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise DatasetMissing(f"{name} is not materialised in {folder}") from error
    except (OSError, ValidationError) as error:
        raise DatasetBroken(f"{path.name}: {error}") from error
    dataset = MaterialisedDataset(folder / name, manifest)
    if manifest.name != name or manifest.sha256.keys() != manifest.array_shapes().keys():
        raise DatasetBroken(f"{path.name} is not that of {name}")
    for array_name in manifest.array_shapes():
        dataset._array(array_name)
    return dataset


def sha256_of_array(array: Bytes) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
