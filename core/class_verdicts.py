"""Whether one group reads a class better than another by more than chance: seeds and images both, over all classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.comparison import LEAST_SEEDS
from core.marks import Marks
from core.predictions import Predictions
from core.readings import Labels
from core.spreads import Interval
from core.statistics.crossed import paired_difference, unpaired_difference
from core.statistics.several import ERROR, shared

Seeds = Mapping[int, Marks]  # by seed, which images its run reads rightly
LEAST_IMAGES = 30  # of a class: below, an interval by Student's t says little of a share. Guess, untuned


@dataclass(frozen=True)
class ClassVerdict:
    """`difference`: the second group's recall less the first's. The p is Holm's over the classes, after the part that
    the look at the two groups may spend, and the interval of that level: it leaves zero out exactly where the class is
    told from chance."""

    difference: float
    interval: Interval
    p: float

    @property
    def is_told(self) -> bool:
        return self.p <= ERROR


def class_verdicts(
    first: Sequence[Predictions], second: Sequence[Predictions], labels: Labels, num_classes: int, look: int
) -> dict[int, ClassVerdict]:
    """By number of the class; empty where a side has too few seeds, and without classes of too few images. `look`: the
    how-manieth at these two groups."""
    sides = [{run.run.seed: run.classes == labels for run in side} for side in (first, second)]
    return verdicts_on_classes(sides[0], sides[1], labels, num_classes, look)


def verdicts_on_classes(
    first: Seeds, second: Seeds, labels: Labels, num_classes: int, look: int
) -> dict[int, ClassVerdict]:
    """The same of which images each seed reads rightly."""
    if min(len(first), len(second)) < LEAST_SEEDS:
        return {}
    compare = paired_difference if first.keys() == second.keys() else unpaired_difference
    one, other = (np.stack([side[seed] for seed in sorted(side)]) for side in (second, first))
    estimates = {}
    for number in range(num_classes):
        images = np.flatnonzero(labels == number)
        if len(images) >= LEAST_IMAGES:
            estimates[number] = compare(one[:, images], other[:, images]).both
    shares = shared([estimate.p for estimate in estimates.values()], [look] * len(estimates))
    return {
        number: ClassVerdict(estimate.value, estimate.interval(1 - share.part).within(-1.0, 1.0), share.p)
        for (number, estimate), share in zip(estimates.items(), shares, strict=True)
    }
