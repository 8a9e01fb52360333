"""A figure over the seeds of a group: mean, range, and the interval of the mean."""

import math
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    low: float
    high: float

    def within(self, least: float, most: float) -> "Interval":
        """Nothing lies outside of what there can be, so an interval that ends there holds it as often."""
        return Interval(max(least, self.low), min(most, self.high))


class Spread(NamedTuple):
    """A figure over the n seeds that have it; `deviation` is s, 0 of a single one."""

    n: int
    mean: float
    low: float
    high: float
    deviation: float = 0.0

    @property
    def reach(self) -> float | None:
        """To each side of the mean, of its 95 % interval over seeds (Student's t); None of a single one."""
        if self.n < 2:
            return None
        from core.statistics.estimates import t_quantile  # with the first comparison: it brings SciPy along

        return t_quantile(0.975, self.n - 1) * self.deviation / math.sqrt(self.n)

    @property
    def interval(self) -> Interval | None:
        return None if self.reach is None else Interval(self.mean - self.reach, self.mean + self.reach)

    @property
    def gain_of_best(self) -> float:
        """By how much the best of them is expected to lie above the mean by choice alone."""
        from core.statistics.choice import expected_maximum

        return expected_maximum(self.n) * self.deviation


def spread(values: Iterable[float | None]) -> Spread | None:
    """None where there are no values, or where one is missing: with a loss that was not finite there is no mean."""
    present: list[float] = []
    for value in values:
        if value is None:
            return None
        present.append(value)
    if not present:
        return None
    n, low, high = len(present), min(present), max(present)
    mean = min(high, max(low, sum(present) / n))
    deviation = math.sqrt(sum([(value - mean) ** 2 for value in present]) / (n - 1)) if n > 1 else 0.0
    return Spread(n, mean, low, high, deviation)


def spreads(rows: Sequence[Sequence[float]]) -> list[Spread]:
    """The same of each column of a table without gaps: (seeds, epochs) to one spread an epoch."""
    table = np.array(rows)
    n, low, high = len(table), table.min(0), table.max(0)
    mean = np.clip(table.sum(0) / n, low, high)
    deviation = np.sqrt(((table - mean) ** 2).sum(0) / max(1, n - 1))
    return list(map(Spread, repeat(n), *(each.tolist() for each in (mean, low, high, deviation))))
