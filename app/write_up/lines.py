"""Which lines a panel of the write-up has, before they are on paper: of groups or of seeds, and what the course report
published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.compare_looks import GroupLook
from app.compare_view import CompareView
from core.comparison import Comparison, Group
from core.report import PublishedRow
from core.seeds import Measure
from core.spreads import Interval, Spread

Values = Sequence[tuple[int, float | None]]  # by epoch
Bands = Sequence[tuple[int, Interval | None]]


@dataclass(frozen=True)
class Drawn:
    """A line before it is on paper."""

    label: str
    look: GroupLook
    values: Values
    bands: Bands
    width: float


def drawn_lines(
    key: Measure, comparison: Comparison, view: CompareView, looks: Mapping[str, GroupLook]
) -> Iterator[Drawn]:
    for group in comparison.groups:
        look = looks[group.config_hash]
        if view.lines == "seeds":
            for seed in group.seeds:
                values = [(point.epoch, getattr(point, key)) for point in seed.points]
                yield Drawn(f"{group.label}, seed {seed.run.seed}", look, values, (), 1.25)
        else:
            curve = group.curve(key)
            bands = [(epoch, _band(told, view) if told and told.n > 1 else None) for epoch, told in curve]
            yield Drawn(group.label, look, [(epoch, told.mean if told else None) for epoch, told in curve], bands, 2)


def _band(told: Spread, view: CompareView) -> Interval | None:
    return told.interval if view.lines == "interval" else Interval(told.low, told.high)


def published_lines(key: Measure, comparison: Comparison, looks: Mapping[str, GroupLook]) -> list[Drawn]:
    """The course report's own curves, one for each of its networks."""
    first: dict[str, Group] = {}
    for group in comparison.groups:
        if group.published is not None:
            first.setdefault(group.published.name, group)
    return [
        Drawn(f"{name}, published", looks[group.config_hash], _figures_of(group.published, key), (), 1.5)
        for name, group in first.items()
        if group.published is not None
    ]


def _figures_of(row: PublishedRow, key: Measure) -> Values:
    return [(epoch.epoch, getattr(epoch, key)) for epoch in row.epochs]


def from_epoch(line: Drawn, start: int) -> Drawn:
    return _between(line, start, None)


def until_epoch(line: Drawn, end: int) -> Drawn:
    return _between(line, 1, end)


def _between(line: Drawn, start: int, end: int | None) -> Drawn:
    def holds(epoch: int) -> bool:
        return epoch >= start and (end is None or epoch <= end)

    values = [point for point in line.values if holds(point[0])]
    return Drawn(line.label, line.look, values, [band for band in line.bands if holds(band[0])], line.width)


def values_of(line: Drawn) -> Iterator[float]:
    yield from (value for _, value in line.values if value is not None)
    yield from (edge for _, band in line.bands if band for edge in band)
