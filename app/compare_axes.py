"""The x axis of a comparison's curves: epochs, steps, or seconds, and where each line's epochs stand on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from core.comparison import Comparison, Group
from core.datasets import DATASETS
from core.report import report_config
from core.run_state import ENDED
from core.seeds import Seed

XAxis = Literal["epoch", "step", "seconds"]
Places = Sequence[float | None]  # one for each epoch of a line; None: it is not known
MARGIN = 1.02  # the last point stays clear of the edge


@dataclass(frozen=True)
class Axis:
    """`end` is where the longest line ends or will, `middle` where the first line has half of its epochs behind it;
    `steps` of an epoch are by config hash, None where not known."""

    kind: XAxis
    end: float
    middle: float
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
    half = (comparison.num_epochs + 1) // 2
    if kind == "epoch":
        return Axis(kind, comparison.num_epochs, half, steps)
    lines = _lines(comparison.groups, of_seeds) if kind == "seconds" else _in_steps(comparison.groups, steps, half)
    places = [place for line in lines for place in line.values()]
    later = [place for line in lines for epoch, place in line.items() if epoch >= half]
    end = max(places, default=0.0) or 1.0
    return Axis(kind, end, min(later, default=end / 2), steps)


def _lines(groups: Sequence[Group], of_seeds: bool) -> list[Mapping[int, float]]:
    """By epoch, seconds so far; of each line."""
    timed: list[Group | Seed] = [one for group in groups for one in (group.seeds if of_seeds else [group])]
    return [one.seconds_until() for one in timed]


def _in_steps(groups: Sequence[Group], steps: Mapping[str, int | None], half: int) -> list[Mapping[int, float]]:
    """By epoch, steps where half of the longest run is over, and at the end; of groups whose steps are known."""
    runs = [(seed.run, each) for group in groups for seed in group.seeds if (each := steps[group.config_hash])]
    ends = [(run.epochs_done if run.state in ENDED else run.epochs, each) for run, each in runs]
    return [{epoch: epoch * each for epoch in (min(half, end), end)} for end, each in ends]


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
