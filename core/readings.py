"""What runs read in each test image: how many of them which class, and how sure. Errors, suspects of label noise, and
where two groups disagree follow from it. Pure, numpy: a hundred runs of 10,000 images in some tens of milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.predictions import Predictions

Order = Literal["sure", "unsure", "image"]
Better = Literal["either", "first", "second"]
SUSPECT_CONFIDENCE = 0.9  # mean over the runs from which an error may be the label's. Guess, untuned
Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Readings:
    """`votes[image, class]`: how many of `num_runs` runs read the class in the image; `sureness`: the sum of their
    confidences, so that its quotient by the votes is a mean."""

    votes: NDArray[np.int32]  # (N, classes)
    sureness: NDArray[np.float32]  # (N, classes)
    num_runs: int


@dataclass(frozen=True)
class Reading:
    """One class read in one image, by so many runs with this mean confidence."""

    image: int
    label: int
    said: int
    num_runs: int
    confidence: float


@dataclass(frozen=True)
class Disagreement:
    """An image in which two groups read different things. `said` is the wrong class in which they differ most, read by
    `votes` runs of each; `right` runs of each read the label. `distance`: what share of the runs would have to change
    their answer for both to answer alike (the total variation distance)."""

    image: int
    label: int
    said: int
    votes: tuple[int, int]
    right: tuple[int, int]
    distance: float


@dataclass(frozen=True)
class ClassDifference:
    """One class in two groups: recall over images and runs; in how many images which is right more often."""

    name: str
    num_images: int
    recalls: tuple[float, float]
    num_first_better: int
    num_second_better: int

    @property
    def difference(self) -> float:
        """The second's recall less the first's; 0 where only the rounding of shares parts them."""
        return round(self.recalls[1] - self.recalls[0], 12)


def readings_of(predictions: Sequence[Predictions], num_images: int, num_classes: int) -> Readings:
    votes = np.zeros((num_images, num_classes), np.int32)
    sureness = np.zeros((num_images, num_classes), np.float32)
    images = np.arange(num_images)
    for of_run in predictions:
        votes[images, of_run.classes] += 1
        sureness[images, of_run.classes] += of_run.confidences
    return Readings(votes, sureness, len(predictions))


def wrong_readings(
    readings: Readings,
    labels: Labels,
    label: int | None = None,
    said: int | None = None,
    *,
    only_suspects: bool = False,
) -> NDArray[np.bool_]:
    """Which classes, wrongly read in which images, are meant: (N, classes). Where `label` and `said` are one class, its
    right readings. Suspects are wrong in every run, as the same class, with high confidence."""
    meant = readings.votes > 0
    if label is None or label != said:
        meant[np.arange(len(labels)), labels] = False
    if label is not None:
        meant[labels != label] = False
    if said is not None:
        meant[:, np.arange(meant.shape[1]) != said] = False
    if only_suspects:
        meant &= (readings.votes == readings.num_runs) & (readings.sureness >= SUSPECT_CONFIDENCE * readings.num_runs)
    return meant


def in_order(readings: Readings, meant: NDArray[np.bool_], order: Order) -> list[tuple[int, int]]:
    """(image, class) of those meant: read by the most runs first, the surest (or the least sure) first among equals."""
    images, said = np.nonzero(meant)
    if order != "image":
        votes = readings.votes[images, said]
        confidences = readings.sureness[images, said] / votes
        place = np.lexsort((images, confidences if order == "unsure" else -confidences, -votes))
        images, said = images[place], said[place]
    return list(zip(images.tolist(), said.tolist(), strict=True))


def told(readings: Readings, labels: Labels, image: int, said: int) -> Reading:
    votes = int(readings.votes[image, said])
    return Reading(image, int(labels[image]), said, votes, float(readings.sureness[image, said]) / votes)


def disagreeing(
    first: Readings, second: Readings, labels: Labels, *, label: int | None = None, better: Better = "either"
) -> list[int]:
    """Images on which they disagree, those first in which the share of runs that are right differs most; among equals
    where most answers differ, and the surest. `better` keeps those in which the one group is right more often."""
    change = _change(first, second)
    distance, gain = np.abs(change).sum(1) / 2, change[np.arange(len(labels)), labels]
    meant = distance > 1e-9
    if label is not None:
        meant &= labels == label
    if better != "either":
        meant &= gain > 1e-9 if better == "second" else gain < -1e-9
    images = np.flatnonzero(meant)
    sureness = sum(group.sureness[images].max(1) / group.num_runs for group in (first, second))
    by_gain, by_distance = (-np.abs(one[images]).round(9) for one in (gain, distance))
    order = np.lexsort((images, -np.asarray(sureness), by_distance, by_gain))
    return [int(image) for image in images[order]]


def disagreement(first: Readings, second: Readings, labels: Labels, image: int) -> Disagreement:
    """Of one image on which they disagree."""
    label, change = int(labels[image]), _change(first, second, image)
    distance = float(np.abs(change).sum() / 2)
    change[label] = 0
    said = int(np.abs(change).argmax())
    votes, right = ((int(first.votes[image, of]), int(second.votes[image, of])) for of in (said, label))
    return Disagreement(image, label, said, votes, right, distance)


def _change(first: Readings, second: Readings, image: int | slice = slice(None)) -> NDArray[np.float64]:
    """What share of the runs reads each class, in the second less in the first."""
    return np.asarray(second.votes[image] / second.num_runs - first.votes[image] / first.num_runs)


def class_differences(
    first: Readings, second: Readings, labels: Labels, classes: Sequence[str]
) -> list[ClassDifference]:
    """In the order of the classes; a class without test images is left out."""
    right = [group.votes[np.arange(len(labels)), labels] / group.num_runs for group in (first, second)]
    num_images = np.bincount(labels, minlength=len(classes))
    recalls = [np.bincount(labels, shares, len(classes)) / np.maximum(num_images, 1) for shares in right]
    better = [np.bincount(labels[one > other], minlength=len(classes)) for one, other in (right, right[::-1])]
    columns = zip(classes, *(array.tolist() for array in (num_images, *recalls, *better)), strict=True)
    return [
        ClassDifference(name, count, (one, other), *better_images)
        for name, count, one, other, *better_images in columns
        if count
    ]
