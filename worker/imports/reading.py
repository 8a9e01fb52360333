"""A whole import, from a path to arrays: every file is judged first, then the images are decoded into their places."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from PIL import Image

from core.dataset_files import ARCHIVES
from core.import_wishes import LEAST_SIDE, MAX_SIDE, ImportWishes
from worker.imports import idx
from worker.imports.canvas import Canvas, Images
from worker.imports.layout import HOW, Place, layout_of
from worker.imports.limits import File
from worker.imports.names import SeenNames, is_folder_icon, is_image, is_litter, is_words, safe_path
from worker.imports.pictures import Look, decoded, fitted, look_at
from worker.imports.refusals import BadFile, BadFiles, ImportRefused
from worker.imports.sources import files

Report = Callable[[str, float | None], None]  # what is being done, and how far that is
EVERY = 50  # images between two reports


@dataclass
class Survey:
    """What the first look at every file found."""

    looks: dict[str, Look] = field(default_factory=dict)  # by safe name
    names: dict[str, str] = field(default_factory=dict)  # the safe name by the one that the source gives
    arrays: dict[tuple[str, str], idx.Bytes] = field(default_factory=dict)
    num_passed_over: int = 0
    bad: BadFiles = field(default_factory=BadFiles)


def read_import(path: Path, wishes: ImportWishes, report: Report) -> Images:
    """Raises ImportRefused, which names each bad file."""
    survey = survey_of(path, report)
    bad = survey.bad
    if survey.arrays:
        bad.refuse_if_any()
        return _from_idx(survey, wishes, report)
    try:
        layout = layout_of(survey.looks, bad)
    finally:
        bad.refuse_if_any()  # before whatever else is wrong with the whole
    sizes = {look.size for look in survey.looks.values()}
    size, notes = size_of(sizes, [look.size for look in survey.looks.values()], wishes)
    grey = wishes.colour == "grey" or (wishes.colour == "auto" and all(look.is_grey for look in survey.looks.values()))
    canvas = Canvas(layout.places, wishes, size, channels=1 if grey else 3)
    for file in _sources(path):  # once more; what lies in a folder may have changed since
        name = survey.names.get(file.name)
        if name is None or file.problem is not None:
            continue
        try:
            canvas.put(name, fitted(decoded(file.read(), grey=grey), size, wishes.fit))
        except BadFile as error:
            bad.add(name, str(error))
        _say(report, f"reading image {canvas.num_put:,} of {len(canvas):,}", canvas.num_put, len(canvas))
    bad.refuse_if_any()
    return canvas.finished([*_notes(survey), *layout.notes, *notes], bad)


def survey_of(path: Path, report: Report) -> Survey:
    """Judges every file by name and kind, and images by their header. Raises ImportRefused: the whole is none."""
    seen, survey = SeenNames(), Survey()
    for file in _sources(path):
        try:
            _look_at(file, seen, survey)
        except BadFile as error:
            survey.bad.add(file.name, str(error))
        _say(report, f"looking at {len(survey.looks):,} images", len(survey.looks), None)
    if survey.arrays and survey.looks and not survey.bad.num:
        raise ImportRefused("It holds IDX files and other images; only one of both can be meant.", HOW)
    return survey


def size_of(
    sizes: set[tuple[int, int]], all_sizes: list[tuple[int, int]], wishes: ImportWishes
) -> tuple[tuple[int, int], list[str]]:
    """(width, height) of every image of the dataset, and how it came about in words."""
    if wishes.size is not None:
        size = (wishes.size, wishes.size)
        return size, [] if sizes == {size} else [f"Resized to {wishes.size}×{wishes.size} pixels ({wishes.fit})."]
    if len(sizes) == 1:
        (width, height) = next(iter(sizes))
        if max(width, height) <= MAX_SIDE:
            return (width, height), []
        scale = MAX_SIDE / max(width, height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return size, [f"Scaled down from {width}×{height} to {size[0]}×{size[1]} pixels."]
    side = max(LEAST_SIDE, min(MAX_SIDE, round(median(max(size) for size in all_sizes))))
    return (side, side), [f"The images had {len(sizes):,} sizes; each was fitted into {side}×{side} ({wishes.fit})."]


def _sources(path: Path) -> Iterator[File]:
    """Of one archive or folder; or of a folder that only holds train and test as archives, the report's own form."""
    pair = _pair_of_archives(path)
    for split, source in pair or [("", path)]:
        for file in files(source):
            yield replace(file, name=f"{split}/{file.name}") if split and file.problem is None else file


def _pair_of_archives(path: Path) -> list[tuple[str, Path]]:
    if path.is_symlink() or not path.is_dir():
        return []
    inside = [one for one in path.iterdir() if not one.name.startswith(".")]
    pair = [(one.name.split(".")[0].lower(), one) for one in inside if one.name.lower().endswith(ARCHIVES)]
    return pair if len(inside) == 2 and sorted(split for split, _ in pair) == ["test", "train"] else []


def _look_at(file: File, seen: SeenNames, survey: Survey) -> None:
    if is_folder_icon(file.name):
        return
    safe = safe_path(file.name)
    if file.problem is not None:
        raise BadFile(file.problem)
    if is_litter(safe):
        return
    seen.add(safe)
    if (kind := idx.kind_of(safe)) is not None:
        if kind in survey.arrays:
            raise BadFile(f"is a second file of {kind[0]} {kind[1]}")
        survey.arrays[kind] = idx.read_idx(safe.name, file.read())
    elif is_image(safe):
        survey.looks[str(safe)] = look_at(file.read())
        survey.names[file.name] = str(safe)
    elif is_words(safe):
        survey.num_passed_over += 1
    else:
        raise BadFile("is no PNG, JPEG, WebP, BMP or GIF")


def _from_idx(survey: Survey, wishes: ImportWishes, report: Report) -> Images:
    """The first N of train are train's; without a test pair it is split as class folders are."""
    pairs = {split: pair for split in ("train", "test") if (pair := _pair(survey, split)) is not None}
    if "train" not in pairs:
        raise ImportRefused("It has no train images.", HOW)
    has_test = "test" in pairs
    places, pictures = dict[str, Place](), dict[str, idx.Bytes]()
    for split, (images, labels) in pairs.items():
        for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
            name = f"{split}/{number:09}"
            places[name], pictures[name] = Place(split if has_test else None, str(label)), image
    if not places:
        raise ImportRefused("It holds no image.", HOW)
    all_sizes = [image.shape[1::-1] for image in pictures.values()]
    size, notes = size_of(set(all_sizes), all_sizes, wishes)
    is_grey = wishes.colour == "grey" or all(image.ndim == 2 for image in pictures.values())
    canvas = Canvas(places, wishes, size, channels=1 if is_grey and wishes.colour != "colour" else 3)
    for name, image in pictures.items():
        picture = Image.fromarray(image).convert("L" if canvas.channels == 1 else "RGB")
        canvas.put(name, fitted(picture, size, wishes.fit))
        _say(report, f"reading image {canvas.num_put:,} of {len(canvas):,}", canvas.num_put, len(canvas))
    return canvas.finished([*_notes(survey), *notes], BadFiles())


def _pair(survey: Survey, split: str) -> tuple[idx.Bytes, idx.Bytes] | None:
    try:
        return idx.paired(survey.arrays, split)
    except BadFile as error:
        bad = BadFiles()
        bad.add(f"the {split} files", str(error))
        raise ImportRefused(
            "The IDX files do not fit each other.", "Bring images and labels of one split.", bad
        ) from error


def _notes(survey: Survey) -> list[str]:
    num = survey.num_passed_over
    return [f"Passed over: {num:,} text {'file' if num == 1 else 'files'} beside the images."] if num else []


def _say(report: Report, what: str, num: int, of: int | None) -> None:
    if num % EVERY == 0:
        report(what, None if of is None else num / of)
