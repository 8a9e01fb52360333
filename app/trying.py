"""An image tried: what the networks see of what was sent, and what each of the chosen models says of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from app.formatting import dataset_title
from app.prediction import Network, Predictor
from core.dataset_store import MaterialisedDataset, materialised
from core.gallery import KeptImage
from core.image_files import ImageRefused, decoded
from core.png import png_bytes
from core.preprocessing import Framing, Invert, Prepared, framed, measured_framing, plain
from core.tables import Run
from core.tried_models import ChosenModels, Line

Prepare = Literal["dataset", "scale", "none"]


class Handling(BaseModel):
    """What is done with an image before a network sees it."""

    model_config = ConfigDict(frozen=True)

    prepare: Prepare = Field(
        "dataset",
        description="dataset: as its own images were made (of MNIST: cropped, scaled to 20×20, its centre of mass put"
        " into the centre of 28×28); scale: scaled to its size; none: it has that size already",
    )
    invert: Invert = Field("auto", description="whether dark and light change places; auto: where the ground says so")


@dataclass(frozen=True)
class Seen:
    """What every network gets, and in sentences how it came about."""

    prepared: Prepared
    notes: Sequence[str]

    @property
    def image(self) -> NDArray[np.uint8]:
        """(C, H, W)"""
        return self.prepared.field


@dataclass(frozen=True)
class Answer:
    """Of one run; `probabilities` (classes,)."""

    network: Network
    probabilities: NDArray[np.float32]

    @property
    def run(self) -> Run:
        return self.network.stored.run

    @property
    def said(self) -> int:
        return int(self.probabilities.argmax())


@dataclass(frozen=True)
class LineAnswer:
    """Of a line's runs, at least one."""

    line: Line
    answers: Sequence[Answer]

    @cached_property
    def probabilities(self) -> NDArray[np.float32]:
        """(runs, classes)"""
        return np.stack([answer.probabilities for answer in self.answers])

    @property
    def mean(self) -> NDArray[np.float32]:
        return np.asarray(self.probabilities.mean(0))

    @property
    def range(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lowest and the highest probability of each class."""
        return self.probabilities.min(0), self.probabilities.max(0)

    @property
    def said(self) -> int:
        return int(self.mean.argmax())

    @property
    def votes(self) -> int:
        """Runs that say so too."""
        return sum(answer.said == self.said for answer in self.answers)


@dataclass(frozen=True)
class Tried:
    """`missing`: in sentences, which of the models do not answer and why."""

    dataset: MaterialisedDataset
    seen: Seen
    lines: Sequence[LineAnswer]
    missing: Sequence[str]

    @property
    def answers(self) -> list[Answer]:
        return [answer for line in self.lines for answer in line.answers]

    @property
    def agreement(self) -> str:
        """In words: "All 4 models say 7.", "3 of 4 models say 7, 1 says 1."""
        classes = self.dataset.manifest.classes
        said = Counter(answer.said for answer in self.answers).most_common()
        num_answers = len(self.answers)
        if not said:
            return "No model answers."
        if num_answers == 1:
            return f"The model says {classes[said[0][0]]}."
        if len(said) == 1:
            return f"{'Both' if num_answers == 2 else f'All {num_answers}'} models say {classes[said[0][0]]}."
        first, *others = [f"{votes} {'says' if votes == 1 else 'say'} {classes[number]}" for number, votes in said]
        return f"Of {num_answers} models {first}, {', '.join(others)}."


def try_image(predictor: Predictor, dataset: MaterialisedDataset, chosen: ChosenModels, seen: Seen) -> Tried:
    networks, missing = predictor.networks(chosen.runs, dataset.manifest)
    answers = {one.stored.run.id: Answer(one, one.answer(seen.image[None])[0]) for one in networks}
    diverged = [run_id for run_id, answer in answers.items() if not np.isfinite(answer.probabilities).all()]
    missing += [f"What run {run_id} answers is no number: its training diverged." for run_id in diverged]
    of_lines = [
        (line, [answers[run.id] for run in line.runs if run.id in answers and run.id not in diverged])
        for line in chosen.lines
    ]
    lines = [LineAnswer(line, of_line) for line, of_line in of_lines if of_line]
    return Tried(dataset, seen, lines, [*chosen.left_out, *missing])


def seen_by(dataset: MaterialisedDataset, content: bytes, handling: Handling) -> Seen:
    """Raises ImageRefused."""
    image, shape = decoded(content), dataset.manifest.image_shape
    framing, notes = framing_of(dataset), list(image.notes)
    if handling.prepare == "none" and image.pixels.shape[1:] != shape[1:]:
        height, width = image.pixels.shape[1:]
        raise ImageRefused(f"The image is {width}×{height} and is to be taken as it is: {shape[2]}×{shape[1]}.")
    if handling.prepare != "dataset" or framing is None:
        prepared = plain(image.pixels, shape, handling.invert)
        notes += [f"Scaled to {shape[2]}×{shape[1]}."] if image.pixels.shape[1:] != shape[1:] else []
    else:
        prepared = framed(image.pixels, framing, shape, handling.invert)
        how = f"Cropped, scaled to {framing.box}×{framing.box}, centred by its {framing.centred_by}"
        notes.append(f"{how}, as those of {dataset_title(dataset.manifest.name)} are.")
    notes += ["Dark and light changed places."] if prepared.inverted and not prepared.is_blank else []
    return Seen(prepared, notes)


def kept_as_seen_by(dataset: MaterialisedDataset, kept: KeptImage) -> Seen:
    """An image of the gallery; one that was kept for another dataset is made as this one's are."""
    if kept.dataset == dataset.manifest.name and tuple(kept.shape) == dataset.manifest.image_shape:
        return Seen(Prepared(kept.pixels), [])
    return seen_by(dataset, png_bytes(kept.pixels), Handling())


def framing_of(dataset: MaterialisedDataset) -> Framing | None:
    return _framing(dataset.folder, dataset.version)


@lru_cache(maxsize=32)
def _framing(folder: Path, version: str) -> Framing | None:
    return measured_framing(materialised(folder.parent, folder.name).images("test"))
