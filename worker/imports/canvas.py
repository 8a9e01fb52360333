"""The arrays that an import fills: each image has its place before the first is decoded; memory is asked for once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.dataset_store import Arrays
from core.import_wishes import LEAST_SIDE, MAX_CLASSES, ImportWishes
from worker.imports.layout import HOW, Place, in_order
from worker.imports.pictures import Pixels
from worker.imports.refusals import BadFiles, ImportRefused, shown
from worker.imports.splits import test_names

MAX_BYTES = 2**30  # of all images: each trainer holds them in memory


@dataclass(frozen=True)
class Images:
    """A dataset as it was read. `notes`: what was made of the files, in sentences."""

    arrays: Arrays
    classes: tuple[str, ...]
    notes: tuple[str, ...]


class Canvas:
    """Raises ImportRefused where the whole is no dataset: too few or many classes, a class without train images, more
    than memory should hold."""

    def __init__(
        self, places: Mapping[str, Place], wishes: ImportWishes, size: tuple[int, int], *, channels: int
    ) -> None:
        self._wishes, self._notes, self.channels = wishes, list[str](), channels
        self._classes = in_order(place.class_name for place in places.values())
        splits = self._splits(places)
        self._refuse_what_is_none(places, splits)
        if min(size) < LEAST_SIDE:
            least = f"{LEAST_SIDE}×{LEAST_SIDE}"
            raise ImportRefused(f"Its images have {size[0]}×{size[1]} pixels; at least {least} are needed.")
        num_bytes = len(places) * channels * size[0] * size[1]
        if num_bytes > MAX_BYTES:
            raise ImportRefused(
                f"{len(places):,} images of {size[0]}×{size[1]} pixels take {num_bytes / 2**20:,.0f} MiB of memory;"
                f" at most {MAX_BYTES // 2**20:,} MiB can be trained here.",
                "Choose a smaller size, or grey.",
            )
        self._at: dict[str, tuple[str, int]] = {}
        for split in ("train", "test"):
            names = sorted(name for name in places if splits[name] == split)
            self._at |= {name: (split, number) for number, name in enumerate(names)}
        label_of = {name: label for label, name in enumerate(self._classes)}
        self._labels = {
            split: np.array(
                [label_of[places[name].class_name] for name, (own, _) in self._at.items() if own == split], np.uint8
            )
            for split in ("train", "test")
        }
        shape = (channels, size[1], size[0])
        self._images = {split: np.zeros((len(labels), *shape), np.uint8) for split, labels in self._labels.items()}
        self._missing = dict.fromkeys(self._at)

    def __len__(self) -> int:
        return len(self._at)

    @property
    def num_put(self) -> int:
        return len(self._at) - len(self._missing)

    def put(self, name: str, pixels: Pixels) -> None:
        """(C, H, W)"""
        split, number = self._at[name]
        self._images[split][number] = pixels
        self._missing.pop(name, None)

    def finished(self, notes: list[str], bad: BadFiles) -> Images:
        """Colour images that are all grey lose two channels, where that was left to us. Raises ImportRefused."""
        for name in self._missing:
            bad.add(name, "was there at the first look and is gone")
        bad.refuse_if_any()
        train, test = self._images["train"], self._images["test"]
        if self._wishes.colour == "auto" and train.shape[1] == 3 and all(map(_is_grey, (train, test))):
            train, test = (np.ascontiguousarray(images[:, :1]) for images in (train, test))
        if train.min() == train.max():
            raise ImportRefused("All of its pixels are alike: there is nothing to learn.")
        num_known = len(_digests(train) & _digests(test))
        if num_known:
            how_many = "One image is" if num_known == 1 else f"{num_known:,} images are"
            notes = [*notes, f"{how_many} both in train and in test, which flatters every figure."]
        arrays = Arrays(train, self._labels["train"], test, self._labels["test"])
        return Images(arrays, self._named_classes(), (*self._notes, *notes))

    def _splits(self, places: Mapping[str, Place]) -> dict[str, str]:
        given = {name: place.split for name, place in places.items() if place.split is not None}
        if given:
            return given
        wishes = self._wishes
        chosen = test_names(
            {name: place.class_name for name, place in places.items()}, wishes.test_fraction, wishes.seed
        )
        self._notes.append(f"Split by seed {wishes.seed}: {100 * wishes.test_fraction:g} % of each class to test.")
        return {name: "test" if name in chosen else "train" for name in places}

    def _refuse_what_is_none(self, places: Mapping[str, Place], splits: Mapping[str, str]) -> None:
        num = len(self._classes)
        if not 2 <= num <= MAX_CLASSES:
            found = f"only one class, {shown(self._classes[0])}" if num == 1 else f"{num:,} classes"
            raise ImportRefused(f"It has {found}; a dataset has 2 to {MAX_CLASSES}.", HOW)
        if "test" not in splits.values():
            raise ImportRefused("No class has two images, so none is left to test.", "Bring more images of each class.")
        trained = {place.class_name for name, place in places.items() if splits[name] == "train"}
        if missing := [name for name in self._classes if name not in trained]:
            raise ImportRefused(f"The class {shown(missing[0])} has no image to train on.")
        named = self._wishes.class_names
        if named and (len(named) != num or not all(name.isdigit() for name in self._classes)):
            why = f"It has {num} classes" if len(named) != num else "Its classes have names already"
            raise ImportRefused(f"{why}, and {len(named)} class names were given.", "Leave the names empty.")

    def _named_classes(self) -> tuple[str, ...]:
        return self._wishes.class_names or tuple(self._classes)


def _is_grey(images: Pixels) -> bool:
    return all(bool((image[:1] == image).all()) for image in images)


def _digests(images: Pixels) -> set[bytes]:
    return {hashlib.blake2b(image, digest_size=16).digest() for image in images}
