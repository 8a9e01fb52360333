"""All parameters side by side: a line for each group, across axes of one length."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from app.charts import NOT_A_TEMPLATE, QUIET, Panel
from app.compare_charts import MOST_LINES
from app.compare_effects import ToldEffects
from app.compare_looks import GroupLook
from app.compare_traces import Trace
from app.effect_charts import Link, labelled, short
from core.config_differences import NETWORK
from core.experiment_words import PARAMETER
from core.factors import Axis

MOST_AXES = 8  # that a screen has room for, with the figure's own
NOWHERE = -0.12  # where a line passes an axis that means nothing to its group


def parallel_panel(shown: ToldEffects, looks: Mapping[str, GroupLook], link: Link) -> Panel | None:
    """A line for each group that has a figure, the better the bolder; None where there is one axis alone."""
    known = [mean for mean in shown.effects.means if mean is not None]
    axes = _axes(shown)[: MOST_AXES - 1]
    if len(axes) < 2 or len(known) < 2:
        return None
    low, high = min(known), max(known)
    drawn = [(place, mean) for place, mean in enumerate(shown.effects.means) if mean is not None][:MOST_LINES]
    traces = [
        _line(shown, place, [*_places(axes, place), (mean - low) / (high - low) if high > low else 0.5], looks, link)
        for place, mean in drawn
    ]
    ends = (
        [(0.0, shown.words.figure(low)), (1.0, shown.words.figure(high))]
        if high > low
        else [(0.5, shown.words.figure(low))]
    )
    labels = [*([(axis.place(at), axis.level_words(at)) for at in labelled(axis)] for axis in axes), ends]
    titles = [*(axis.words for axis in axes), shown.words.title]
    figure = {"data": traces, "layout": _parallel_layout(titles, labels).to_plotly_json()}
    described = f"{len(drawn)} configs as lines across {', '.join(titles)}. The tables have every figure."
    return Panel("parallel", "All parameters side by side", described, figure)


def _axes(shown: ToldEffects) -> list[Axis]:
    """All but the parameters that follow from the network: its name stands for them."""
    networks = [factor for factor in shown.effects.factors if factor.axis.path == NETWORK]
    own = {path for factor in networks for path in (*factor.together, *factor.followers) if path.startswith(PARAMETER)}
    return [axis for axis in shown.effects.axes if axis.path not in own]


def _places(axes: Sequence[Axis], place: int) -> list[float]:
    levels = [axis.level_of[place] for axis in axes]
    return [NOWHERE if level is None else axis.place(level) for axis, level in zip(axes, levels, strict=True)]


def _line(
    shown: ToldEffects, place: int, points: Sequence[float], looks: Mapping[str, GroupLook], link: Link
) -> Trace:  # fmt: skip
    """As Plotly's own check would leave it, which for hundreds of lines takes longer than all else."""
    group, mean = shown.effects.groups[place], shown.effects.means[place]
    look, share = looks[group.config_hash], shown.shade(mean or 0.0)
    return {
        "type": "scatter", "mode": "lines+markers", "x": list(range(len(points))), "y": list(points),
        "uid": f"parallel-{group.config_hash}", "name": escape(group.label), "cliponaxis": False,
        "meta": {"group": group.config_hash, "address": link([group])},
        "line": {"color": look.colour, "dash": look.dash, "width": 1 + 2 * share},
        "marker": {"color": look.colour, "size": 4}, "opacity": 0.3 + 0.7 * share,
        "hovertemplate": f"<b>%{{fullData.name}}</b><br>{shown.words.figure(mean)}<extra></extra>",
    }  # fmt: skip


def _parallel_layout(titles: Sequence[str], labels: Sequence[Sequence[tuple[float, str]]]) -> go.Layout:
    upright: dict[str, Any] = {"type": "line", "y0": 0, "y1": 1, "layer": "below"}
    shapes = [upright | {"x0": at, "x1": at, "line": {"color": QUIET, "width": 1}} for at in range(len(titles))]
    plain: dict[str, Any] = {"showarrow": False, "borderpad": 1}
    ticks = [
        plain | {"x": at, "y": y, "text": short(words), "xanchor": "left", "xshift": 5, "bgcolor": "var(--panel)",
                 "opacity": 0.9, "font": {"size": 11}}
        for at, axis in enumerate(labels) for y, words in axis
    ]  # fmt: skip
    above: dict[str, Any] = plain | {"y": 1, "yshift": 12, "yanchor": "bottom", "font": {"color": "var(--ink)"}}
    heads = [above | {"x": at, "text": _in_lines(title)} for at, title in enumerate(titles)]
    return go.Layout(
        template=NOT_A_TEMPLATE, margin={"l": 48, "r": 72, "t": 52, "b": 14}, showlegend=False, shapes=shapes,
        annotations=[*ticks, *heads], hovermode="closest", dragmode=False,
        xaxis={"range": [-0.1, len(titles) - 0.9], "visible": False, "fixedrange": True},
        yaxis={"range": [NOWHERE - 0.03, 1.04], "visible": False, "fixedrange": True},
    )  # fmt: skip


def _in_lines(title: str, width: int = 12) -> str:
    """Broken where a line would be longer."""
    words = escape(title).split()
    lengths = [len(" ".join(words[:end])) for end in range(1, len(words) + 1)]
    breaks = [after // width > before // width for before, after in pairwise(lengths)]
    joined = zip(words[1:], breaks, strict=True)
    return "".join([*words[:1], *(("<br>" if is_break else " ") + word for word, is_break in joined)])
