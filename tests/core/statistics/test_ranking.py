"""Many groups held against each other: figures as SciPy and statsmodels have them, and what is promised of the best."""

import warnings

import numpy as np
import pytest
from scipy import stats

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of statsmodels at its import
    from statsmodels.stats.multitest import multipletests

from core.statistics.ranking import Means, by_bonferroni, by_holm, gain_of_leading, means_of, ranks_of

SIZES = (3, 5, 4, 10, 5)


def drawn(seed: int, *centres: float, size: int = 5, noise: float = 0.001) -> Means:
    """Groups of so many seeds, the best first."""
    values = np.array(centres)[:, None] + np.random.default_rng(seed).normal(0, noise, (len(centres), size))
    values = values[np.argsort(-values.mean(1))]
    return means_of(values.mean(1), values.std(1, ddof=1), np.full(len(values), size), None)


def test_each_p_is_welchs_and_together_they_are_holms() -> None:
    random = np.random.default_rng(1)
    groups = [random.normal(0.98 + place / 1000, 0.001, size) for place, size in enumerate(SIZES)]
    means, deviations = (
        np.array([measure(group) for group in groups]) for measure in (np.mean, lambda g: g.std(ddof=1))
    )
    ps = means_of(means, deviations, np.array(SIZES), 10_000).ps(3)
    others = [place for place in range(len(groups)) if place != 3]
    welch = [stats.ttest_ind(groups[place], groups[3], equal_var=False).pvalue for place in others]
    assert ps[others] == pytest.approx(welch, rel=1e-10)
    assert by_holm(ps, 3)[others] == pytest.approx(multipletests(welch, method="holm")[1], rel=1e-10)
    assert by_bonferroni(ps, 3)[others] == pytest.approx(multipletests(welch, method="bonferroni")[1], rel=1e-10)
    assert (by_holm(ps, 3)[3], by_bonferroni(ps, 3)[3]) == (1.0, 1.0), "of itself"


def test_groups_that_happen_not_to_vary_are_not_free_of_noise() -> None:
    same = means_of(np.array([0.9, 0.9 + 1e-5]), np.zeros(2), np.array([3, 3]), 360)
    assert same.ps(0)[1] > 0.9, "a hundredth of an image"
    apart = means_of(np.array([0.9, 0.95]), np.zeros(2), np.array([3, 3]), 360)
    assert apart.ps(0)[1] < 1e-4


def test_ranks_lie_between_those_surely_before_and_those_surely_behind() -> None:
    means = drawn(1, 0.99, 0.99, 0.98, 0.97, 0.97)
    assert ranks_of(means, [0, 1, 2, 3, 4]) == [(1, 2), (1, 2), (3, 3), (4, 5), (4, 5)]
    assert ranks_of(drawn(1, 0.99), [0]) == [(1, 1)]


def test_the_best_group_is_told_from_the_leader_in_at_most_5_percent_although_the_figures_chose_the_leader() -> None:
    """The worst case: all are alike, so each may be called the best. Of one that is named beforehand, the first, the
    bound holds, and that on its ranks too."""
    random = np.random.default_rng(2)
    excluded = misranked = 0
    for _ in range(1000):
        values = random.normal(0.98, 0.001, (30, 4))
        means = means_of(values.mean(1), values.std(1, ddof=1), np.full(30, 4), None)
        excluded += by_bonferroni(means.ps(int(means.values.argmax())), int(means.values.argmax()))[0] <= 0.05
        misranked += ranks_of(means, [0])[0] != (1, 30)
    assert excluded <= misranked <= 50


def test_the_leaders_figure_is_too_high_by_about_what_choosing_it_adds() -> None:
    gains = [gain_of_leading(drawn(seed, *[0.98] * 20), range(20)) for seed in range(20)]
    leads = [drawn(seed, *[0.98] * 20).values[0] - 0.98 for seed in range(20)]
    assert 0.4 * np.mean(leads) < np.mean(gains) < np.mean(leads), "less, since what was seen lies further apart"
    assert gain_of_leading(drawn(1, 0.99, 0.5), [0, 1]) < 0.0002
