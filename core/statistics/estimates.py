"""An estimate with its variance and degrees of freedom, and intervals of single figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from scipy import special

from core.spreads import Interval

LEVEL = 0.95  # of an interval where nothing else is said


@dataclass(frozen=True)
class Estimate:
    """What was measured, the variance of that, and the degrees of freedom of the variance (Student 1908)."""

    value: float
    variance: float
    degrees: float

    @property
    def p(self) -> float:
        """Of the value being zero, two-sided."""
        if self.variance <= 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * special.stdtr(self.degrees, -abs(self.value) / sqrt(self.variance)))

    def interval(self, level: float = LEVEL) -> Interval:
        reach = t_quantile((1 + level) / 2, self.degrees) * sqrt(self.variance)
        return Interval(self.value - reach, self.value + reach)


def mean_of(values: Sequence[float]) -> Estimate:
    """Of two values or more, as drawn from a normal distribution (Student 1908)."""
    n = len(values)
    return Estimate(float(np.mean(values)), float(np.var(values, ddof=1)) / n, n - 1)


def t_quantile(probability: float, degrees: float) -> float:
    return float(special.ndtri(probability) if degrees == inf else special.stdtrit(degrees, probability))


def wilson(num_right: float, num_images: int, level: float = LEVEL) -> Interval:
    """Score interval of a proportion (Wilson 1927, JASA 22:209; recommended by Brown, Cai & DasGupta 2001, Statistical
    Science 16:101): the noise of the test images alone. `num_right` may be a mean over runs."""
    z = float(special.ndtri((1 + level) / 2))
    share, squared = num_right / num_images, z * z / num_images
    centre = (share + squared / 2) / (1 + squared)
    reach = z / (1 + squared) * sqrt(share * (1 - share) / num_images + squared / (4 * num_images))
    return Interval(max(0.0, centre - reach), min(1.0, centre + reach))
