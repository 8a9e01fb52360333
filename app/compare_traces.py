"""The lines and bands of one panel of a comparison, as Plotly's traces.

A trace's `meta` names its group, so that the page can show what belongs together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import plotly.graph_objects as go

from app.charts import POINT_FORMAT
from app.compare_axes import Axis, Places
from app.compare_looks import GroupLook
from app.palette import look_of
from core.comparison import Group
from core.seeds import Measure, Seed
from core.spreads import Interval, Spread

Curve = Sequence[tuple[int, Spread | None]]
Trace = dict[str, Any]  # one of Plotly's
MOST_LOOKS = 1024  # 8 colours in 3 shades, 7 markers, a dash each, twice


@dataclass(frozen=True)
class Pen:
    """Draws the lines of one panel: `key` is the figure, `measure` loss or accuracy."""

    key: Measure
    measure: str
    axis: Axis
    has_markers: bool
    is_overview: bool = False  # the lines will share traces: compare_overview.py

    def mean(self, group: Group, curve: Curve, places: Places, look: GroupLook) -> Trace:
        form = POINT_FORMAT[self.measure]
        of_seeds = f"<br>%{{customdata[0]:{form}}} to %{{customdata[1]:{form}}}, %{{customdata[2]}} seeds"
        epochs = [[epoch] if self.axis.is_not_epochs else [] for epoch, _ in curve]
        customdata = [
            [*self._short([told.low, told.high]), told.n, *epoch] if told else [None, None, None, *epoch]
            for (_, told), epoch in zip(curve, epochs, strict=True)
            if not self.is_overview
        ]
        return _line(look, 2.25, 6, self.has_markers) | {
            "name": group.label,
            "uid": f"mean-{group.config_hash}",
            "meta": {"group": group.config_hash},
            "x": places,
            "y": self._short([told.mean if told else None for _, told in curve]),
            "customdata": customdata,
            "cliponaxis": not self.has_markers,
            "hovertemplate": self._told("%{customdata[3]}", of_seeds if len(group.seeds) > 1 else ""),
        }

    def band(self, group: Group, edges: Sequence[Interval | None], places: Places, look: GroupLook) -> Trace:
        """A closed outline for each stretch without a gap."""
        x: list[float | None] = []
        y: list[float | None] = []
        for has_values, stretch in groupby(range(len(edges)), key=lambda at: edges[at] is not None):
            if has_values:
                inside = [*stretch]
                there = places[inside[0] : inside[-1] + 1]
                lows, highs = zip(*filter(None, edges[inside[0] : inside[-1] + 1]), strict=True)
                x += [*there, *reversed(there), None]
                y += [*self._short(highs), *self._short(lows[::-1]), None]
        own = {"name": group.label, "uid": f"band-{group.config_hash}", "meta": {"group": group.config_hash}}
        return _area(look.colour) | own | {"x": x, "y": y}

    def seed(self, group: Group, seed: Seed, look: GroupLook) -> Trace:
        return _line(look, 1.25, 4, self.has_markers) | {
            "name": f"{group.label}, seed {seed.run.seed}",
            "uid": f"run-{seed.run.id}",
            "meta": {"group": group.config_hash, "run": seed.run.id},
            "x": self.axis.of_seed(group, seed),
            "y": self._short(seed.columns[self.key]) if seed.points else [],
            "hovertemplate": self._told("%{customdata}"),
            **self._at_epochs([point.epoch for point in seed.points]),
        }

    def published(self, groups: Sequence[Group]) -> list[Trace]:
        """The report's own lines, one for each of its networks that is compared; none where they have no place."""
        first = {group.published.name: group for group in reversed(groups) if group.published is not None}
        lines = []
        for name, group in first.items():
            assert group.published is not None
            epochs = [epoch.epoch for epoch in group.published.epochs]
            places = self.axis.of_report(epochs)
            if places is None:
                continue
            lines.append(
                _dotted(look_of(group.run.architecture).colour)
                | {
                    "name": f"{name}, published",
                    "uid": f"published-{name}",
                    "meta": {"groups": [one.config_hash for one in groups if one.published is group.published]},
                    "x": places,
                    "y": [getattr(epoch, self.key) for epoch in group.published.epochs],
                    "hovertemplate": self._told("%{customdata}", "<br>the report, one seed, MNIST"),
                    **self._at_epochs(epochs),
                }
            )
        return lines

    def _short(self, values: Sequence[float | None]) -> Sequence[float | None]:
        """As exact as anybody reads them: the digits beyond would be half of the page. Many lines are packed."""
        return values if self.is_overview else [value if value is None else float(f"{value:.6g}") for value in values]

    def _at_epochs(self, epochs: Sequence[int]) -> Trace:
        return {"customdata": epochs} if self.axis.is_not_epochs else {}

    @property
    def told_of_part(self) -> str:
        """What the hover says where lines share a trace."""
        at = {"epoch": "epoch %{x}", "step": "step %{x:,}", "seconds": "%{x:,.3~r} s"}[self.axis.kind]
        return f"<b>%{{text}}</b><br>{at}: %{{y:{POINT_FORMAT[self.measure]}}}<extra></extra>"

    def _told(self, epoch: str, more: str = "") -> str:
        value = f"%{{y:{POINT_FORMAT[self.measure]}}}"
        return f"<b>%{{fullData.name}}</b><br>{self.axis.told(epoch)}: {value}{more}<extra></extra>"


# Plotly checks each look once; names and points, which are ours, it would copy three times over.
@lru_cache(maxsize=MOST_LOOKS)
def _line(look: GroupLook, width: float, size: int, has_markers: bool) -> Trace:
    return _checked(
        mode="lines+markers" if has_markers else "lines",
        line={"color": look.colour, "dash": look.dash, "width": width},
        marker={"color": look.colour, "symbol": look.symbol, "size": size},
    )


@lru_cache(maxsize=MOST_LOOKS)
def _area(colour: str) -> Trace:
    return _checked(
        mode="lines", line={"width": 0, "color": colour}, fill="toself", fillcolor=colour, opacity=0.17,
        hoverinfo="skip",
    )  # fmt: skip


@lru_cache(maxsize=MOST_LOOKS)
def _dotted(colour: str) -> Trace:
    line = {"color": colour, "dash": "1.5px,2.5px", "width": 1.75}
    return _checked(mode="lines", line=line, opacity=0.9)


# Any: Plotly's options, which it checks itself
def _checked(**look: Any) -> Trace:
    checked: Trace = go.Scatter(look).to_plotly_json()
    return checked
