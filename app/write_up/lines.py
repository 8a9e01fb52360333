"""Which lines a panel of the write-up has, before they are on paper: of groups or of seeds, and what the course report
published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.compare_axes import Axis
from app.compare_looks import GroupLook
from app.compare_view import CompareView
from app.palette import look_of
from core.comparison import Comparison, Group
from core.seeds import Measure
from core.spreads import Interval, Spread


class Point(NamedTuple):
    """`at` is its place on the x axis; `value` is None where a loss was not finite."""

    epoch: int
    at: float
    value: float | None
    band: Interval | None = None


@dataclass(frozen=True)
class Drawn:
    """A line before it is on paper."""

    label: str
    look: GroupLook
    points: Sequence[Point]
    width: float


def drawn_lines(
    key: Measure, comparison: Comparison, view: CompareView, looks: Mapping[str, GroupLook], axis: Axis
) -> Iterator[Drawn]:
    for group in comparison.groups:
        look = looks[group.config_hash]
        if view.lines == "seeds":
            for seed in group.seeds:
                own = zip(seed.points, axis.of_seed(group, seed), strict=True)
                points = [Point(point.epoch, at, getattr(point, key)) for point, at in own if at is not None]
                yield Drawn(f"{group.label}, seed {seed.run.seed}", look, points, 1.25)
        else:
            curve = group.curve(key)
            places = axis.of_group(group, [epoch for epoch, _ in curve])
            told = zip(curve, places, strict=True)
            yield Drawn(group.label, look, [_mean(*point, at, view) for point, at in told if at is not None], 2)


def _mean(epoch: int, told: Spread | None, at: float, view: CompareView) -> Point:
    if told is None or told.n < 2:
        return Point(epoch, at, told.mean if told else None)
    return Point(epoch, at, told.mean, told.interval if view.lines == "interval" else Interval(told.low, told.high))


def published_lines(
    key: Measure, comparison: Comparison, looks: Mapping[str, GroupLook], axis: Axis
) -> Iterator[Drawn]:  # fmt: skip
    """The course report's own curves, one for each of its networks; none on an axis on which they have no place."""
    first: dict[str, Group] = {}
    for group in comparison.groups:
        if group.published is not None:
            first.setdefault(group.published.name, group)
    for name, group in first.items():
        assert group.published is not None
        epochs = group.published.epochs
        places = axis.of_report([epoch.epoch for epoch in epochs]) or []
        told = zip(epochs, places, strict=False)
        points = [Point(epoch.epoch, at, getattr(epoch, key)) for epoch, at in told if at is not None]
        look = replace(looks[group.config_hash], colour=look_of(group.run.architecture).colour)
        if points:
            yield Drawn(f"{name}, published", look, points, 1.5)


def between(line: Drawn, low: float, high: float) -> Drawn:
    """What of it the axis shows."""
    return replace(line, points=[point for point in line.points if low <= point.at <= high])


def values_of(line: Drawn) -> Iterator[float]:
    for point in line.points:
        yield from () if point.value is None else (point.value,)
        yield from point.band or ()
