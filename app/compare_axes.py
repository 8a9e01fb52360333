"""The x axis of a comparison's curves: epochs, steps, or seconds, and where each line's epochs stand on it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from core.comparison import Comparison, Group, Seed
from core.datasets import DATASETS
from core.report import report_config
from core.run_state import ENDED

XAxis = Literal["epoch", "step", "seconds"]
Places = Sequence[float | None]  # one for each epoch of a line; None: it is not known
MARGIN = 1.02  # the last point stays clear of the edge


@dataclass(frozen=True)
class Axis:
    """`end` is where the longest line ends or will; `steps` of an epoch are by config hash, None where not known."""

    kind: XAxis
    end: float
    steps: Mapping[str, int | None]

    @property
    def range(self) -> tuple[float, float]:
        return (0.5, self.end + 0.5) if self.kind == "epoch" else (0.0, self.end * MARGIN)

    @property
    def is_not_epochs(self) -> bool:
        """So that a point must say its epoch."""
        return self.kind != "epoch"

    @property
    def second_half(self) -> tuple[float, float]:
        return (self.middle - 0.25, self.end + 0.25) if self.kind == "epoch" else (self.middle, self.end * MARGIN)

    @property
    def middle(self) -> float:
        return (self.end + 1) // 2 if self.kind == "epoch" else self.end / 2

    @property
    def tick_format(self) -> str:
        return "~d" if self.kind == "epoch" else ",~f"

    @property
    def without_steps(self) -> bool:
        """Whether a group has no place on it."""
        return self.kind == "step" and None in self.steps.values()

    def of_group(self, group: Group, epochs: Sequence[int]) -> Places:
        if self.kind == "seconds":
            seconds = group.seconds_until()
            return [seconds[epoch] for epoch in epochs]
        return self._of_epochs(epochs, self.steps[group.config_hash])

    def of_seed(self, group: Group, seed: Seed) -> Places:
        if self.kind == "seconds":
            return list(seed.seconds_until().values())
        return self._of_epochs([point.epoch for point in seed.points], self.steps[group.config_hash])

    def of_report(self, epochs: Sequence[int]) -> Places | None:
        """None for seconds: the report published none."""
        return None if self.kind == "seconds" else self._of_epochs(epochs, _steps_of_report())

    def told(self, epoch: str) -> str:
        """Plotly's words for where a point is; `epoch` is what stands for its epoch there."""
        if self.kind == "epoch":
            return "epoch %{x}"
        return f"epoch {epoch}, " + ("step %{x:,}" if self.kind == "step" else "%{x:,.3~r} s")

    def _of_epochs(self, epochs: Sequence[int], steps: int | None) -> Places:
        if self.kind == "epoch":
            return list(epochs)
        return [None if steps is None else steps * epoch for epoch in epochs]


def axis_of(
    comparison: Comparison, kind: XAxis, num_train: Mapping[str, int | None], *, of_seeds: bool = False
) -> Axis:
    """`num_train`: of each dataset, None where nobody knows it any more; `of_seeds`: each seed is a line."""
    steps = {
        group.config_hash: steps_per_epoch(group.run.config, num_train.get(group.run.dataset))
        for group in comparison.groups
    }
    if kind == "epoch":
        return Axis(kind, comparison.num_epochs, steps)
    ends = [end for group in comparison.groups for end in _ends(group, kind, steps[group.config_hash], of_seeds)]
    return Axis(kind, max(ends, default=0.0) or 1.0, steps)


def _ends(group: Group, kind: XAxis, steps: int | None, of_seeds: bool) -> Iterator[float]:
    """Of steps as many as there will be, of seconds as many as there were."""
    if kind == "step":
        runs = [seed.run for seed in group.seeds]
        yield from ((steps or 0) * (run.epochs_done if run.state in ENDED else run.epochs) for run in runs)
    else:
        for until in [seed.seconds_until() for seed in group.seeds] if of_seeds else [group.seconds_until()]:
            yield max(until.values(), default=0.0)


def steps_per_epoch(config: Mapping[str, object], num_train: int | None) -> int | None:
    """As worker/train.py takes them: the last batch may be smaller."""
    if num_train is None:
        return None
    held_out = config["validation"]
    return ceil((num_train - (held_out if isinstance(held_out, int) else 0)) / int(str(config["batch_size"])))


def _steps_of_report() -> int | None:
    config = report_config()
    known = DATASETS.get(str(config["dataset"]))
    return steps_per_epoch(config, known.num_train if known else None)
