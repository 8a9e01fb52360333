"""What choosing the best of several adds to a figure by itself."""

from collections.abc import Sequence
from functools import cache
from math import sqrt

import numpy as np
from scipy import special

_GRID = np.linspace(-12, 12, 2401)  # equal steps are exact to the last digits for what vanishes so fast at both ends


@cache
def expected_maximum(n: int) -> float:
    """Of n independent standard normals (Tippett 1925, Biometrika 17:364): n ∫ x φ(x) Φ(x)^(n−1) dx."""
    density = np.exp(-(_GRID**2) / 2) / sqrt(2 * np.pi)
    return float(n * np.sum(_GRID * density * special.ndtr(_GRID) ** (n - 1)) * (_GRID[1] - _GRID[0]))


def best_epoch(curves: Sequence[Sequence[float]]) -> float | None:
    """By how much a run's best epoch lies above its level by choice alone: over the second halves of the curves, from
    the noise between neighbours as second differences show it, for which a steady rise is none (Gasser, Sroka &
    Jennen-Steinmetz 1986, Biometrika 73:625). None where no half has three epochs. It is a size, no correction."""
    ends = [np.array(curve[len(curve) // 2 :]) for curve in curves]
    bends = np.concatenate([np.diff(end, 2) for end in ends if len(end) > 2] or [np.empty(0)])
    if not len(bends):
        return None
    noise = sqrt(float(np.mean(bends**2)) / 6)
    return expected_maximum(max(map(len, ends))) * noise
