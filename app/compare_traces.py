"""The lines and bands of one panel of a comparison, as Plotly's traces.

A trace's `meta` names its group, so that the page can show what belongs together."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import plotly.graph_objects as go

from app.charts import POINT_FORMAT
from app.compare_axes import Axis, Places
from app.compare_looks import GroupLook
from app.palette import look_of
from core.comparison import Group, Measure, Seed
from core.spreads import Interval, Spread

Curve = Sequence[tuple[int, Spread | None]]
Trace = dict[str, Any]  # one of Plotly's


@dataclass(frozen=True)
class Pen:
    """Draws the lines of one panel: `key` is the figure, `measure` loss or accuracy."""

    key: Measure
    measure: str
    axis: Axis
    has_markers: bool

    def mean(self, group: Group, curve: Curve, places: Places, look: GroupLook) -> Trace:
        form = POINT_FORMAT[self.measure]
        of_seeds = f"<br>%{{customdata[0]:{form}}} to %{{customdata[1]:{form}}}, %{{customdata[2]}} seeds"
        spreads = [[told.low, told.high, told.n] if told else [None, None, None] for _, told in curve]
        epochs = [[epoch] if self.axis.is_not_epochs else [] for epoch, _ in curve]
        return _trace(
            name=group.label,
            uid=f"mean-{group.config_hash}",
            meta={"group": group.config_hash},
            x=places,
            y=[told.mean if told else None for _, told in curve],
            customdata=[spread + epoch for spread, epoch in zip(spreads, epochs, strict=True)],
            mode=self._mode,
            line={"color": look.colour, "dash": look.dash, "width": 2.25},
            marker={"color": look.colour, "symbol": look.symbol, "size": 6},
            cliponaxis=not self.has_markers,
            hovertemplate=self._told("%{customdata[3]}", of_seeds if len(group.seeds) > 1 else ""),
        )

    def band(self, group: Group, edges: Sequence[Interval | None], places: Places, look: GroupLook) -> Trace:
        """A closed outline for each stretch without a gap."""
        x: list[float | None] = []
        y: list[float | None] = []
        for has_values, stretch in groupby(zip(places, edges, strict=True), key=lambda point: point[1] is not None):
            known = [(at, edge) for at, edge in stretch if edge is not None]
            if has_values:
                x += [*(at for at, _ in known), *(at for at, _ in reversed(known)), None]
                y += [*(edge.high for _, edge in known), *(edge.low for _, edge in reversed(known)), None]
        return _trace(
            name=group.label, uid=f"band-{group.config_hash}", meta={"group": group.config_hash}, x=x, y=y,
            mode="lines", line={"width": 0, "color": look.colour}, fill="toself", fillcolor=look.colour, opacity=0.17,
            hoverinfo="skip",
        )  # fmt: skip

    def seed(self, group: Group, seed: Seed, look: GroupLook) -> Trace:
        return _trace(
            name=f"{group.label}, seed {seed.run.seed}",
            uid=f"run-{seed.run.id}",
            meta={"group": group.config_hash, "run": seed.run.id},
            x=self.axis.of_seed(group, seed),
            y=[getattr(point, self.key) for point in seed.points],
            customdata=[point.epoch for point in seed.points] if self.axis.is_not_epochs else None,
            mode=self._mode,
            line={"color": look.colour, "dash": look.dash, "width": 1.25},
            marker={"color": look.colour, "symbol": look.symbol, "size": 4},
            hovertemplate=self._told("%{customdata}"),
        )

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
                _trace(
                    name=f"{name}, published",
                    uid=f"published-{name}",
                    meta={"groups": [one.config_hash for one in groups if one.published is group.published]},
                    x=places,
                    y=[getattr(epoch, self.key) for epoch in group.published.epochs],
                    customdata=epochs if self.axis.is_not_epochs else None,
                    mode="lines",
                    line={"color": look_of(group.run.architecture).colour, "dash": "1.5px,2.5px", "width": 1.75},
                    opacity=0.9,
                    hovertemplate=self._told("%{customdata}", "<br>the report, one seed, MNIST"),
                )
            )
        return lines

    @property
    def _mode(self) -> str:
        return "lines+markers" if self.has_markers else "lines"

    def _told(self, epoch: str, more: str = "") -> str:
        value = f"%{{y:{POINT_FORMAT[self.measure]}}}"
        return f"<b>%{{fullData.name}}</b><br>{self.axis.told(epoch)}: {value}{more}<extra></extra>"


# Any: Plotly's options, which it checks itself
def _trace(x: Sequence[float | None], y: Sequence[float | None], **look: Any) -> Trace:
    """A checked trace with its points, which Plotly's own check would copy three times."""
    return {**go.Scatter(look).to_plotly_json(), "x": x, "y": y}
