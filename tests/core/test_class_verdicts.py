"""A class is told from chance where it differs by more than seeds and images make of it, and only then."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from core.class_verdicts import class_verdicts
from core.predictions import Predictions
from core.readings import Readings, class_differences
from core.statistics.crossed import unpaired_difference

LABELS = np.repeat(np.arange(3), [500, 500, 20]).astype(np.uint8)


class Seeded(NamedTuple):
    seed: int


def side(rates: tuple[float, float, float], seeds: range, random: np.random.Generator) -> list[Predictions]:
    """Runs that read an image of each class rightly so often, else as the next class."""
    right = np.array(rates)[LABELS]
    return [
        Predictions(_run(seed), 1, _said(random.random(len(LABELS)) < right), np.ones(len(LABELS), np.float32))
        for seed in seeds
    ]


def _said(is_right: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(is_right, LABELS, (LABELS + 1) % 3).astype(np.uint8)


def _run(seed: int) -> Any:  # of a run nothing but its seed is asked
    return Seeded(seed)


@pytest.mark.parametrize("seeds", [range(5), range(10, 16)])
def test_the_class_that_differs_is_told_and_the_one_that_does_not_is_not(seeds: range) -> None:
    random = np.random.default_rng(1)
    told = class_verdicts(side((0.9, 0.9, 0.9), range(5), random), side((0.97, 0.9, 0.1), seeds, random), LABELS, 3, 1)
    assert list(told) == [0, 1], "the third has too few images"
    assert told[0].is_told
    assert 0 < told[0].interval.low < 0.07 < told[0].interval.high
    assert not told[1].is_told
    assert told[1].interval.low < 0 < told[1].interval.high


def test_no_interval_reaches_beyond_what_a_recall_can_differ_by() -> None:
    random = np.random.default_rng(5)
    wild = [side((rate, 0.9, 0.9), range(seed, seed + 1), random)[0] for seed, rate in enumerate((0.0, 1.0, 0.1))]
    told = class_verdicts(side((1.0, 0.9, 0.9), range(3), random), wild, LABELS, 3, 1)
    assert told[0].interval.low == -1.0 < told[0].difference < 0 < told[0].interval.high <= 1.0


def test_two_seeds_on_a_side_tell_nothing() -> None:
    random = np.random.default_rng(2)
    assert class_verdicts(side((1, 1, 1), range(2), random), side((0, 0, 0), range(5), random), LABELS, 3, 1) == {}


def test_of_groups_that_are_alike_hardly_ever_is_a_class_told(capsys: pytest.CaptureFixture[str]) -> None:
    random, rates, times = np.random.default_rng(3), (0.95, 0.95, 0.95), 400
    wrong = 0
    for _ in range(times):
        told = class_verdicts(side(rates, range(4), random), side(rates, range(4), random), LABELS, 3, 1)
        wrong += any(one.is_told for one in told.values())
    with capsys.disabled():
        print(f"\n    a class told where none differs: {wrong / times:.1%}")
    assert wrong / times <= 0.05


def test_equal_recalls_do_not_differ_by_what_rounding_leaves() -> None:
    labels = np.zeros(12, np.uint8)
    right = [3, 1, 0, 1, 1, 3, 1, 0, 1, 2, 3, 2], [1, 2, 3, 3, 1, 1, 0, 2, 0, 3, 1, 1]  # of three seeds, by image
    votes = [np.array([own, 3 - np.array(own)], np.int32).T for own in right]
    first, second = (Readings(own, own.astype(np.float32), 3) for own in votes)
    (told,) = class_differences(first, second, labels, ("a", "b"))
    assert told.recalls[0] != told.recalls[1], "as floats"
    assert told.difference == 0


def test_seeds_that_are_all_alike_name_no_winner_whatever_their_number() -> None:
    marks = (np.arange(400) > 2).astype(np.uint8)
    for size in range(3, 9):
        both = unpaired_difference(np.stack([marks] * size), np.stack([marks] * (size + 1))).both
        assert (both.value, both.variance, both.p) == (0, 0, 1)


def test_a_further_look_may_spend_half_as_much() -> None:
    random = np.random.default_rng(2)
    one, other = (side(rates, range(4), random) for rates in ((0.9, 0.9, 0.9), (0.94, 0.9, 0.9)))
    first, second = (class_verdicts(one, other, LABELS, 3, look)[0] for look in (1, 2))
    assert second.p == pytest.approx(2 * first.p)
    assert second.interval.low < first.interval.low
