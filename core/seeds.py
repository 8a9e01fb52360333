"""A seed of a group in a comparison: its run, the epochs of it, and all runs that repeat it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Literal, NamedTuple, get_args

from core.tables import Run

Measure = Literal["train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy"]
When = Literal["last", "best"]
MEASURES: tuple[Measure, ...] = get_args(Measure)


class EpochPoint(NamedTuple):
    """One epoch of a run; accuracies are fractions, a loss that was not finite is None, as is what was not measured."""

    epoch: int
    train_loss: float | None
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    test_loss: float | None
    test_accuracy: float
    seconds: float  # that this epoch took: training, evaluation and checkpoint


@dataclass(frozen=True)
class Seed:
    """A seed of a group: its run, that run's epochs so far, and all runs of this config and seed, the run among them.

    A repeat tells nothing new of the result, so whatever is counted or averaged over seeds takes it once; it tells
    of time and memory."""

    run: Run
    points: Sequence[EpochPoint]
    repeats: Sequence[Run]

    @cached_property
    def columns(self) -> Mapping[str, Sequence[Any]]:  # Any: only losses may be None, which a mapping cannot say
        """Each figure of EpochPoint by its name, epoch by epoch."""
        return dict(zip(EpochPoint._fields, zip(*self.points, strict=True), strict=False))

    def seconds_until(self) -> dict[int, float]:
        """By epoch, how long it had trained, evaluated and written checkpoints when that epoch ended."""
        ends = accumulate(point.seconds for point in self.points)
        return {point.epoch: end for point, end in zip(self.points, ends, strict=True)}

    @property
    def last(self) -> EpochPoint | None:
        return self.points[-1] if self.points else None

    @cached_property
    def best(self) -> EpochPoint | None:
        """The first epoch of the highest validation accuracy; of the highest test accuracy where nothing was held
        out: chosen on the images that judge it, it is optimistic, and whoever shows it says so."""
        if not self.points:
            return None
        return max(
            self.points, key=lambda point: (point.val_accuracy or 0.0) if self.has_validation else point.test_accuracy
        )

    @property
    def has_validation(self) -> bool:
        return bool(self.run.config["validation"] != "none")

    def at(self, when: When) -> EpochPoint | None:
        return self.last if when == "last" else self.best
