"""Learning-rate schedules: their values at the steps that matter."""

from typing import Any

import pytest

from core.run_config import parse_run_config
from core.schedules import learning_rate_at

STEPS_PER_EPOCH = 10


def rates(**differences: Any) -> list[float]:
    """The learning rate of each step of ten epochs, the peak at 1."""
    values = {"architecture": {"name": "lenet5"}, "dataset": "digits", "learning_rate": 1.0, "epochs": 10}
    config = parse_run_config(values | differences)
    return [learning_rate_at(config, step, STEPS_PER_EPOCH) for step in range(1, config.epochs * STEPS_PER_EPOCH + 1)]


def test_constant_stays() -> None:
    assert set(rates()) == {1.0}


def test_step_falls_at_the_first_step_of_every_nth_epoch() -> None:
    steps = rates(schedule="step", step_epochs=3, step_factor=0.1)
    assert steps[:30] == [1.0] * 30
    assert steps[30:60] == pytest.approx([0.1] * 30)
    assert steps[90:] == pytest.approx([0.001] * 10)


def test_cosine_starts_at_the_top_and_falls_to_nearly_nothing() -> None:
    steps = rates(schedule="cosine")
    assert steps[0] == 1.0
    assert steps[50] == pytest.approx(0.5)
    assert 0 < steps[-1] < 0.001
    assert steps == sorted(steps, reverse=True)


def test_warm_up_rises_in_a_line_to_the_top_before_the_cosine() -> None:
    steps = rates(schedule="cosine", warmup_epochs=2)
    assert steps[:20] == pytest.approx([step / 20 for step in range(1, 21)])
    assert steps[20] == 1.0
    assert steps[20:] == sorted(steps[20:], reverse=True)


def test_one_cycle_rises_for_three_tenths_and_ends_far_below_its_start() -> None:
    steps = rates(schedule="one-cycle")
    assert steps[29] == max(steps) == 1.0
    assert 1 / 25 <= steps[0] < 0.05
    assert steps[:30] == sorted(steps[:30])
    assert steps[29:] == sorted(steps[29:], reverse=True)
    assert steps[-1] == pytest.approx(1 / 250_000)


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle"])
def test_a_run_of_a_single_step_has_a_positive_rate(schedule: str) -> None:
    config = parse_run_config(
        {"architecture": {"name": "lenet5"}, "dataset": "digits", "schedule": schedule, "epochs": 1}
    )
    assert 0 < learning_rate_at(config, 1, 1) <= config.learning_rate
