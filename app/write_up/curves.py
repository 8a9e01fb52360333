"""The four curves of a comparison as SVG on paper: a line for each group and its band, pure functions as in
app/compare_charts.py, from which the choice of lines comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from app.charts import ACCURACY, LOSS
from app.compare_charts import MOST_LINES, PANELS
from app.compare_looks import GroupLook
from app.compare_view import CompareView
from app.formatting import percent
from app.write_up.lines import Bands, Drawn, Values, drawn_lines, from_epoch, published_lines, until_epoch, values_of
from app.write_up.ticks import Axis, axis, decimals
from core.comparison import Comparison
from core.literature import Published
from core.seeds import Measure
from core.spreads import Interval

WIDTH, HEIGHT = 460, 250  # SVG's units, which are px where it is shown at its own size
LEFT, RIGHT, TOP, BOTTOM = 52, 26, 10, 38
MOST_MARKED = 800  # points with a marker and a title, in a panel: 100 kB. Guess, untuned


@dataclass(frozen=True)
class Mark:
    """A point of a line and what is said of it."""

    x: float
    y: float
    said: str


@dataclass(frozen=True)
class Line:
    label: str
    look: GroupLook
    path: str  # SVG's
    band: str
    marks: list[Mark]
    width: float


@dataclass(frozen=True)
class Picture:
    """A panel. Ticks are (place, words); `references` (place, letters)."""

    key: str
    title: str
    described: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    lines: list[Line]
    published: list[Line]
    references: list[tuple[float, str]]


def pictures(
    comparison: Comparison, view: CompareView, looks: Mapping[str, GroupLook], lines: Sequence[tuple[str, Published]]
) -> list[Picture]:
    """`lines`: of the literature, in the test accuracy."""
    return [_picture(*panel, comparison, view, looks, lines if panel[0] == "test_accuracy" else []) for panel in PANELS]


def _picture(
    key: Measure, title: str, measure: str, comparison: Comparison, view: CompareView,
    looks: Mapping[str, GroupLook], references: Sequence[tuple[str, Published]],
) -> Picture:  # fmt: skip
    start = (comparison.num_epochs + 1) // 2 if view.span == "end" else 1
    drawn = [from_epoch(line, start) for line in drawn_lines(key, comparison, view, looks)][:MOST_LINES]
    published = (
        [from_epoch(line, start) for line in published_lines(key, comparison, looks)] if view.report == "on" else []
    )
    published = [until_epoch(line, comparison.num_epochs) for line in published]
    values = [value for line in (*drawn, *published) for value in values_of(line)]
    values += [told.accuracy for _, told in references]
    x = axis_of_epochs(start, comparison.num_epochs)
    is_log = measure == LOSS and view.scale == "log"
    y = axis(values, HEIGHT - BOTTOM, TOP, is_log=is_log, most=1.0 if measure == ACCURACY else float("inf"))
    num_points = sum(len(line.values) for line in drawn)
    return Picture(
        key, title, _described(drawn, measure),
        [(x.place(tick), f"{tick:g}") for tick in x.ticks(10) if tick == round(tick)], _y_ticks(y, measure),
        [_line(line, x, y, measure, is_marked=num_points <= MOST_MARKED) for line in drawn],
        [_line(line, x, y, measure, is_marked=False) for line in published],
        [(y.place(told.accuracy), letter) for letter, told in references],
    )  # fmt: skip


def axis_of_epochs(start: int, end: int) -> Axis:
    margin = 0.5 if end - start < 40 else 0.0
    return Axis(start - margin, max(end, start + 1 - margin) + margin, LEFT, WIDTH - RIGHT)


def _y_ticks(y: Axis, measure: str) -> list[tuple[float, str]]:
    ticks = y.ticks()
    if measure == LOSS:
        return [(y.place(tick), f"{tick:g}") for tick in ticks]
    digits = decimals([100 * tick for tick in ticks])
    return [(y.place(tick), f"{100 * tick:.{digits}f} %") for tick in ticks]


def _line(line: Drawn, x: Axis, y: Axis, measure: str, *, is_marked: bool) -> Line:
    bands = dict(line.bands)
    marks = []
    for epoch, value in line.values if is_marked else ():
        if value is not None:
            said = f"{_words(value, measure)}{_range(bands.get(epoch), measure)}"
            marks.append(Mark(x.place(epoch), y.place(value), f"{line.label}, epoch {epoch}: {said}"))
    return Line(line.label, line.look, _path(line.values, x, y), _area(line.bands, x, y), marks, line.width)


def _path(values: Values, x: Axis, y: Axis) -> str:
    """A stretch for each run of epochs that have the figure."""
    stretches = []
    for has_values, stretch in groupby(values, key=lambda point: point[1] is not None):
        places = [f"{x.place(epoch)} {y.place(value)}" for epoch, value in stretch if value is not None]
        stretches += [f"M{'L'.join(places)}"] if has_values else []
    return "".join(stretches)


def _area(bands: Bands, x: Axis, y: Axis) -> str:
    areas = []
    for has_band, stretch in groupby(bands, key=lambda point: point[1] is not None):
        known = [(epoch, band) for epoch, band in stretch if band is not None]
        if has_band:
            above = [f"{x.place(epoch)} {y.place(band.high)}" for epoch, band in known]
            below = [f"{x.place(epoch)} {y.place(band.low)}" for epoch, band in reversed(known)]
            areas.append(f"M{'L'.join(above + below)}Z")
    return "".join(areas)


def _words(value: float, measure: str) -> str:
    return percent(value) if measure == ACCURACY else f"{value:.4g}"


def _range(band: Interval | None, measure: str) -> str:
    return f" ({_words(band.low, measure)} to {_words(band.high, measure)})" if band else ""


def _described(lines: Sequence[Drawn], measure: str) -> str:
    """In place of the picture: where each of the first lines ends."""
    ends = []
    for line in lines[:12]:
        known = [(epoch, value) for epoch, value in line.values if value is not None]
        if known:
            ends.append(f"{line.label}: {_words(known[-1][1], measure)} at epoch {known[-1][0]}")
    return "; ".join(ends) or "No epoch is recorded."
