"""Metrics to Plotly figures: pure functions, plain lists in, JSON that the page embeds out.

Colours of ink, grid and ground are the page's own: `charts.js` reads them from the tokens, so that a figure follows
light and dark. Only what belongs to the run (its architecture's colour and dash) is said here; a colour written
`var(--name)` is a token of `tokens.css`. Losses that were not finite are None: the line has a gap there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from app.palette import Look
from core.run_tables import Epoch

FigureJson = dict[str, Any]  # Plotly's {"data": [...], "layout": {...}}, of a hundred kinds of values
LOSS, ACCURACY = "loss", "accuracy"
# d3 formats: percent without trailing zeros on the axis, two digits where a point is read
AXIS_FORMAT = {LOSS: "~r", ACCURACY: ".3~%"}
POINT_FORMAT = {LOSS: ".4f", ACCURACY: ".2%"}
MARKERS_UP_TO_EPOCHS = 40  # with more of them the dots hide the line; guess, untuned
EVERY_EPOCH_TICKED_UP_TO = 12
QUIET = "var(--ink-2)"  # for what is not the main thing of a panel
NOT_A_TEMPLATE = go.layout.Template()  # Plotly's own would add 7 kB to each figure


@dataclass(frozen=True)
class Panel:
    """One chart of the Run page: a key for its element, its title and what it says to those who cannot see it."""

    key: str
    title: str
    description: str
    figure: FigureJson


def epoch_panels(
    epochs: Sequence[Epoch], *, num_epochs: int, selected_epoch: int | None, has_validation: bool, look: Look,
    num_inherited: int = 0,
) -> list[Panel]:  # fmt: skip
    """The report's four curves: train and test, loss and accuracy. Validation joins test, from which it is to be
    told apart; `num_epochs` is where the x axis ends, so that a line grows into it. After `num_inherited` epochs, which
    another run trained, a line stands across."""
    panels = [
        _epoch_panel(split, measure, epochs, num_epochs, selected_epoch, has_validation, look)
        for split in ("train", "test")
        for measure in (LOSS, ACCURACY)
    ]
    if num_inherited:
        place = {"x0": num_inherited + 0.5, "x1": num_inherited + 0.5, "y0": 0, "y1": 1, "yref": "paper"}
        border = {"type": "line", "line": {"color": QUIET, "width": 1, "dash": "dot"}} | place
        for panel in panels:
            panel.figure["layout"]["shapes"] = [border]
    return panels


def _epoch_panel(
    split: str,
    measure: str,
    epochs: Sequence[Epoch],
    num_epochs: int,
    selected_epoch: int | None,
    has_validation: bool,
    look: Look,
) -> Panel:
    key = f"{split}_{measure}"
    lines = [_line(key, epochs, num_epochs, look.colour, look.dash)]
    if split == "test" and has_validation:
        lines.append(_line(f"val_{measure}", epochs, num_epochs, QUIET, "dot"))
    lines.append(_selected(key, epochs, selected_epoch, look.colour))
    figure = go.Figure(lines, panel_layout(measure, "epoch", [0.5, num_epochs + 0.5], legend=len(lines) > 2))
    if num_epochs <= EVERY_EPOCH_TICKED_UP_TO:
        figure.update_xaxes(dtick=1)
    return Panel(key, f"{split.capitalize()} {measure}", _described(key, measure, epochs), figure.to_plotly_json())


def step_panel(losses: Sequence[tuple[int, float]], steps_per_epoch: int, look: Look) -> Panel:
    """The loss of the epoch under way, step by step: (step, mean loss since the one before)."""
    line = go.Scatter(
        name="train loss",
        x=[step for step, _ in losses],
        y=[loss for _, loss in losses],
        mode="lines",
        line={"color": look.colour, "width": 1.5},
        hovertemplate="step %{x}: %{y:.4f}<extra></extra>",
    )
    figure = go.Figure([line], panel_layout(LOSS, "step", [0, max(1, steps_per_epoch)], legend=False))
    description = f"Loss at {len(losses)} points of the epoch under way."
    return Panel("step_loss", "Loss within the epoch", description, figure.to_plotly_json())


def gaps(epochs: Sequence[Epoch]) -> dict[str, list[int]]:
    """Which losses were not finite, and at which epochs."""
    found: dict[str, list[int]] = {}
    for epoch in epochs:
        for name in epoch.non_finite:
            found.setdefault(name, []).append(epoch.epoch)
    return found


def _line(key: str, epochs: Sequence[Epoch], num_epochs: int, colour: str, dash: str) -> go.Scatter:
    split, measure = key.split("_")
    name = "validation" if split == "val" else split
    return go.Scatter(
        name=name,
        meta=key,  # the figure's name in an epoch event
        x=[epoch.epoch for epoch in epochs],
        y=[getattr(epoch, key) for epoch in epochs],
        mode="lines+markers" if num_epochs <= MARKERS_UP_TO_EPOCHS else "lines",
        line={"color": colour, "dash": dash, "width": 2.5 if split != "val" else 1.5},
        marker={"color": colour, "size": 6 if split != "val" else 4},
        cliponaxis=False,
        hovertemplate=f"epoch %{{x}}, {name}: %{{y:{POINT_FORMAT[measure]}}}<extra></extra>",
    )


def _selected(key: str, epochs: Sequence[Epoch], selected_epoch: int | None, colour: str) -> go.Scatter:
    """A ring around the point that the summary tells; no point where nothing is selected or its loss not finite."""
    at = [(epoch.epoch, getattr(epoch, key)) for epoch in epochs if epoch.epoch == selected_epoch]
    return go.Scatter(
        name="selected epoch",
        meta="selected",
        x=[epoch for epoch, _ in at],
        y=[value for _, value in at],
        mode="markers",
        marker={"symbol": "circle-open", "size": 13, "color": colour, "line": {"width": 2}},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )


def panel_layout(measure: str, unit: str, x_range: Sequence[float], *, legend: bool) -> go.Layout:
    """Axes and margins of every panel; `x_range` is what the x axis spans."""
    return go.Layout(
        template=NOT_A_TEMPLATE,
        margin={"l": 52, "r": 14, "t": 8, "b": 38},
        xaxis={"title": {"text": unit, "standoff": 6}, "range": list(x_range), "tickformat": "~d", "zeroline": False},
        yaxis={
            "tickformat": AXIS_FORMAT[measure],
            "zeroline": False,
            "nticks": 6,
            "minallowed": 0,
            "maxallowed": 1 if measure == ACCURACY else None,
        },
        hovermode="x",
        showlegend=legend,
        legend={
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": 1,
            "yanchor": "bottom",
            "itemclick": False,
            "itemdoubleclick": False,
        },
        dragmode=False,
    )


def _described(key: str, measure: str, epochs: Sequence[Epoch]) -> str:
    """A sentence in place of the picture."""
    finite = [(epoch.epoch, getattr(epoch, key)) for epoch in epochs if getattr(epoch, key) is not None]
    if not finite:
        return "No epoch is recorded yet."
    (first, start), (last, end) = finite[0], finite[-1]
    start_text, end_text = (f"{v:.1%}" if measure == ACCURACY else f"{v:.4f}" for v in (start, end))
    if first == last:
        return f"{end_text} at epoch {last}."
    return f"From {start_text} at epoch {first} to {end_text} at epoch {last}. The table of epochs has every figure."
