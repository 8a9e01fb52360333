"""What the statistics promise beyond the formulas that others compute too."""

import numpy as np
import pytest

from core.statistics.bounded import bounded_difference
from core.statistics.choice import best_epoch
from core.statistics.crossed import paired_difference, unpaired_difference
from core.statistics.power import least_decidable, seeds_to_decide
from core.statistics.ranks import rank_sums, signed_ranks
from core.statistics.several import ERROR, shared
from tests.benchmarks.calibration import MNIST, TwoGroups
from tests.core.statistics.test_oracles import marks


def test_the_variance_is_never_below_that_of_the_seeds_or_of_the_images() -> None:
    for compare in (paired_difference, unpaired_difference):
        for seed in range(20):
            told = compare(marks(3, seed=seed), marks(3, seed=100 + seed))
            assert told.both.variance >= max(told.seeds_only.variance, told.images_only.variance)
            assert told.both.degrees > 1.99


def test_groups_that_do_the_same_differ_by_nothing() -> None:
    same = marks(4, seed=1)
    told = paired_difference(same, same)
    assert (told.both.value, told.both.variance, told.both.p) == (0, 0, 1)
    assert told.both.interval() == (0, 0)


def test_where_only_accuracies_are_known_the_seeds_are_the_same_and_the_images_noise_is_a_bound() -> None:
    for is_paired, compare in ((True, paired_difference), (False, unpaired_difference)):
        one, other = marks(4, seed=1), marks(4, seed=2)
        known = compare(one, other)
        told = bounded_difference(one.mean(1).tolist(), other.mean(1).tolist(), one.shape[1], is_paired=is_paired)
        assert told.seeds_only.p == pytest.approx(known.seeds_only.p, rel=1e-9)
        assert told.is_paired == is_paired
        assert told.images_only.variance > known.images_only.variance
        assert told.both.variance > known.both.variance


def test_a_rank_test_says_what_it_can_reach_at_best() -> None:
    assert signed_ranks([0.1, 0.2, 0.3, 0.4, 0.5]).p == signed_ranks([0.1] * 5).floor == 0.0625  # 5 pairs, never 5 %
    assert rank_sums([3, 4, 5], [0, 1, 2]).p == rank_sums([0, 1, 2], [0, 1, 2]).floor == pytest.approx(0.1)
    assert signed_ranks([0.0, 0.0, 0.0]).p == 1


def test_looks_spend_no_more_than_five_in_a_hundred_together() -> None:
    parts = [shared([0.0], [look])[0].part for look in range(1, 40)]
    assert parts[:3] == [0.025, 0.0125, 0.00625]
    assert sum(parts) <= ERROR
    assert shared([0.01], [3])[0].p == pytest.approx(0.08)


@pytest.mark.parametrize("ps", [[0.001, 0.004, 0.02], [0.001, 0.02, 0.0201], [0.3, 0.0001], [0.02], [0.005, 0.9, 0.9]])
def test_an_interval_leaves_zero_out_exactly_where_a_winner_is_named(ps: list[float]) -> None:
    for looks in ([1] * len(ps), list(range(1, len(ps) + 1))):
        for p, share in zip(ps, shared(ps, looks), strict=True):
            assert (p <= share.part) == (share.p <= ERROR)


def test_so_many_more_seeds_as_are_said_to_decide_do_so_four_times_in_five() -> None:
    random = np.random.default_rng(3)
    num_right = np.array([0, 0])
    for _ in range(300):
        groups = TwoGroups(MNIST, random)
        groups.train(4)
        one, other = groups.marks
        one[:, :12] = 1  # better by some images that the other may miss
        other[:, :12] = 0
        told = paired_difference(one, other)
        more = seeds_to_decide(told, ERROR)
        if more is None or told.both.p <= ERROR or more > 30:
            continue
        groups.marks = np.stack([one, other])
        groups.train(more)
        groups.marks[0, :, :12], groups.marks[1, :, :12] = 1, 0
        num_right += [paired_difference(*groups.marks).both.p <= ERROR, 1]
    assert num_right[1] > 60
    assert 0.65 < num_right[0] / num_right[1] < 0.95  # the difference seen is not the true one, so about


def test_where_the_test_images_are_the_limit_no_number_of_seeds_is_promised() -> None:
    one, other = np.ones((3, 2000), np.uint8), np.ones((3, 2000), np.uint8)
    one[:, :20], other[:, 20:45] = 0, 0  # the same images in every seed
    one[0, 100:103] = 0
    told = paired_difference(one, other)
    assert seeds_to_decide(told, ERROR) is None
    assert told.both.value < least_decidable(told, ERROR)


def test_a_curve_that_only_rises_slowly_has_little_to_choose_from() -> None:
    random = np.random.default_rng(0)
    level = np.linspace(0.97, 0.972, 40)
    noisy = level + random.normal(0, 0.002, (20, 40))
    gained = np.mean(noisy[:, 20:].max(1) - noisy[:, 20:].mean(1))
    assert best_epoch(noisy.tolist()) == pytest.approx(gained, rel=0.15)
    assert best_epoch([level.tolist()]) == pytest.approx(0, abs=1e-4)
    assert best_epoch([np.linspace(0.1, 0.9, 8).tolist()]) == pytest.approx(0)  # a steady rise
    assert best_epoch([[0.9, 0.91, 0.92, 0.93]]) is None
