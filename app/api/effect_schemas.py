"""The shapes of the effects of parameters and of the fronts of accuracy against its price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field, JsonValue

from app.api.schemas import Shape
from app.api.verdict_schemas import IntervalOut, interval_out
from app.compare_effects import ToldEffects
from app.effect_words import effect_notes, heat_notes
from core.comparison import Group
from core.effects import Effect, LevelMean, Outcome
from core.heat_map import HeatMap
from core.pareto import Front, Price
from core.spreads import Interval

if TYPE_CHECKING:  # it brings SciPy along
    from core.statistics.contrasts import Contrast

METHODS = {"by seed": "Student's t over seeds, of each seed's own sum", "cell by cell": "Welch and Satterthwaite"}


class LevelOut(Shape):
    """A value of a parameter: its mean over the same values of all else, with equal weight."""

    value: JsonValue = Field(examples=[0.1])
    mean: float
    interval: IntervalOut | None = Field(description="over seeds; null where a config has one seed")
    difference: float | None = Field(description="from the value of the baseline; null of that value itself")
    difference_interval: IntervalOut | None
    groups: tuple[str, ...] = Field(description="config hashes of those in the mean")
    num_runs: int


class EffectOut(Shape):
    """What a field of the run config does."""

    field: str = Field(examples=["architecture.parameters.pool"])
    together: tuple[str, ...] = Field(description="fields that change exactly when it does: it is of all at once")
    followers: tuple[str, ...] = Field(description="fields that change only when it does, so theirs is in its effect")
    levels: tuple[LevelOut, ...] = Field(description="empty where the effect cannot be told from others")
    num_combinations: int = Field(description="of all else, over which each value was averaged")
    of_combinations: int
    notes: tuple[str, ...]


class HeatCellOut(Shape):
    across: JsonValue
    down: JsonValue
    mean: float | None = Field(description="of its groups; null where nothing has completed")
    groups: tuple[str, ...]
    num_runs: int


class HeatMapOut(Shape):
    """Two fields against each other, a cell for each pair that a group has."""

    across: str
    down: str
    cells: tuple[HeatCellOut, ...]
    notes: tuple[str, ...]


class EffectsOut(Shape):
    """Over completed runs, each with the epoch whose weights were kept."""

    outcome: Outcome
    factors: tuple[EffectOut, ...]
    heat_map: HeatMapOut | None


class PricedOut(Shape):
    group: str = Field(description="config hash")
    cost: float
    accuracy: float
    interval: IntervalOut | None
    is_on_front: bool = Field(description="no other is at least as accurate for as much or less")


class FrontOut(Shape):
    """Test accuracy against a price, the cheapest first."""

    price: Price
    points: tuple[PricedOut, ...]
    num_left_out: int = Field(description="groups without a completed run, or of which the price was not measured")


def effects_out(shown: ToldEffects | None) -> EffectsOut | None:
    if shown is None:
        return None
    factors = tuple(_effect(effect, shown.effects.groups) for effect in shown.told)
    heat = _heat_map(shown.heat, shown.effects.groups) if shown.heat else None
    return EffectsOut(outcome=shown.outcome, factors=factors, heat_map=heat)


def fronts_out(
    fronts: Sequence[Front], groups: Sequence[Group], intervals: Mapping[str, Interval]
) -> tuple[FrontOut, ...]:  # fmt: skip
    return tuple(
        FrontOut(price=front.price, points=_points(front, groups, intervals), num_left_out=front.num_left_out)
        for front in fronts
    )


def _points(front: Front, groups: Sequence[Group], intervals: Mapping[str, Interval]) -> tuple[PricedOut, ...]:
    told = []
    for point in front.points:
        own = groups[point.place].config_hash
        method = "Student's t over seeds; of a single one Wilson's, of its test images alone"
        interval = interval_out(intervals[own], 0.95, method) if own in intervals else None
        told.append(
            PricedOut(
                group=own, cost=point.cost, accuracy=point.accuracy, interval=interval, is_on_front=point.is_on_front
            )
        )
    return tuple(told)


def _effect(effect: Effect, groups: Sequence[Group]) -> EffectOut:
    factor = effect.factor
    return EffectOut(
        field=factor.axis.path, together=factor.together, followers=factor.followers,
        levels=tuple(_level(mean, factor.axis.levels[mean.level], groups) for mean in effect.means),
        num_combinations=effect.num_blocks, of_combinations=effect.of_blocks, notes=tuple(effect_notes(effect)),
    )  # fmt: skip


def _level(mean: LevelMean, value: JsonValue, groups: Sequence[Group]) -> LevelOut:
    told = mean.contrast
    return LevelOut(
        value=value, mean=told.value,
        interval=interval_out(mean.interval, 0.95, METHODS[told.method]) if mean.interval else None,
        difference=mean.difference.value if mean.difference else None,
        difference_interval=_interval(mean.difference) if mean.difference else None,
        groups=tuple(groups[place].config_hash for place in mean.groups), num_runs=mean.num_seeds,
    )  # fmt: skip


def _interval(told: Contrast) -> IntervalOut | None:
    return interval_out(told.estimate.interval(), 0.95, METHODS[told.method]) if told.estimate else None


def _heat_map(heat: HeatMap, groups: Sequence[Group]) -> HeatMapOut:
    cells = [
        HeatCellOut(
            across=heat.across.levels[column], down=heat.down.levels[row], mean=cell.mean, num_runs=cell.num_seeds,
            groups=tuple(groups[place].config_hash for place in cell.groups),
        )
        for row, line in enumerate(heat.rows) for column, cell in enumerate(line) if cell is not None
    ]  # fmt: skip
    return HeatMapOut(across=heat.across.path, down=heat.down.path, cells=tuple(cells), notes=tuple(heat_notes(heat)))
