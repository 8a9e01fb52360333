"""The confusion matrix of one run or of many, and what follows from it of each class. Pure, numpy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class ClassFigures:
    """Of one class. None where it is a quotient of nothing: precision of a class that is never said, F1 of one that is
    neither there nor said."""

    name: str
    num_images: int  # over all runs, as the counts of the matrix
    num_right: int
    num_said: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Confusion:
    """`counts[true, said]` over the test images of all runs, (classes, classes)."""

    classes: Sequence[str]
    counts: Counts
    num_runs: int

    @property
    def num_images(self) -> int:
        """Images times runs."""
        return int(self.counts.sum())

    @property
    def num_right(self) -> int:
        return int(np.trace(self.counts))

    @property
    def most_wrong(self) -> int:
        """The largest count beside the diagonal, 0 where nothing is wrong."""
        return int((self.counts - np.diag(np.diag(self.counts))).max(initial=0))

    def of_classes(self) -> list[ClassFigures]:
        right, there, said = np.diag(self.counts), self.counts.sum(1), self.counts.sum(0)
        return [
            ClassFigures(
                name, int(num_there), int(num_right), int(num_said), _share(num_right, num_said),
                _share(num_right, num_there), _share(2 * num_right, num_there + num_said),
            )
            for name, num_right, num_there, num_said in zip(self.classes, right, there, said, strict=True)
        ]  # fmt: skip


def confusion(labels: NDArray[np.uint8], said: Sequence[NDArray[np.uint8]], classes: Sequence[str]) -> Confusion:
    """Summed over the runs, of each of which `said` has the classes of the test images (N,)."""
    size = len(classes)
    counts = np.zeros(size * size, np.int64)
    row_starts = labels.astype(np.int64) * size
    for of_run in said:
        counts += np.bincount(row_starts + of_run, minlength=size * size)
    return Confusion(classes, counts.reshape(size, size), len(said))


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None
