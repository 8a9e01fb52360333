"""Whether a curve rises or falls beyond its noise. Pure; figures in the order of the epochs, all finite."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

# One-sided 1 %: of flat curves with independent noise one in a hundred is said to move. Without correction for
# continuity it agrees with the exact test from 5 figures on, which must then all be in order (1 in 120).
Z = 2.326
MOST_POINTS = 40  # a longer curve is averaged into so many blocks: all pairs of 10,000 epochs would take seconds


def trend(values: Sequence[float]) -> float:
    """Kendall's S over its standard deviation without a trend (Mann 1945, Kendall 1975); above 0 where they rise."""
    size = -(-len(values) // MOST_POINTS)
    blocks = [fmean(values[start : start + size]) for start in range(0, len(values), size or 1)]
    num = len(blocks)
    if num < 2:
        return 0.0
    pairs = ((blocks[i], later) for i in range(num) for later in blocks[i + 1 :])
    ordered = sum((later > earlier) - (later < earlier) for earlier, later in pairs)
    return ordered / math.sqrt(num * (num - 1) * (2 * num + 5) / 18)


def lowest(values: Sequence[float]) -> int:
    """Where `level` is lowest: a single lucky epoch does not make it."""
    return min(range(len(values)), key=lambda at: level(values, at))


def level(values: Sequence[float], at: int) -> float:
    """The median of the figure there and its neighbours: the curve less the noise of one epoch."""
    beside = sorted(values[max(0, at - 1) : at + 2])
    return (beside[(len(beside) - 1) // 2] + beside[len(beside) // 2]) / 2


def end(values: Sequence[float]) -> float:
    """The median of the last three."""
    return median(values[-3:])


def rises_after(values: Sequence[float], at: int) -> bool:
    return trend(values[at + 1 :]) >= Z


def falls(values: Sequence[float]) -> bool:
    """Fewer than five can never be beyond doubt: of them each must be below the one before."""
    is_sorted = all(later < earlier for earlier, later in pairwise(values))
    return is_sorted if len(values) < 5 else trend(values) <= -Z
