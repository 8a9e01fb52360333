"""The literature on Compare: each group beside what was published of its kind, and lines for that in the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

from app import literature_words as words
from app.charts import QUIET, Panel
from app.compare_verdicts import Verdicts
from app.compare_view import CompareView
from core.comparison import Comparison, Group
from core.literature import DATASET, Published
from core.literature_verdicts import AgainstPublished, against_published

MOST_ROWS = 60  # on the page; the API has all. Guess, untuned
LEAST_APART = 0.07  # of the axis: a line of 11 px text in a panel of 15.5 rem
MARGIN = 26  # px, for letters on the right


@dataclass(frozen=True)
class Beside:
    """A row of the table, in words."""

    told: AgainstPublished
    place: int  # of its group in the comparison

    verdict = property(lambda self: words.verdict(self.told))
    caveat = property(lambda self: words.caveat(self.told))
    sentence = property(lambda self: words.sentence(self.told))
    ours_interval = property(lambda self: words.percent_interval(self.told.ours.interval))
    difference_interval = property(lambda self: words.percent_interval(self.told.interval))
    theirs_interval = property(lambda self: words.percent_interval(self.told.theirs))
    theirs_in_training = property(lambda self: words.theirs_in_training(self.told))

    @property
    def group(self) -> Group:
        return self.told.ours.group

    @property
    def ours_in_training(self) -> str:
        return words.ours_in_training(self.group.run)


def literature_sheet(comparison: Comparison, verdicts: Verdicts) -> list[Beside]:
    """For every group of MNIST that has a completed run and a published figure of its kind."""
    places = {group.config_hash: place for place, group in enumerate(comparison.groups)}
    told = against_published(comparison.groups, verdicts.marks, verdicts.sizes.get(DATASET))
    return [Beside(one, places[one.ours.group.config_hash]) for one in told]


def sources_of(rows: Sequence[Beside]) -> list[str]:
    return list(dict.fromkeys(row.told.published.source for row in rows))


def reference_lines(rows: Sequence[Beside], view: CompareView) -> list[tuple[str, Published]]:
    """What is drawn, from the highest figure to the lowest, each with its letter in picture and legend; the report's
    own figures are curves there."""
    if view.literature == "off":
        return []
    figures = {row.told.published.key: row.told.published for row in rows if row.told.published.kind is not None}
    return list(zip(ascii_lowercase, sorted(figures.values(), key=lambda told: -told.accuracy), strict=False))


def with_reference_lines(panels: Sequence[Panel], lines: Sequence[tuple[str, Published]]) -> Sequence[Panel]:
    """Dashed grey lines across the test accuracy."""
    for panel in panels:
        if panel.key == "test_accuracy" and lines:
            _draw(panel.figure, [(letter, told.accuracy) for letter, told in lines])
    return panels


# Any: Plotly's JSON
def _draw(figure: dict[str, Any], lines: Sequence[tuple[str, float]]) -> None:
    """The letters stand in the margin, where no curve is; those of lines too near to each other as one."""
    layout, values = figure["layout"], [value for _, value in lines]
    axis = layout["yaxis"]
    if "range" in axis:  # where the curves end
        low, high = axis["range"]
        axis["range"] = [low, min(1.0, max(high, max(values) + 0.06 * (max(high, *values) - low)))]
        span = axis["range"][1] - low
    else:
        drawn = [value for trace in figure["data"] for value in trace["y"] if value is not None]
        span = max([*drawn, *values]) - min([*drawn, *values])
    layout["margin"] = layout["margin"] | {"r": MARGIN}
    layout["shapes"] = [*layout.get("shapes", ()), *(_line(value) for value in dict.fromkeys(values))]
    labels = [_label(*together) for together in _together(lines, LEAST_APART * span)]
    layout["annotations"] = [*layout.get("annotations", ()), *labels]


def _together(lines: Sequence[tuple[str, float]], least: float) -> list[tuple[str, float]]:
    """From the highest; those nearer than `least` to the first of them join it."""
    told: list[tuple[str, float]] = []
    for letter, value in lines:
        if told and told[-1][1] - value < least:
            told[-1] = (f"{told[-1][0]},{letter}", told[-1][1])
        else:
            told.append((letter, value))
    return told


def _line(accuracy: float) -> dict[str, Any]:
    look = {"color": QUIET, "width": 1.25, "dash": "6px,4px"}
    place = {"x0": 0, "x1": 1, "xref": "paper", "y0": accuracy, "y1": accuracy, "yref": "y"}
    return {"type": "line", "layer": "below", "line": look} | place


def _label(letters: str, accuracy: float) -> dict[str, Any]:
    look = {"font": {"color": QUIET, "size": 11}, "showarrow": False, "borderpad": 0}
    place = {"x": 1, "xref": "paper", "xanchor": "left", "y": accuracy, "yref": "y", "yanchor": "middle"}
    return {"text": letters} | look | place
