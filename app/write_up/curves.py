"""The four curves of a comparison as SVG on paper: a line for each group and its band, pure functions as in
app/compare_charts.py, from which the choice of lines comes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from app import compare_axes
from app.charts import ACCURACY, LOSS
from app.compare_charts import PANELS
from app.compare_looks import GroupLook
from app.compare_overview import MANY
from app.compare_view import CompareView
from app.formatting import percent
from app.write_up.lines import Drawn, Point, between, drawn_lines, published_lines, values_of
from app.write_up.ticks import Axis, axis, decimals
from core.comparison import Comparison
from core.literature import Published
from core.seeds import Measure
from core.spreads import Interval

WIDTH, HEIGHT = 460, 250  # SVG's units, which are px where it is shown at its own size
LEFT, RIGHT, TOP, BOTTOM = 52, 26, 10, 38
MOST_MARKED = 800  # points with a marker and a title, in a panel: 100 kB. Guess, untuned
THIN = 1.0  # of more lines than anybody tells apart
Say = Callable[[Point, float], str]
Ticks = Sequence[tuple[float, str]]  # (place, words)


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
    """A panel; `references` are (place, letters)."""

    key: str
    title: str
    described: str
    x_title: str
    x_ticks: Ticks
    y_ticks: Ticks
    lines: list[Line]
    published: list[Line]
    references: list[tuple[float, str]]
    is_crowded: bool


def pictures(
    comparison: Comparison, view: CompareView, looks: Mapping[str, GroupLook], along: compare_axes.Axis,
    references: Sequence[tuple[str, Published]],
) -> list[Picture]:  # fmt: skip
    """`references`: lines of the literature, in the test accuracy."""
    told = [(panel, references if panel[0] == "test_accuracy" else []) for panel in PANELS]
    return [_picture(*panel, comparison, view, looks, along, own) for panel, own in told]


def _picture(
    key: Measure, title: str, measure: str, comparison: Comparison, view: CompareView,
    looks: Mapping[str, GroupLook], along: compare_axes.Axis, references: Sequence[tuple[str, Published]],
) -> Picture:  # fmt: skip
    span = along.second_half if view.span == "end" else along.range
    drawn = [between(line, *span) for line in drawn_lines(key, comparison, view, looks, along)]
    published = published_lines(key, comparison, looks, along) if view.report == "on" else ()
    shown = [line for line in (between(line, *span) for line in published) if line.points]
    values = [value for line in (*drawn, *shown) for value in values_of(line)]
    values += [told.accuracy for _, told in references]
    x = Axis(*span, LEFT, WIDTH - RIGHT)
    is_log = measure == LOSS and view.scale == "log"
    y = axis(values, HEIGHT - BOTTOM, TOP, is_log=is_log, most=1.0 if measure == ACCURACY else float("inf"))
    is_marked, is_crowded = sum(len(line.points) for line in drawn) <= MOST_MARKED, len(drawn) > MANY
    say = _sayer(measure, along.kind)
    return Picture(
        key, title, _described(drawn, measure), along.kind, _x_ticks(x, along.kind), y_ticks(y, measure),
        [_line(line, x, y, say if is_marked else None, THIN if is_crowded else line.width) for line in drawn],
        [_line(line, x, y, None, line.width) for line in shown],
        [(y.place(told.accuracy), letter) for letter, told in references], is_crowded,
    )  # fmt: skip


def _x_ticks(x: Axis, kind: compare_axes.XAxis) -> Ticks:
    ticks = [tick for tick in x.ticks(10 if kind == "epoch" else 5) if kind != "epoch" or tick == round(tick)]
    return [(x.place(tick), f"{tick:,.{decimals(ticks)}f}") for tick in ticks]


def y_ticks(y: Axis, measure: str) -> Ticks:
    ticks = y.ticks()
    if measure != ACCURACY:
        return [(y.place(tick), f"{tick:g}") for tick in ticks]
    digits = decimals([100 * tick for tick in ticks])
    return [(y.place(tick), f"{100 * tick:.{digits}f} %") for tick in ticks]


def _line(line: Drawn, x: Axis, y: Axis, say: Say | None, width: float) -> Line:
    known = [(point, point.value) for point in line.points if point.value is not None]
    marks = [
        Mark(x.place(point.at), y.place(value), f"{line.label}, {say(point, value)}") for point, value in known if say
    ]
    return Line(line.label, line.look, _path(line.points, x, y), _area(line.points, x, y), marks, width)


def _path(points: Sequence[Point], x: Axis, y: Axis) -> str:
    """A stretch for each run of epochs that have the figure."""
    stretches = []
    for has_values, stretch in groupby(points, key=lambda point: point.value is not None):
        places = [f"{x.place(at)} {y.place(value)}" for _, at, value, _ in stretch if value is not None]
        stretches += [f"M{'L'.join(places)}"] if has_values else []
    return "".join(stretches)


def _area(points: Sequence[Point], x: Axis, y: Axis) -> str:
    areas = []
    for has_band, stretch in groupby(points, key=lambda point: point.band is not None):
        known = [(x.place(point.at), point.band) for point in stretch if point.band]
        if has_band:
            above = [f"{at} {y.place(band.high)}" for at, band in known]
            below = [f"{at} {y.place(band.low)}" for at, band in reversed(known)]
            areas.append(f"M{'L'.join(above + below)}Z")
    return "".join(areas)


def _sayer(measure: str, kind: compare_axes.XAxis) -> Say:
    """What a point says of itself: "epoch 2: 95.00 % (94.10 % to 96.00 %)"."""

    def said(point: Point, value: float) -> str:
        where = {"epoch": "", "step": f", step {point.at:,.0f}", "seconds": f", {point.at:,.4g} s"}[kind]
        return f"epoch {point.epoch}{where}: {_words(value, measure)}{_range(point.band, measure)}"

    return said


def _words(value: float, measure: str) -> str:
    return percent(value) if measure == ACCURACY else f"{value:.4g}"


def _range(band: Interval | None, measure: str) -> str:
    return f" ({_words(band.low, measure)} to {_words(band.high, measure)})" if band else ""


def _described(lines: Sequence[Drawn], measure: str) -> str:
    """In place of the picture: where each of the first lines ends."""
    ends = []
    for line in lines[:12]:
        known = [(point.epoch, point.value) for point in line.points if point.value is not None]
        if known:
            ends.append(f"{line.label}: {_words(known[-1][1], measure)} at epoch {known[-1][0]}")
    return "; ".join(ends) or "No epoch is recorded."
