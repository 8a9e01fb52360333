"""Sums over cells with their noise: against statsmodels, by hand, and how often their intervals hold the truth."""

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of statsmodels at its import
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from core.statistics.contrasts import Cell, contrast


def cells(table: NDArray[np.float64], weights: list[float]) -> list[Cell]:
    return [(weight, dict(enumerate(row))) for weight, row in zip(weights, table.tolist(), strict=True)]


def test_cells_of_the_same_seeds_are_judged_by_each_seeds_own_sum() -> None:
    table = np.random.default_rng(1).normal(size=(4, 5))
    weights = [0.5, 0.5, -0.5, -0.5]
    told = contrast(cells(table, weights))
    oracle = DescrStatsW(np.array(weights) @ table)
    assert told.method == "by seed"
    assert told.estimate
    assert told.value == pytest.approx(oracle.mean, rel=1e-10)
    assert told.estimate.interval() == pytest.approx(oracle.tconfint_mean(), rel=1e-10)
    paired = contrast(cells(table[:2], [1.0, -1.0])).estimate
    assert paired
    assert paired.p == pytest.approx(stats.ttest_rel(table[0], table[1]).pvalue, rel=1e-10)


def test_cells_of_other_seeds_are_welchs() -> None:
    random = np.random.default_rng(2)
    one, other = random.normal(size=4), random.normal(scale=9, size=6)
    told = contrast([(1.0, dict(enumerate(one.tolist()))), (-1.0, dict(enumerate(other.tolist())))])
    oracle = CompareMeans(DescrStatsW(one), DescrStatsW(other))
    assert told.method == "cell by cell"
    assert told.estimate
    assert told.estimate.p == pytest.approx(oracle.ttest_ind(usevar="unequal")[1], rel=1e-10)
    assert told.estimate.interval() == pytest.approx(oracle.tconfint_diff(usevar="unequal"), rel=1e-10)


def test_the_weights_of_cells_do_not_follow_the_number_of_their_seeds() -> None:
    told = contrast([(0.5, {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}), (0.5, {0: 0.0, 1: 0.0})])
    assert told.value == 0.5
    assert told.estimate
    assert (told.estimate.variance, told.estimate.interval()) == (0.0, (0.5, 0.5))


def test_a_single_seed_tells_a_value_and_no_noise() -> None:
    told = contrast([(0.5, {0: 0.9, 1: 0.8}), (0.5, {0: 0.7})])
    assert told.value == pytest.approx(0.775)
    assert told.estimate is None


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_intervals_hold_the_truth_whether_or_not_a_seed_is_lucky_everywhere_and_a_cell_wild(shared: float) -> None:
    """Four cells, one of ten times the noise; three seeds. Pooling the cells' variances holds it in 83 to 87 of 100."""
    random, noise = np.random.default_rng(3), np.array([[1.0], [3.0], [1.0], [10.0]])
    num_held = 0
    for _ in range(2000):
        luck: Any = np.sqrt(shared) * random.normal(size=(1, 3)) + np.sqrt(1 - shared) * random.normal(size=(4, 3))
        estimate = contrast(cells(noise * luck, [0.25] * 4)).estimate
        assert estimate
        low, high = estimate.interval()
        num_held += low <= 0 <= high
    assert abs(num_held / 2000 - 0.95) < 0.015
