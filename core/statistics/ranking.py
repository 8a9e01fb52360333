"""Many groups held against each other by their accuracies over seeds alone: Welch's test of one against all at once,
corrected, and the ranks that a group may have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from core.statistics.several import ERROR

NUM_DRAWS, MOST_DRAWN = 256, 500  # 5 ms; the mean is good to a tenth of the noise. Guess, untuned
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Means:
    """Of each group (G,): the mean over its n seeds, two or more, and the variance of that mean."""

    values: Floats
    variances: Floats
    sizes: Ints

    def differences(self, one: int) -> tuple[Floats, Floats, Floats]:
        """Of every group to this one: the difference, its variance, and Welch's degrees of freedom (1947, Biometrika
        34:28)."""
        variance = self.variances + self.variances[one]
        parts = self.variances**2 / (self.sizes - 1) + self.variances[one] ** 2 / (self.sizes[one] - 1)
        return self.values - self.values[one], variance, variance**2 / parts

    def ps(self, one: int) -> Floats:
        """Of every group being as good as this one, two-sided; 1 of itself."""
        difference, variance, degrees = self.differences(one)
        return np.asarray(2 * special.stdtr(degrees, -np.abs(difference) / np.sqrt(variance)))


def means_of(means: Floats, deviations: Floats, sizes: Ints, num_images: int | None) -> Means:
    """Of each group the mean, s over its seeds, and their number. s² is one twelfth of an image squared at least: what
    rounding to whole images leaves (Sheppard 1898, Proceedings of the London Mathematical Society 29:353). Seeds that
    happen to read as many images right are no proof of no noise."""
    least = (1 / (num_images or 10_000)) ** 2 / 12  # where the number is not known any more: that of MNIST
    return Means(means, np.maximum(deviations**2, least) / sizes, sizes)


def by_holm(ps: Floats, against: int) -> Floats:
    """Of all but the one they are held against, which was named beforehand, corrected for their number (Holm 1979,
    Scandinavian Journal of Statistics 6:65): at most ERROR where a group is told from it."""
    others = np.delete(np.arange(len(ps)), against)
    order = others[np.argsort(ps[others], kind="stable")]
    corrected = np.ones(len(ps))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(ps[order] * np.arange(len(order), 0, -1)))
    return corrected


def by_bonferroni(ps: Floats, leader: int) -> Floats:
    """The same against the leader, which these very figures chose: each is corrected as if it had been held against all
    others. So the best group is, but for ERROR of the time, among those that are not told from the leader: else one of
    len(ps) - 1 others was told from it by chance, each for an equal part of ERROR. (The bound behind Gupta 1965,
    Technometrics 7:225, and Hsu 1984, Annals of Statistics 12:1136, which are sharper where all noise is alike.)"""
    corrected = np.minimum(1.0, ps * (len(ps) - 1))
    corrected[leader] = 1.0
    return corrected


def ranks_of(means: Means, chosen: Sequence[int]) -> list[tuple[int, int]]:
    """The best and the worst rank that each of the chosen may have: as many are surely before and behind it as its
    comparisons with all others tell, which share ERROR (Mogstad, Romano, Shaikh & Wilhelm 2024, Review of Economic
    Studies 91:476: marginal sets, here by Bonferroni in place of their bootstrap)."""
    num_others = len(means.values) - 1
    told = []
    for one in chosen:
        difference = means.values - means.values[one]
        is_told = means.ps(one) * num_others <= ERROR
        is_told[one] = False
        better, worse = int((is_told & (difference > 0)).sum()), int((is_told & (difference < 0)).sum())
        told.append((1 + better, 1 + num_others - worse))
    return told


def gain_of_leading(means: Means, tied: Sequence[int]) -> float:
    """By how much the highest of these means lies above the group's level by choice alone: each is drawn anew around
    where it was seen, with its own noise, and the highest is held against where it was drawn (a parametric bootstrap,
    Efron & Tibshirani 1993, chapter 6). Means that were seen lie further apart than the groups do, so it is more.
    0 of one alone."""
    if len(tied) < 2:
        return 0.0
    best = np.array(tied[:MOST_DRAWN])
    centres, noise = means.values[best], np.sqrt(means.variances[best])
    drawn = centres + noise * np.random.default_rng(0).standard_normal((NUM_DRAWS, len(best)))
    highest = drawn.argmax(1)
    return float(np.mean(drawn[np.arange(NUM_DRAWS), highest] - centres[highest]))
