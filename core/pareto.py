"""What an accuracy costs: of several groups those that none beats for less, the Pareto front."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal, get_args

from core.comparison import Group
from core.effects import seeds_of
from core.run_state import RunState
from core.tables import Run

Price = Literal["num_parameters", "num_multiply_adds", "training_seconds", "run_memory_bytes"]
PRICES: tuple[Price, ...] = get_args(Price)
DIGITS = 12  # of an accuracy: equal means of other seeds may differ in the last bit, and would not be equal


@dataclass(frozen=True)
class Priced:
    """A group by its place, with what it costs and the mean test accuracy of its completed seeds."""

    place: int
    cost: float
    accuracy: float
    is_on_front: bool


@dataclass(frozen=True)
class Front:
    """`points` by cost; `num_left_out`: groups without a completed run, or of which the cost was not measured."""

    price: Price
    points: tuple[Priced, ...]
    num_left_out: int

    @property
    def best(self) -> list[Priced]:
        """Those on the front, the cheapest first."""
        return [point for point in self.points if point.is_on_front]


def on_front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Of each (cost, accuracy): whether no other costs at most as much and is at least as accurate, one of the two
    strictly (Pareto 1906; the sweep by cost: Kung, Luccio & Preparata 1975, JACM 22:469). Of equals all are or none."""
    told, best = [False] * len(points), (-math.inf, -math.inf)  # the last that nothing cheaper beats
    for place in sorted(range(len(points)), key=lambda place: (points[place][0], -points[place][1])):
        if points[place][1] > best[1]:
            best = points[place]
        told[place] = points[place] == best
    return told


def front_of(groups: Sequence[Group], price: Price) -> Front:
    known = [
        (place, cost, round(fmean(accuracies), DIGITS))
        for place, group in enumerate(groups)
        if (accuracies := seeds_of(group, "test_accuracy").values()) and (cost := _cost(group, price)) is not None
    ]
    told = on_front([(cost, accuracy) for _, cost, accuracy in known])
    points = [Priced(*point, is_best) for point, is_best in zip(known, told, strict=True)]
    ordered = sorted(points, key=lambda point: (point.cost, point.accuracy, point.place))
    return Front(price, tuple(ordered), len(groups) - len(known))


def _cost(group: Group, price: Price) -> float | None:
    """Of a run that is done, the median over all of them; NaN and what is missing are left out."""
    completed = [run for run in group.runs if run.state is RunState.COMPLETED]
    known = [value for run in completed if (value := _of_run(run, price)) is not None and math.isfinite(value)]
    return float(median(known)) if known else None


def _of_run(run: Run, price: Price) -> float | None:
    if price != "training_seconds":
        return getattr(run, price)  # type: ignore[no-any-return]
    return None if run.seconds_per_epoch is None else run.seconds_per_epoch * run.epochs_done
