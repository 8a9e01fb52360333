"""Which epoch's figures and weights are the run's, and when to stop early: by validation alone, never by test."""

from collections.abc import Sequence
from typing import Any

from core.run_config import RunConfig


def best_epoch(config: RunConfig, history: Sequence[dict[str, Any]]) -> int:
    """The last epoch, or the first of the highest validation accuracy; counts from 1."""
    if config.selection == "last":
        return len(history)
    return max(range(len(history)), key=lambda index: history[index]["val_accuracy"]) + 1


def is_patience_spent(config: RunConfig, history: Sequence[dict[str, Any]]) -> bool:
    """Whether the validation loss has not fallen below its least for that many epochs (Prechelt 1998)."""
    patience = config.early_stopping_patience
    if patience is None or not history:
        return False
    lowest = min(range(len(history)), key=lambda index: _comparable(history[index]["val_loss"]))
    return len(history) - 1 - lowest >= patience


def _comparable(loss: float) -> float:
    return loss if loss == loss else float("inf")  # NaN compares with nothing
