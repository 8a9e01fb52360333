"""The figures of a comparison: the report's four curves with every group in them, pure functions as in charts.py.

A trace's `meta` names its group, so that the page can show what belongs together."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import plotly.graph_objects as go

from app.charts import (
    ACCURACY,
    EVERY_EPOCH_TICKED_UP_TO,
    LOSS,
    MARKERS_UP_TO_EPOCHS,
    POINT_FORMAT,
    Panel,
    panel_layout,
)
from app.compare_looks import GroupLook
from app.compare_view import CompareView
from app.palette import look_of
from core.comparison import Comparison, Group, Measure, Seed
from core.spreads import Interval, Spread

MOST_LINES = 200  # in a panel: with more a browser takes seconds and nobody tells them apart. Guess, untuned
MOST_DESCRIBED = 12  # groups told to those who cannot see the picture; the table has all
Curve = Sequence[tuple[int, Spread | None]]
Band = Sequence[tuple[int, Interval | None]]
Trace = dict[str, Any]  # one of Plotly's

PANELS: Sequence[tuple[Measure, str, str]] = (
    ("train_loss", "Train loss", LOSS),
    ("train_accuracy", "Train accuracy", ACCURACY),
    ("test_loss", "Test loss", LOSS),
    ("test_accuracy", "Test accuracy", ACCURACY),
)


def compare_panels(comparison: Comparison, view: CompareView, looks: Mapping[str, GroupLook]) -> list[Panel]:
    """Groups as mean and range, or each of their seeds; the report's published curves dotted beneath."""
    return [_panel(*panel, comparison, view, looks) for panel in PANELS]


def num_lines(comparison: Comparison, view: CompareView) -> int:
    """How many lines there would be in a panel; MOST_LINES of them are drawn."""
    return len(comparison.runs if view.lines == "seeds" else comparison.groups)


def _panel(
    key: Measure, title: str, measure: str, comparison: Comparison, view: CompareView, looks: Mapping[str, GroupLook]
) -> Panel:
    curves = {group.config_hash: group.curve(key) for group in comparison.groups}
    end = comparison.num_epochs
    traces = _published(key, measure, comparison.groups) if view.report == "on" else []
    if view.lines != "seeds":
        drawn = comparison.groups[:MOST_LINES]
        traces += [_band(group, _banded(curves[group.config_hash], view), looks[group.config_hash]) for group in drawn]
        traces += [_mean(group, curves[group.config_hash], looks[group.config_hash], measure, end) for group in drawn]
    else:
        seeds = [(group, seed) for group in comparison.groups for seed in group.seeds]
        traces += [
            _seed(group, seed, looks[group.config_hash], key, measure, end) for group, seed in seeds[:MOST_LINES]
        ]
    layout = panel_layout(measure, "epoch", [0.5, end + 0.5], legend=False)
    layout.update(hovermode="closest", dragmode="zoom", uirevision=view.span + view.scale)
    is_log = measure == LOSS and view.scale == "log"
    if end <= EVERY_EPOCH_TICKED_UP_TO:
        layout.xaxis.dtick = 1
    if is_log:
        layout.yaxis.update(type="log", minallowed=None, dtick="D2")
    if view.span == "end":
        _show_the_end(layout, list(curves.values()), end, is_log=is_log)
    figure = {"data": traces, "layout": layout.to_plotly_json()}
    return Panel(key, title, _described(measure, comparison.groups, curves), figure)


# Any: Plotly's options, which it checks itself
def _trace(x: Sequence[float | None], y: Sequence[float | None], **look: Any) -> Trace:
    """A checked trace with its points, which Plotly's own check would copy three times."""
    return {**go.Scatter(look).to_plotly_json(), "x": x, "y": y}


def _mean(group: Group, curve: Curve, look: GroupLook, measure: str, num_epochs: int) -> Trace:
    form = POINT_FORMAT[measure]
    of_seeds = f"<br>%{{customdata[0]:{form}}} to %{{customdata[1]:{form}}}, %{{customdata[2]}} seeds"
    return _trace(
        name=group.label,
        uid=f"mean-{group.config_hash}",
        meta={"group": group.config_hash},
        x=[epoch for epoch, _ in curve],
        y=[spread.mean if spread else None for _, spread in curve],
        customdata=[[spread.low, spread.high, spread.n] if spread else [None, None, None] for _, spread in curve],
        mode="lines+markers" if num_epochs <= MARKERS_UP_TO_EPOCHS else "lines",
        line={"color": look.colour, "dash": look.dash, "width": 2.25},
        marker={"color": look.colour, "symbol": look.symbol, "size": 6},
        cliponaxis=num_epochs > MARKERS_UP_TO_EPOCHS,
        hovertemplate=f"<b>%{{fullData.name}}</b><br>epoch %{{x}}: %{{y:{form}}}"
        f"{of_seeds if len(group.seeds) > 1 else ''}<extra></extra>",
    )


def _banded(curve: Curve, view: CompareView) -> Band:
    """From the lowest to the highest seed, or the interval of their mean."""

    def edges(told: Spread) -> Interval | None:
        return told.interval if view.lines == "interval" else Interval(told.low, told.high)

    return [(epoch, edges(told) if told else None) for epoch, told in curve]


def _band(group: Group, band: Band, look: GroupLook) -> Trace:
    """A closed outline for each stretch without a gap."""
    x: list[int | None] = []
    y: list[float | None] = []
    for has_values, stretch in groupby(band, key=lambda point: point[1] is not None):
        known = [(epoch, spread) for epoch, spread in stretch if spread is not None]
        if has_values:
            x += [*(epoch for epoch, _ in known), *(epoch for epoch, _ in reversed(known)), None]
            y += [*(spread.high for _, spread in known), *(spread.low for _, spread in reversed(known)), None]
    return _trace(
        name=group.label, uid=f"band-{group.config_hash}", meta={"group": group.config_hash}, x=x, y=y, mode="lines",
        line={"width": 0, "color": look.colour}, fill="toself", fillcolor=look.colour, opacity=0.17, hoverinfo="skip",
    )  # fmt: skip


def _seed(group: Group, seed: Seed, look: GroupLook, key: str, measure: str, num_epochs: int) -> Trace:
    return _trace(
        name=f"{group.label}, seed {seed.run.seed}",
        uid=f"run-{seed.run.id}",
        meta={"group": group.config_hash, "run": seed.run.id},
        x=[point.epoch for point in seed.points],
        y=[getattr(point, key) for point in seed.points],
        mode="lines+markers" if num_epochs <= MARKERS_UP_TO_EPOCHS else "lines",
        line={"color": look.colour, "dash": look.dash, "width": 1.25},
        marker={"color": look.colour, "symbol": look.symbol, "size": 4},
        hovertemplate=f"<b>%{{fullData.name}}</b><br>epoch %{{x}}: %{{y:{POINT_FORMAT[measure]}}}<extra></extra>",
    )


def _published(key: str, measure: str, groups: Sequence[Group]) -> list[Trace]:
    """The report's own lines, one for each of its networks that is compared."""
    first = {group.published.name: group for group in reversed(groups) if group.published is not None}
    lines = []
    for name, group in first.items():
        assert group.published is not None
        colour = look_of(group.run.architecture).colour
        lines.append(
            _trace(
                name=f"{name}, published",
                uid=f"published-{name}",
                meta={"groups": [one.config_hash for one in groups if one.published is group.published]},
                x=[epoch.epoch for epoch in group.published.epochs],
                y=[getattr(epoch, key) for epoch in group.published.epochs],
                mode="lines",
                line={"color": colour, "dash": "1.5px,2.5px", "width": 1.75},
                opacity=0.9,
                hovertemplate=f"<b>%{{fullData.name}}</b><br>epoch %{{x}}: %{{y:{POINT_FORMAT[measure]}}}<br>"
                "the report, one seed, MNIST<extra></extra>",
            )
        )
    return lines


def _show_the_end(layout: go.Layout, curves: Sequence[Curve], num_epochs: int, *, is_log: bool) -> None:
    """The second half of the epochs, and of the values what they have there."""
    start = (num_epochs + 1) // 2
    ends = [spread for curve in curves for epoch, spread in curve if epoch >= start and spread is not None]
    layout.xaxis.update(range=[start - 0.25, num_epochs + 0.25])
    if not ends:
        return
    low, high = min(spread.low for spread in ends), max(spread.high for spread in ends)
    if is_log:
        layout.yaxis.update(range=[math.log10(max(low, 1e-9) / 1.1), math.log10(max(high, 1e-9) * 1.1)])
        return
    margin = 0.06 * (high - low) or 0.01
    layout.yaxis.update(range=[max(0.0, low - margin), high + margin])


def _described(measure: str, groups: Sequence[Group], curves: Mapping[str, Curve]) -> str:
    """A sentence in place of the picture."""
    ends = []
    for group in groups[:MOST_DESCRIBED]:
        known = [(epoch, spread) for epoch, spread in curves[group.config_hash] if spread is not None]
        if known:
            epoch, spread = known[-1]
            value = f"{spread.mean:.2%}" if measure == ACCURACY else f"{spread.mean:.4f}"
            ends.append(f"{group.label}: {value} at epoch {epoch}")
    return f"{'; '.join(ends)}. The table has every figure." if ends else "No epoch is recorded yet."
