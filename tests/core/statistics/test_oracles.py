"""The statistics agree with scipy.stats and statsmodels, to 1e-10, where those compute the same."""

import warnings
from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
import pytest
from scipy import stats

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of statsmodels at its import
    from statsmodels.regression.linear_model import OLS
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.proportion import proportion_confint

from core.statistics.choice import expected_maximum
from core.statistics.crossed import Marks, paired_difference, unpaired_difference
from core.statistics.estimates import mean_of, wilson
from core.statistics.pairs import disagreement
from core.statistics.ranks import rank_sums, signed_ranks
from core.statistics.several import shared

CLOSE = 1e-10


def close(value: float | Sequence[float]) -> Any:  # pytest's approx has no type
    return pytest.approx(value, rel=CLOSE, abs=CLOSE)


def marks(num_seeds: int, *, seed: int, accuracy: float = 0.9, num_images: int = 400) -> Marks:
    """Networks that share their hard images and differ in luck."""
    hard = np.random.default_rng(99).normal(size=num_images)
    random = np.random.default_rng(seed)
    luck = random.normal(scale=0.3, size=(num_seeds, 1)) + random.normal(size=(num_seeds, num_images))
    return np.asarray(hard + luck < stats.norm.ppf(accuracy) * sqrt(2.09), np.uint8)


@pytest.mark.parametrize("num_right", [0, 1, 350, 9889, 10_000])
def test_wilson_is_that_of_statsmodels(num_right: int) -> None:
    assert wilson(num_right, 10_000) == close(proportion_confint(num_right, 10_000, method="wilson"))


def test_the_mean_over_seeds_has_students_interval() -> None:
    values = [0.9889, 0.9906, 0.9922, 0.9901]
    told = stats.ttest_1samp(values, 0.0)
    interval = told.confidence_interval(0.99)
    assert mean_of(values).p == close(told.pvalue)
    assert mean_of(values).interval(0.99) == close((interval.low, interval.high))


@pytest.mark.parametrize("num_seeds", [3, 5, 10])
def test_seeds_alone_are_a_paired_t_test_and_images_alone_one_over_images(num_seeds: int) -> None:
    one, other = marks(num_seeds, seed=1, accuracy=0.92), marks(num_seeds, seed=2)
    told = paired_difference(one, other)
    by_seed, by_image = one.mean(1) - other.mean(1), one.mean(0) - other.mean(0)
    for estimate, values in ((told.seeds_only, by_seed), (told.images_only, by_image)):
        expected = stats.ttest_1samp(values, 0.0)
        assert estimate.p == close(expected.pvalue)
        assert estimate.degrees == close(expected.df)
        low, high = expected.confidence_interval(0.95)
        assert estimate.interval() == close((low, high))


def test_seeds_alone_are_welchs_test_where_the_seed_sets_differ() -> None:
    one, other = marks(3, seed=1, accuracy=0.92), marks(7, seed=2)
    told = unpaired_difference(one, other).seeds_only
    expected = stats.ttest_ind(one.mean(1), other.mean(1), equal_var=False)
    assert told.p == close(expected.pvalue)
    assert told.degrees == close(expected.df)


def test_the_components_are_those_of_a_two_way_analysis_of_variance() -> None:
    """Seeds by images without replication, by ordinary least squares: mean squares over their sizes."""
    one, other = marks(4, seed=1, num_images=30), marks(4, seed=2, num_images=30)
    table = one.astype(float) - other
    rows, columns = np.indices(table.shape)
    design = {
        name: (indices.ravel()[:, None] == np.arange(1, indices.max() + 1)).astype(float)
        for name, indices in (("rows", rows), ("columns", columns))
    }

    def fit(*names: str) -> float:
        blocks = np.hstack([np.ones((table.size, 1)), *(design[name] for name in names)])
        return float(OLS(table.ravel(), blocks).fit().ssr)

    rest = fit("rows", "columns")
    squares = {"rows": (fit("columns") - rest) / 3, "columns": (fit("rows") - rest) / 29, "rest": rest / (3 * 29)}
    told = paired_difference(one, other)
    assert told.seeds_only.variance == close(squares["rows"] / table.size)
    assert told.images_only.variance == close(squares["columns"] / table.size)
    assert told.image_noise == close(max(0.0, (squares["columns"] - squares["rest"]) / table.size))
    summed = (squares["rows"] + squares["columns"] - squares["rest"]) / table.size
    assert told.both.variance == close(max(summed, told.seeds_only.variance, told.images_only.variance))


@pytest.mark.parametrize(("only_one", "only_other"), [(0, 0), (5, 0), (3, 9), (12, 12), (40, 71), (700, 801)])
def test_mcnemar_is_the_exact_test_less_half_of_what_was_seen(only_one: int, only_other: int) -> None:
    one = np.repeat([1, 0, 1], [only_one, only_other, 50])
    other = np.repeat([0, 1, 1], [only_one, only_other, 50])
    told = disagreement(one, other)
    exact = mcnemar([[50, only_one], [only_other, 0]], exact=True).pvalue
    seen = stats.binom.pmf(only_one, only_one + only_other, 0.5)
    expected = 1.0 if only_one == only_other == 0 else 1 - seen / 2 if only_one == only_other else exact - seen
    assert told.p == close(expected)
    assert told.difference.value == close((one.mean() - other.mean()).item())


def test_the_rank_tests_are_scipys_exact_ones() -> None:
    random = np.random.default_rng(5)
    for size in (3, 5, 9, 14):
        one, other = random.normal(0.4, 1, size), random.normal(0, 1, size + 2)
        assert signed_ranks(list(one)).p == close(stats.wilcoxon(one, method="exact").pvalue)
        assert rank_sums(list(one), list(other)).p == close(stats.mannwhitneyu(one, other, method="exact").pvalue)


def test_the_rank_tests_of_many_seeds_are_scipys_normal_ones() -> None:
    random = np.random.default_rng(3)
    one, other = (random.normal(0.1, 1, size).round(1) for size in (80, 60))  # with ties and zeros
    expected = stats.wilcoxon(one, method="asymptotic", correction=False)
    assert signed_ranks(list(one)).p == close(expected.pvalue)
    expected = stats.mannwhitneyu(one, other, method="asymptotic", use_continuity=False)
    assert rank_sums(list(one), list(other)).p == close(expected.pvalue)
    assert rank_sums([0.5] * 40, [0.5] * 30).p == 1
    assert rank_sums([0.0] * 500, [1.0] * 499).p < 1e-100  # by the sums of all ranks: gigabytes


def test_ties_share_a_rank_as_in_the_test_over_all_permutations() -> None:
    one, other = [0.91, 0.92, 0.92, 0.95], [0.90, 0.91, 0.91, 0.92, 0.90]

    def rank_sum(first: object, second: object) -> float:
        return float(stats.rankdata(np.concatenate([first, second]))[:4].sum())

    told = stats.permutation_test((one, other), rank_sum, n_resamples=np.inf)
    assert rank_sums(one, other).p == close(told.pvalue)


def test_holm_is_that_of_statsmodels() -> None:
    ps = [0.01, 0.04, 0.03, 0.005, 0.7]
    halves = [p / 2 for p in ps]  # the first look takes half of the error
    _, corrected, _, _ = multipletests(ps, method="holm")
    assert [share.p for share in shared(halves, [1] * 5)] == close(list(corrected))


@pytest.mark.parametrize("n", [2, 3, 10, 50])
def test_the_expected_maximum_is_the_mean_of_the_highest_order_statistic(n: int) -> None:
    from scipy.integrate import quad

    expected, _ = quad(
        lambda x: x * n * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n - 1), -12, 12, epsabs=1e-13, epsrel=1e-13
    )  # fmt: skip
    assert expected_maximum(n) == close(expected)
