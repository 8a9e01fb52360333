"""The shapes of a group's figures and of its seeds."""

from pydantic import Field

from app.api.schemas import Shape
from app.api.verdict_schemas import IntervalOut
from core.run_state import RunState


class SpreadOut(Shape):
    """A figure over the n seeds that have it."""

    n: int
    mean: float
    low: float = Field(description="of the lowest seed")
    high: float
    interval: IntervalOut | None = Field(
        description="of the mean over seeds; of a single seed's last test accuracy that of its test images alone"
    )


class SpreadsOut(Shape):
    """Null: not measured, or the loss of a seed was not finite."""

    train_loss: SpreadOut | None
    train_accuracy: SpreadOut | None
    val_loss: SpreadOut | None
    val_accuracy: SpreadOut | None
    test_loss: SpreadOut | None
    test_accuracy: SpreadOut | None


class FiguresAtOut(SpreadsOut):
    """Each seed at its own last or best epoch; these lie between the two that are named."""

    first_epoch: int
    last_epoch: int


class CurvePointOut(SpreadsOut):
    """One epoch over the seeds that have it."""

    epoch: int
    seconds: float = Field(description="until it ends: the mean seconds of each epoch, added up")


class PointOut(Shape):
    """One epoch of one run."""

    epoch: int
    train_loss: float | None
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    test_loss: float | None
    test_accuracy: float
    seconds: float = Field(description="of this epoch: training, evaluation and checkpoint")


class SeedOut(Shape):
    run: int = Field(description="the run's id")
    seed: int
    repeats: tuple[int, ...] = Field(description="ids of all runs of this config and seed, that one among them")
    state: RunState
    epochs_done: int
    last: PointOut | None
    best: PointOut | None
