"""How many more seeds would decide: as far as the noise seen so far tells."""

from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import special

from core.statistics.crossed import Difference

POWER = 0.8  # the chance that so many decide, if the difference is the one seen (Cohen 1988, chapter 2)
MOST_SEEDS = 200  # more on each side; beyond that the estimate says no more than "many". Guess, untuned


def seeds_to_decide(seen: Difference, error: float) -> int | None:
    """More seeds on each side until the difference seen would be told from zero at `error`, two-sided; None where more
    than MOST_SEEDS would be needed, or where no number would do (see `least_decidable`): of no difference none does."""
    if not seen.both.value:
        return None
    more = np.arange(1, MOST_SEEDS + 1)
    variance, degrees = _foreseen(seen, more)
    needed = special.stdtrit(degrees, 1 - error / 2) + special.stdtrit(degrees, POWER)
    enough = np.flatnonzero(abs(seen.both.value) >= needed * np.sqrt(variance))
    return int(more[enough[0]]) if len(enough) else None


def least_decidable(seen: Difference, error: float) -> float:
    """The least difference that any number of seeds could tell from zero on these test images."""
    return float(special.ndtri(1 - error / 2) + special.ndtri(POWER)) * sqrt(seen.image_noise)


def _foreseen(seen: Difference, more: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variance and Satterthwaite's degrees of freedom with so many more seeds on each side."""
    sides = zip(seen.seed_noise, seen.num_seeds, strict=False)  # pairs have one noise, and as many seeds on both sides
    seeds = [(spread / (size + more), size + more - 1) for spread, size in sides]
    variance = sum(part for part, _ in seeds) + seen.image_noise
    parts = sum(part**2 / degrees for part, degrees in seeds) + seen.image_noise**2 / (seen.num_images - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = np.where(parts > 0, variance**2 / parts, inf)
    return np.asarray(variance), np.asarray(degrees)
