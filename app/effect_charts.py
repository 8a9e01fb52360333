"""The figures of effects: what each value of a parameter gives.

Drawn by static/effects.js when they come into sight; the last of a point's `customdata` is the address that a click
leads to. What a user may have typed is escaped, since Plotly reads its texts as HTML."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from app.charts import ACCURACY, AXIS_FORMAT, LOSS, NOT_A_TEMPLATE, QUIET, Panel
from app.compare_effects import ToldEffects
from app.compare_traces import Trace
from app.effect_words import factor_title
from app.palette import look_of
from core.architectures.labels import counted
from core.comparison import Group
from core.config_differences import NETWORK
from core.effects import Effect, LevelMean
from core.factors import Axis
from core.spreads import Interval

Link = Callable[[Sequence[Group]], str]  # the address of the runs of these groups
BESIDE = 0.03  # a config's point stands so far to the left of the mean, which would hide it. Guess, untuned
LEAST_GAP = 0.17  # between two labels of an axis, in its length: as long as "0.001". Guess, untuned
LONGEST_LABEL = 16
LONGEST_ABOVE_TITLE = 7  # characters of a slanted label, below which the axis's title has room. Guess, untuned
CHARACTER = 0.052  # of an axis's length from its first to its last level: 7 of 135 pixels, in the narrowest panel
LONGEST_LABELS = 26  # characters that stand side by side below a panel; more are slanted. Guess, untuned


def effect_panels(shown: ToldEffects, link: Link) -> list[Panel]:
    """One for each factor that has an effect to show, all with the same figures on their axes."""
    told = [(place, effect) for place, effect in enumerate(shown.told) if effect.means]
    span = effect_span(shown, [effect for _, effect in told])
    return [_effect_panel(f"effect-{place}", effect, shown, span, link) for place, effect in told]


def _effect_panel(key: str, effect: Effect, shown: ToldEffects, span: Sequence[float], link: Link) -> Panel:
    axis = effect.factor.axis
    figure = {
        "data": [_configs(effect, shown, link), *_means(effect, shown, link)],
        "layout": _effect_layout(axis, shown, span).to_plotly_json(),
    }
    return Panel(key, factor_title(effect.factor).capitalize(), described(effect, shown), figure)


def described(effect: Effect, shown: ToldEffects) -> str:
    """In place of the picture."""
    axis, words = effect.factor.axis, shown.words
    told = [f"{axis.level_words(mean.level)}: {words.figure(mean.contrast.value)}" for mean in effect.means]
    return f"Mean {words.title} by {factor_title(effect.factor)}: {'; '.join(told)}. The table has the intervals."


def config_points(effect: Effect, shown: ToldEffects) -> list[tuple[float, float, Group]]:
    """(place on the axis, mean, group) of each config; none where a value is that of one config, whose mean says it."""
    axis, groups = effect.factor.axis, shown.effects.groups
    points = [
        (axis.place(level) - BESIDE, mean, groups[place])
        for place, (level, mean) in enumerate(zip(axis.level_of, shown.effects.means, strict=True))
        if level is not None and mean is not None
    ]
    return points if len(points) > len({x for x, _, _ in points}) else []


def _configs(effect: Effect, shown: ToldEffects, link: Link) -> Trace:
    """Each config as a small point."""
    points = config_points(effect, shown)
    return _checked(
        x=[x for x, _, _ in points], y=[y for _, y, _ in points], name="a config", mode="markers", cliponaxis=False,
        marker={"size": 5, "color": QUIET, "opacity": 0.45},
        customdata=[[escape(group.label), shown.words.figure(y), link([group])] for _, y, group in points],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    )  # fmt: skip


def _means(effect: Effect, shown: ToldEffects, link: Link) -> list[Trace]:
    """Of networks each in its own colour; numbers are joined by a line."""
    axis = effect.factor.axis
    if axis.path != NETWORK:
        mode = "lines+markers" if axis.is_number else "markers"
        return [_mean_trace(axis, effect.means, shown, link, "var(--accent)", mode)]
    return [_mean_trace(axis, [mean], shown, link, colour_of(axis, mean), "markers") for mean in effect.means]


def colour_of(axis: Axis, mean: LevelMean) -> str:
    return look_of(str(axis.levels[mean.level])).colour if axis.path == NETWORK else "var(--accent)"


def _mean_trace(
    axis: Axis, means: Sequence[LevelMean], shown: ToldEffects, link: Link, colour: str, mode: str
) -> Trace:  # fmt: skip
    ends = [mean.interval or Interval(mean.contrast.value, mean.contrast.value) for mean in means]
    told = [
        [escape(axis.level_words(mean.level)), shown.words.with_interval(mean), counted(len(mean.groups), "config"),
         counted(mean.num_seeds, "run"), link(shown.groups_at(mean.groups))]
        for mean in means
    ]  # fmt: skip
    return _checked(
        x=[axis.place(mean.level) for mean in means], y=[mean.contrast.value for mean in means],
        name="mean", mode=mode, cliponaxis=False, customdata=told,
        error_y={
            "type": "data", "symmetric": False, "color": colour, "thickness": 1.75, "width": 5,
            "array": [span.high - mean.contrast.value for span, mean in zip(ends, means, strict=True)],
            "arrayminus": [mean.contrast.value - span.low for span, mean in zip(ends, means, strict=True)],
        },
        line={"color": colour, "width": 1.5}, marker={"color": colour, "size": 9, "symbol": "square"},
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{customdata[2]}, %{customdata[3]}"
        "<extra></extra>",
    )  # fmt: skip


def span_of(values: Sequence[float], intervals: Sequence[Interval]) -> tuple[float, float]:
    """What an axis shows: every value, and of the intervals as much as doubles that, since two seeds reach far."""
    if not values:
        return (0.0, 1.0)
    low, high = min(values), max(values)
    room = (high - low) / 2 or 0.01
    low = max(min([low, *(interval.low for interval in intervals)]), low - room)
    high = min(max([high, *(interval.high for interval in intervals)]), high + room)
    margin = 0.06 * (high - low) or 0.01  # where all are the same
    return low - margin, high + margin


def shortened(text: str) -> str:
    """For a label of an axis."""
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def short(text: str) -> str:
    """The same, escaped."""
    return escape(shortened(text))


def _effect_layout(axis: Axis, shown: ToldEffects, span: Sequence[float]) -> go.Layout:
    told = labelled(axis)
    texts = [short(axis.level_words(level)) for level in told]
    is_slanted = are_slanted(texts, [axis.place(level) for level in told])
    has_title, title = not is_slanted or max(map(len, texts)) <= LONGEST_ABOVE_TITLE, escape(axis_title(axis))
    is_accuracy = shown.outcome == "test_accuracy"
    return go.Layout(
        template=NOT_A_TEMPLATE, margin={"l": 56, "r": 14, "t": 8, "b": 92 if is_slanted else 40}, showlegend=False,
        xaxis={
            "range": [-0.12, 1.12], "tickvals": [axis.place(level) for level in told], "ticktext": texts,
            "tickangle": -40 if is_slanted else 0, "zeroline": False,
            "title": {"text": title if has_title else "", "standoff": 6},
        },
        yaxis={"range": list(span), "tickformat": AXIS_FORMAT[ACCURACY if is_accuracy else LOSS], "nticks": 6,
               "zeroline": False},
        hovermode="closest", dragmode=False,
    )  # fmt: skip


def are_slanted(texts: Sequence[str], places: Sequence[float]) -> bool:
    """Together too long, or two neighbours would touch, each written level around its place."""
    return sum(map(len, texts)) > LONGEST_LABELS or any(
        places[one + 1] - places[one] < CHARACTER * (1 + (len(texts[one]) + len(texts[one + 1])) / 2)
        for one in range(len(texts) - 1)
    )


def axis_title(axis: Axis) -> str:
    return f"{axis.words}, log scale" if axis.scale == "log" else axis.words


def effect_span(shown: ToldEffects, told: Sequence[Effect]) -> tuple[float, float]:
    means = [mean for effect in told for mean in effect.means]
    values = [mean.contrast.value for mean in means] + [mean for mean in shown.effects.means if mean is not None]
    low, high = span_of(values, [mean.interval for mean in means if mean.interval])
    return max(0.0, low), min(high, 1.005) if shown.outcome == "test_accuracy" else high


def labelled(axis: Axis) -> list[int]:
    """The levels with a label: the first, the last, and those between that have room."""
    levels = list(range(len(axis.levels)))
    told = levels[:1]
    for level in levels[1:-1]:
        if axis.place(level) - axis.place(told[-1]) >= LEAST_GAP and 1 - axis.place(level) >= LEAST_GAP:
            told.append(level)
    return [*told, levels[-1]]


# Any: Plotly's options, which it checks itself
def _checked(x: Sequence[float], y: Sequence[float], customdata: Sequence[object], **look: Any) -> Trace:
    """A checked trace with its points, which Plotly's own check would copy three times."""
    return {**go.Scatter(look).to_plotly_json(), "x": x, "y": y, "customdata": customdata}
