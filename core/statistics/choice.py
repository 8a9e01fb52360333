"""What choosing the best of several adds to a figure by itself."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy import special

_GRID = np.linspace(-12, 12, 2401)  # equal steps are exact to the last digits for what vanishes so fast at both ends


def expected_maximum(n: int) -> float:
    """Of n independent standard normals (Tippett 1925, Biometrika 17:364): n ∫ x φ(x) Φ(x)^(n−1) dx."""
    density = np.exp(-(_GRID**2) / 2) / sqrt(2 * np.pi)
    return float(n * np.sum(_GRID * density * special.ndtr(_GRID) ** (n - 1)) * (_GRID[1] - _GRID[0]))


def best_epoch(curves: Sequence[Sequence[float]]) -> float:
    """By how much a run's best epoch lies above its level by choice alone: over the second halves of the curves, where
    they rise little, from the noise between neighbours (von Neumann 1941, Annals of Mathematical Statistics 12:153),
    which a trend does not feign. 0 where no curve has two epochs there. Epochs that go up and down together make it
    less; it is a size, no correction."""
    ends = [np.array(curve[len(curve) // 2 :]) for curve in curves]
    steps = np.concatenate([np.diff(end) for end in ends])
    if not len(steps):
        return 0.0
    noise = sqrt(float(np.mean(steps**2)) / 2)
    return expected_maximum(max(len(end) for end in ends)) * noise
