"""Honesty, in short: `make calibrate` runs the whole of tests/benchmarks/calibration.py."""

import numpy as np
import pytest

from core.statistics.crossed import paired_difference, unpaired_difference
from tests.benchmarks.calibration import (
    MANY_LOOKS,
    MNIST,
    OTHER_IMAGES,
    WORLDS,
    Compared,
    World,
    pooled,
    pressing,
    published,
    single_looks,
    two_networks,
)

SEEDS = (3, 5, 8)


@pytest.mark.parametrize("compare", [paired_difference, unpaired_difference])
@pytest.mark.parametrize("world", [WORLDS[1], OTHER_IMAGES], ids=lambda world: world.name)
def test_a_against_a_a_winner_is_named_in_about_five_of_a_hundred(world: World, compare: Compared) -> None:
    rates = pooled(list(single_looks(world, compare, 100, np.random.default_rng(7), SEEDS).values()))
    # 300 comparisons: two standard errors are 2.5 points; the whole one is held to 1.5
    assert 0.02 <= rates.false_winners <= 0.08
    assert 0.92 <= rates.coverage <= 0.98


def test_who_asks_for_more_seeds_until_there_is_a_winner_finds_no_more_of_them() -> None:
    found = list(pressing(MNIST, 200, np.random.default_rng(7), SEEDS))
    assert sum(look > 0 for look in found) / len(found) <= MANY_LOOKS


def test_one_published_figure_of_the_same_recipe_is_seldom_called_better_or_worse() -> None:
    rates = published(WORLDS[1], 300, np.random.default_rng(7), SEEDS)
    assert rates.false_winners <= 0.05
    assert 0.92 <= rates.coverage <= 0.98  # of the group's own mean


def test_one_against_one_says_that_seeds_of_one_recipe_differ_too_often() -> None:
    assert two_networks(MNIST, 800, np.random.default_rng(7)) > 0.09  # about 12 %, not 5 %
