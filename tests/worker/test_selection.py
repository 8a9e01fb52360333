"""The epoch that counts is chosen by validation alone, and a run stops when validation no longer improves."""

from collections.abc import Sequence
from typing import Any

import pytest

from core.run_config import RunConfig, parse_run_config
from worker.selection import best_epoch, is_patience_spent


def config(**choices: object) -> RunConfig:
    return parse_run_config({"architecture": {"name": "lenet5"}, "dataset": "digits", "validation": 100, **choices})


def accuracies(*values: float) -> list[dict[str, Any]]:
    """A history whose loss and test accuracy, if they were looked at, would choose otherwise."""
    return [{"val_accuracy": value, "val_loss": value, "test_accuracy": 1 - value} for value in values]


def losses(*values: float) -> list[dict[str, Any]]:
    """A history whose validation accuracy, if it were looked at, would never let training stop."""
    return [{"val_loss": value, "val_accuracy": index / 100} for index, value in enumerate(values)]


def test_the_last_epoch_counts_unless_the_best_is_asked_for() -> None:
    assert best_epoch(config(), accuracies(0.9, 0.8, 0.7)) == 3


@pytest.mark.parametrize(
    ("values", "best"), [((0.5,), 1), ((0.5, 0.9, 0.8), 2), ((0.5, 0.9, 0.9), 2), ((0.1, 0.2, 0.3), 3)]
)
def test_the_best_epoch_is_the_first_of_the_highest_validation_accuracy(values: Sequence[float], best: int) -> None:
    assert best_epoch(config(selection="best_val"), accuracies(*values)) == best


def test_without_patience_nothing_stops_early() -> None:
    assert not is_patience_spent(config(), losses(1.0, *[2.0] * 50))


@pytest.mark.parametrize(
    ("values", "spent"),
    [
        ((), False),
        ((1.0,), False),
        ((1.0, 1.1), False),
        ((1.0, 1.1, 1.2), True),
        ((1.0, 1.0, 1.0), True),  # as low as before is not lower
        ((1.0, 1.1, 0.9), False),
        ((1.0, 1.1, 0.9, 1.0, 1.0), True),
    ],
)
def test_patience_counts_the_epochs_since_the_lowest_validation_loss(values: Sequence[float], spent: bool) -> None:
    assert is_patience_spent(config(early_stopping_patience=2), losses(*values)) is spent


def test_a_loss_that_is_not_a_number_is_never_the_lowest() -> None:
    nan = float("nan")
    assert not is_patience_spent(config(early_stopping_patience=2), losses(nan, nan, 1.0))
    assert is_patience_spent(config(early_stopping_patience=2), losses(1.0, nan, nan))
