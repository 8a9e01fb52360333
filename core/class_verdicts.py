"""Whether one group reads a class better than another by more than chance: seeds and images both, over all classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.predictions import Predictions
from core.readings import Labels
from core.spreads import Interval
from core.statistics.crossed import paired_difference, unpaired_difference
from core.statistics.several import ERROR, shared

LEAST_SEEDS = 3  # on a side, as of a verdict
LEAST_IMAGES = 30  # of a class: below, an interval by Student's t says little of a share. Guess, untuned


@dataclass(frozen=True)
class ClassVerdict:
    """Of the second group's recall less the first's. The p is Holm's over the classes, and the interval of that level:
    it leaves zero out exactly where the class is told from chance."""

    interval: Interval
    p: float

    @property
    def is_told(self) -> bool:
        return self.p <= ERROR


def class_verdicts(
    first: Sequence[Predictions], second: Sequence[Predictions], labels: Labels, num_classes: int
) -> dict[int, ClassVerdict]:
    """By number of the class; empty where a side has too few seeds, and without classes of too few images."""
    if min(len(first), len(second)) < LEAST_SEEDS:
        return {}
    one, other = (sorted(side, key=lambda run: run.run.seed) for side in (second, first))
    is_paired = [run.run.seed for run in one] == [run.run.seed for run in other]
    compare = paired_difference if is_paired else unpaired_difference
    estimates = {}
    for number in range(num_classes):
        images = np.flatnonzero(labels == number)
        if len(images) >= LEAST_IMAGES:
            sides = [np.stack([run.classes[images] == number for run in side]) for side in (one, other)]
            estimates[number] = compare(sides[0], sides[1]).both
    shares = shared([estimate.p for estimate in estimates.values()], [1] * len(estimates))
    return {
        number: ClassVerdict(estimate.interval(1 - share.part), share.p)
        for (number, estimate), share in zip(estimates.items(), shares, strict=True)
    }
