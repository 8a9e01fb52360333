"""A weighted sum of the means of several cells, such as a level's mean over the other factors' combinations, or the
difference between two levels: what it is, and how far other seeds would have moved it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.statistics.estimates import Estimate, mean_of

Cell = tuple[float, Mapping[int, float]]  # a weight, and the value of each seed


@dataclass(frozen=True)
class Contrast:
    """`estimate` is None where a cell has a single seed: then nobody knows how much a seed does."""

    value: float
    estimate: Estimate | None
    method: Literal["by seed", "cell by cell", "none"]


def contrast(cells: Sequence[Cell]) -> Contrast:
    """Cells weigh what they are given, whatever the number of their seeds: with equal weights that is the population
    marginal mean (Yates 1934, JASA 29:51; Searle, Speed & Milliken 1980, The American Statistician 34:216).

    By seed, where all cells have the same seeds: the sum is worked out for each seed, and these sums are a sample
    (Student 1908; summary measures: Matthews et al. 1990, BMJ 300:230). Runs of one seed begin alike and see the same
    order of images in every cell, so they are no independent ones; and the learning rate that is too high varies a
    hundredfold more than its neighbours. Neither matters to it.
    Cell by cell otherwise: each cell brings its own variance, Σ w²s²/n, as if cells were independent, with
    Satterthwaite's degrees of freedom (1946, Biometrics Bulletin 2:110; Welch 1947, Biometrika 34:28)."""
    value = float(sum(weight * np.mean(list(seeds.values())) for weight, seeds in cells))
    if min(len(seeds) for _, seeds in cells) < 2:
        return Contrast(value, None, "none")
    first = cells[0][1].keys()
    if all(seeds.keys() == first for _, seeds in cells):
        sums = mean_of([sum(weight * seeds[seed] for weight, seeds in cells) for seed in first])
        return Contrast(value, sums, "by seed")
    variances = [(weight**2 * float(np.var(list(seeds.values()), ddof=1)) / len(seeds), len(seeds) - 1)
                 for weight, seeds in cells]  # fmt: skip
    variance = sum(part for part, _ in variances)
    parts = sum(part**2 / degrees for part, degrees in variances)
    return Contrast(value, Estimate(value, variance, variance**2 / parts if parts else 1.0), "cell by cell")
