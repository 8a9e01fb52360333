"""From the names of the images to their classes and splits: class folders, or {number}_{label}.png in one folder."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from worker.imports.refusals import BadFiles, ImportRefused, shown

TRAIN, TEST = frozenset({"train", "training"}), frozenset({"test", "testing"})
VALIDATION = frozenset({"val", "valid", "validation"})
NUMBERED = re.compile(r"\d{1,9}_(\d{1,3})", re.ASCII)
MAX_CLASS_NAME = 64
HOW = (
    "Put the images of each class into a folder of its own, if you like below train and test; or name them"
    " {number}_{label}.png; or bring IDX files."
)


@dataclass(frozen=True)
class Place:
    """Where an image belongs; `split` is None where the files bring no split."""

    split: str | None  # train or test
    class_name: str


@dataclass(frozen=True)
class Layout:
    """Every image's place by its name in the archive, and sentences about what was made of it."""

    places: dict[str, Place]
    notes: list[str]


def layout_of(names: Iterable[str], bad: BadFiles) -> Layout:
    """`names`: safe, of images. Raises ImportRefused."""
    parts = {name: PurePosixPath(name).parts for name in names}
    if not parts:
        raise ImportRefused("It holds no image.", HOW)
    parts = _without_common_folder(parts)
    splits, notes = _splits(parts)
    inside = {name: (splits[name], path[1:] if splits[name] else path) for name, path in parts.items()}
    labels = {name: _label(path[-1]) for name, (_, path) in inside.items()}
    is_one_folder = len({path[:-1] for _, path in inside.values()}) == 1
    is_numbered = is_one_folder and any(label is not None for label in labels.values())
    if all(len(path) == 1 for _, path in inside.values()) and not is_numbered:
        raise ImportRefused("All of its images lie in one folder: nothing says which is of what class.", HOW)
    places = dict[str, Place]()
    for name, (split, path) in inside.items():
        label = labels[name]
        if is_numbered and label is None:
            bad.add(name, "is not named {number}_{label} as the others are")
        elif is_numbered:
            places[name] = Place(split, str(label))
        elif len(path) < 2:
            bad.add(name, "is in no class's folder")
        elif len(path[0]) > MAX_CLASS_NAME:
            bad.add(name, f"is in a folder whose name has more than {MAX_CLASS_NAME} characters")
        else:
            places[name] = Place(split, path[0])
    _refuse_alike({place.class_name for place in places.values()})
    return Layout({name: Place(place.split, place.class_name.strip()) for name, place in places.items()}, notes)


def in_order(class_names: Iterable[str]) -> list[str]:
    """Numbers by value, else by name."""
    names = set(class_names)
    return sorted(names, key=int) if all(name.isascii() and name.isdigit() for name in names) else sorted(names)


def _label(file_name: str) -> int | None:
    match = NUMBERED.fullmatch(PurePosixPath(file_name).stem)
    return int(match[1]) if match else None


def _without_common_folder(parts: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """A folder around all of it says nothing: one class alone is no dataset, and train alone is no split."""
    while len({path[0] for path in parts.values()}) == 1 and min(map(len, parts.values())) > 1:
        parts = {name: path[1:] for name, path in parts.items()}
    return parts


def _splits(parts: dict[str, tuple[str, ...]]) -> tuple[dict[str, str | None], list[str]]:
    """The split of each name, and what was made of a validation folder."""
    first = {path[0].lower() for path in parts.values() if len(path) > 1}
    has_split = bool(first & TRAIN) and bool(first & (TEST | VALIDATION)) and first <= TRAIN | TEST | VALIDATION
    if not has_split or any(len(path) < 2 for path in parts.values()):
        return dict.fromkeys(parts), []
    validation_is = "train" if first & TEST else "test"
    named = {**dict.fromkeys(TRAIN, "train"), **dict.fromkeys(TEST, "test"), **dict.fromkeys(VALIDATION, validation_is)}
    notes = ["Split into train and test as its folders are."]
    if first & VALIDATION:
        notes.append(f"Its validation folder belongs to {validation_is}: a run holds out its own validation images.")
    return {name: named[path[0].lower()] for name, path in parts.items()}, notes


def _refuse_alike(class_names: set[str]) -> None:
    by_case: dict[str, str] = {}
    for name in sorted(class_names):
        other = by_case.setdefault(name.strip().casefold(), name)
        if other != name:
            raise ImportRefused(
                f"The classes “{shown(other)}” and “{shown(name)}” differ only in case or spaces.",
                "Rename one of them.",
            )
