"""The figures of what accuracy costs: a point for each group, and the front of those that none beats for less."""

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType
from typing import NamedTuple

import plotly.graph_objects as go

from app.charts import ACCURACY, AXIS_FORMAT, NOT_A_TEMPLATE, QUIET, Panel
from app.compare_looks import GroupLook
from app.compare_table import Words
from app.compare_traces import Trace
from app.effect_charts import Link, span_of
from app.formatting import count, duration, percent, size
from core.comparison import Group
from core.pareto import Front, Price, Priced
from core.spreads import Interval

BY_RATIOS = 8.0  # from the cheapest to the dearest: then the axis is logarithmic. Guess, untuned


class PriceWords(NamedTuple):
    title: str
    unit: str
    words: Words


PRICE_WORDS: Mapping[Price, PriceWords] = MappingProxyType(
    {
        "num_parameters": PriceWords("Parameters", "parameters", count),
        "num_multiply_adds": PriceWords("Multiply-adds", "multiply-adds of one image", count),
        "training_seconds": PriceWords("Training time", "seconds of the whole training", duration),
        "run_memory_bytes": PriceWords("Memory", "memory of the run, MiB", size),
    }
)


def tradeoff_panels(
    fronts: Sequence[Front], groups: Sequence[Group], intervals: Mapping[str, Interval],
    looks: Mapping[str, GroupLook], link: Link,
) -> list[Panel]:  # fmt: skip
    """`intervals`: of a group's test accuracy, by config hash, where it has one."""
    return [_panel(front, groups, intervals, looks, link) for front in fronts]


def _panel(
    front: Front, groups: Sequence[Group], intervals: Mapping[str, Interval], looks: Mapping[str, GroupLook], link: Link
) -> Panel:
    told = PRICE_WORDS[front.price]
    marks: dict[tuple[str, str], list[Priced]] = {}
    for point in front.points:
        look = looks[groups[point.place].config_hash]
        marks.setdefault((look.colour, look.symbol), []).append(point)
    points = [_points(front, own, groups, intervals, mark, link) for mark, own in marks.items()]
    layout = _layout(front, accuracy_span(front, intervals)).to_plotly_json()
    figure = {"data": [_steps(front), *points, _numbers(front)], "layout": layout}
    return Panel(f"price-{front.price}", told.title, described(front, groups), figure)


def described(front: Front, groups: Sequence[Group]) -> str:
    """In place of the picture."""
    told = PRICE_WORDS[front.price]
    best = "; ".join(
        f"{groups[point.place].label}, {told.words(point.cost)}: {percent(point.accuracy)}" for point in front.best[:12]
    )
    return f"Test accuracy against {told.unit}. On the front, the cheapest first: {best}."


def shown_cost(front: Front, cost: float) -> float:
    """In the unit of its axis."""
    return cost / 2**20 if front.price == "run_memory_bytes" else cost


def accuracy_span(front: Front, intervals: Mapping[str, Interval]) -> tuple[float, float]:
    low, high = span_of([point.accuracy for point in front.points], list(intervals.values()))
    return max(0.0, low), min(1.02, high)


def _steps(front: Front) -> Trace:
    """What the best accuracy is for at most so much."""
    end = front.points[-1]
    x = [shown_cost(front, point.cost) for point in (*front.best, end)]
    y = [point.accuracy for point in (*front.best, front.best[-1])]
    line = {"color": QUIET, "width": 1.5, "shape": "hv"}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", name="front").to_plotly_json()  # type: ignore[no-any-return]


def _points(
    front: Front, points: Sequence[Priced], groups: Sequence[Group], intervals: Mapping[str, Interval],
    mark: tuple[str, str], link: Link,
) -> Trace:  # fmt: skip
    """As Plotly's own check would leave it, which for hundreds of marks takes longer than all else."""
    own = [groups[point.place] for point in points]
    spans = [intervals.get(group.config_hash) or Interval(point.accuracy, point.accuracy)
             for group, point in zip(own, points, strict=True)]  # fmt: skip
    words = PRICE_WORDS[front.price].words
    told = [
        [escape(group.label), percent(point.accuracy), words(point.cost),
         "<br>on the front" if point.is_on_front else "", link([group])]
        for group, point in zip(own, points, strict=True)
    ]  # fmt: skip
    colour, symbol = mark
    error = {
        "type": "data", "symmetric": False, "thickness": 1.25, "width": 3, "color": colour,
        "array": [max(0.0, span.high - point.accuracy) for span, point in zip(spans, points, strict=True)],
        "arrayminus": [max(0.0, point.accuracy - span.low) for span, point in zip(spans, points, strict=True)],
    }  # fmt: skip
    form = "<b>%{customdata[0]}</b><br>%{customdata[1]}, %{customdata[2]}%{customdata[3]}<extra></extra>"
    x, y = [shown_cost(front, point.cost) for point in points], [point.accuracy for point in points]
    return {
        "type": "scatter", "mode": "markers", "x": x, "y": y, "customdata": told, "hovertemplate": form,
        "marker": {"color": colour, "symbol": symbol, "size": 9}, "error_y": error, "cliponaxis": False,
    }  # fmt: skip


def _numbers(front: Front) -> Trace:
    """Of those on the front, as in the list beside it."""
    places = [f"<b>{number}</b>&nbsp;&nbsp;" for number in range(1, len(front.best) + 1)]  # clear of the error bar
    trace: Trace = go.Scatter(
        x=[shown_cost(front, point.cost) for point in front.best], y=[point.accuracy for point in front.best],
        mode="text", text=places, textposition="top left", textfont={"color": "var(--ink)"},
        hoverinfo="skip", cliponaxis=False,
    ).to_plotly_json()  # fmt: skip
    return trace


def is_log(front: Front) -> bool:
    low, high = front.points[0].cost, front.points[-1].cost
    return low > 0 and high / low >= BY_RATIOS


def _layout(front: Front, span: tuple[float, float]) -> go.Layout:
    scale = {"type": "log", "dtick": "D2"} if is_log(front) else {"type": "linear", "nticks": 5}
    form = "~s" if front.price in ("num_parameters", "num_multiply_adds") else "~r"
    return go.Layout(
        template=NOT_A_TEMPLATE, margin={"l": 56, "r": 18, "t": 14, "b": 40}, showlegend=False,
        xaxis={"title": {"text": PRICE_WORDS[front.price].unit, "standoff": 6}, "zeroline": False,
               "tickformat": form, **scale},
        yaxis={"tickformat": AXIS_FORMAT[ACCURACY], "nticks": 6, "zeroline": False,
               "range": list(span)},
        hovermode="closest", dragmode=False,
    )  # fmt: skip
