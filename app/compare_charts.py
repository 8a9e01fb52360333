"""The figures of a comparison: the report's four curves with every group in them, pure functions as in charts.py."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.charts import ACCURACY, EVERY_EPOCH_TICKED_UP_TO, LOSS, MARKERS_UP_TO_EPOCHS, Panel, panel_layout
from app.compare_axes import Axis, Places
from app.compare_looks import GroupLook
from app.compare_overview import MANY, overview
from app.compare_traces import Curve, Pen, Trace
from app.compare_view import CompareView
from core.comparison import Comparison, Group
from core.seeds import Measure
from core.spreads import Interval, Spread

MOST_LINES = 200  # that are drawn one by one, where they cannot share a trace. Guess, untuned
LEAST_FOR_DIGITS = 10.0  # of highest to lowest, so that ticks at 2, 5 and 10 are more than one
MOST_DESCRIBED = 12  # groups told to those who cannot see the picture; the table has all
Line = tuple[Group, Curve, Places]  # where each epoch of the curve has its place on the x axis

PANELS: Sequence[tuple[Measure, str, str]] = (
    ("train_loss", "Train loss", LOSS),
    ("train_accuracy", "Train accuracy", ACCURACY),
    ("test_loss", "Test loss", LOSS),
    ("test_accuracy", "Test accuracy", ACCURACY),
)


def compare_panels(
    comparison: Comparison, view: CompareView, looks: Mapping[str, GroupLook], axis: Axis
) -> list[Panel]:
    """Groups as mean and range, or each of their seeds; the report's published curves dotted beneath."""
    return [_panel(*panel, comparison, view, looks, axis) for panel in PANELS]


def num_lines(comparison: Comparison, view: CompareView) -> int:
    """How many lines there are in a panel."""
    return len(comparison.runs if view.lines == "seeds" else comparison.groups)


def _panel(
    key: Measure, title: str, measure: str, comparison: Comparison, view: CompareView,
    looks: Mapping[str, GroupLook], axis: Axis,
) -> Panel:  # fmt: skip
    curves = [(group, group.curve(key)) for group in comparison.groups]
    lines = [(group, curve, axis.of_group(group, [epoch for epoch, _ in curve])) for group, curve in curves]
    is_overview = num_lines(comparison, view) > MANY
    pen = Pen(key, measure, axis, comparison.num_epochs <= MARKERS_UP_TO_EPOCHS and not is_overview, is_overview)
    traces = pen.published(comparison.groups) if view.report == "on" else []
    if view.lines == "seeds":
        seeds = [(group, seed) for group in comparison.groups for seed in group.seeds]
        traces += [pen.seed(group, seed, looks[group.config_hash]) for group, seed in seeds]
    else:
        traces += _of_groups(pen, lines, view, looks)
    if is_overview:
        traces = overview(traces, pen.told_of_part)
    figure = {"data": traces, "layout": _layout(measure, view, axis, lines).to_plotly_json()}
    return Panel(key, title, _described(measure, lines), figure)


def _of_groups(pen: Pen, lines: Sequence[Line], view: CompareView, looks: Mapping[str, GroupLook]) -> list[Trace]:
    """All bands beneath all means."""

    def edges(told: Spread) -> Interval | None:  # from the lowest to the highest seed, or the interval of their mean
        return told.interval if view.lines == "interval" else Interval(told.low, told.high)

    def band(group: Group, curve: Curve, places: Places) -> Trace:
        return pen.band(group, [edges(told) if told else None for _, told in curve], places, looks[group.config_hash])

    return [band(*line) for line in lines] + [pen.mean(*line, looks[line[0].config_hash]) for line in lines]


def _layout(measure: str, view: CompareView, axis: Axis, lines: Sequence[Line]) -> go.Layout:
    layout = panel_layout(measure, axis.kind, axis.range, legend=False)
    layout.update(hovermode="closest", dragmode="zoom", uirevision=view.span + view.scale + view.x)
    layout.xaxis.tickformat = axis.tick_format
    is_log = measure == LOSS and view.scale == "log"
    if axis.kind == "epoch" and axis.end <= EVERY_EPOCH_TICKED_UP_TO:
        layout.xaxis.dtick = 1
    if is_log:
        layout.yaxis.update(type="log", minallowed=None, dtick="D2")
    if view.span == "end":
        _show_the_end(layout, lines, axis, is_log=is_log)
    return layout


def _show_the_end(layout: go.Layout, lines: Sequence[Line], axis: Axis, *, is_log: bool) -> None:
    """The second half of the axis, and of the values what they have there."""
    points = [(at, told) for _, curve, places in lines for at, (_, told) in zip(places, curve, strict=True)]
    ends = [told for at, told in points if at is not None and at >= axis.middle and told is not None]
    layout.xaxis.update(range=axis.second_half)
    if not ends:
        return
    low, high = min(spread.low for spread in ends), max(spread.high for spread in ends)
    if is_log:
        layout.yaxis.update(range=[math.log10(max(low, 1e-9) / 1.1), math.log10(max(high, 1e-9) * 1.1)])
        if high < LEAST_FOR_DIGITS * low:
            layout.yaxis.dtick = None  # Plotly's own choice, as on a linear axis
        return
    margin = 0.06 * (high - low) or 0.01
    layout.yaxis.update(range=[max(0.0, low - margin), high + margin])


def _described(measure: str, lines: Sequence[Line]) -> str:
    """A sentence in place of the picture."""
    ends = []
    for group, curve, _ in lines[:MOST_DESCRIBED]:
        known = [(epoch, spread) for epoch, spread in curve if spread is not None]
        if known:
            epoch, spread = known[-1]
            value = f"{spread.mean:.2%}" if measure == ACCURACY else f"{spread.mean:.4f}"
            ends.append(f"{group.label}: {value} at epoch {epoch}")
    return f"{'; '.join(ends)}. The table has every figure." if ends else "No epoch is recorded yet."
