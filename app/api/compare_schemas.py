"""The shapes of a comparison, and how a group becomes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field, JsonValue

from app.api.cost_schemas import ConditionsOut, CostOut, conditions_out, cost_out
from app.api.effect_schemas import EffectsOut, FrontOut, effects_out, fronts_out
from app.api.figure_schemas import CurvePointOut, FiguresAtOut, PointOut, SeedOut, SpreadOut
from app.api.literature_schemas import LiteratureOut, literature_out
from app.api.schemas import Shape
from app.api.verdict_schemas import VerdictOut, interval_out, verdicts_out
from app.compare_effects import ToldEffects, accuracy_intervals, fronts_of
from core.comparison import Comparison, Group
from core.conditions import conditions_of
from core.costs import COSTS, Cost
from core.seeds import MEASURES, EpochPoint, Seed, When
from core.spreads import Interval, Spread

if TYPE_CHECKING:  # it brings SciPy along, which the server imports with the first comparison
    from app.compare_literature import Beside
    from app.compare_verdicts import Verdicts

WILSON = "Wilson's, of the test images alone: seed noise is unknown"


class PublishedEpochOut(Shape):
    epoch: int
    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float


class PublishedOut(Shape):
    """What the course report published of this network: one seed, MNIST, losses as means over batches."""

    name: str
    epochs: tuple[PublishedEpochOut, ...]
    differs: tuple[str, ...] = Field(description="fields of our config that are not as the report trained")


class GroupOut(Shape):
    """Runs that differ in nothing but the seed."""

    config_hash: str
    label: str = Field(description="what tells it from the other groups", examples=["LeNet-5, pool max"])
    config: dict[str, JsonValue] = Field(description="by path, without name, seed and device")
    n: int
    num_parameters: int
    num_multiply_adds: int
    steps_per_epoch: int | None = Field(description="updates of the weights; null: its dataset is no longer known")
    seeds: tuple[SeedOut, ...]
    last: FiguresAtOut | None = Field(description="null until an epoch is recorded")
    best: FiguresAtOut | None
    best_by: str = Field(
        description="validation, or test where nothing was held out: chosen on the images that judge it, so optimistic"
    )
    gain_of_best_epoch: float | None = Field(description="by choice alone, where the best epoch is chosen by test")
    gain_of_best_seed: float | None = Field(
        description="how far the best seed's last test accuracy lies above their mean by choice alone; null of one"
    )
    seconds_per_epoch: CostOut | None = Field(description="this and the next two are among the costs too")
    images_per_second: CostOut | None
    peak_memory_bytes: CostOut | None
    costs: dict[Cost, CostOut | None] = Field(description="over all its runs; null: not measured")
    curve: tuple[CurvePointOut, ...]
    published: PublishedOut | None


class ComparisonOut(Shape):
    groups: tuple[GroupOut, ...]
    conditions: ConditionsOut
    verdicts: tuple[VerdictOut, ...] = Field(description="on each group against the baseline")
    literature: tuple[LiteratureOut, ...] = Field(
        description="each group of MNIST beside published figures of its kind"
    )
    effects: EffectsOut | None = Field(description="of the parameters that vary; null where none does")
    pareto: tuple[FrontOut, ...] = Field(description="test accuracy against what it costs, for each price that varies")
    left_out: tuple[str, ...] = Field(description="what was asked for and is not among them, in a sentence each")


def comparison_out(
    comparison: Comparison, left_out: list[str], verdicts: Verdicts | None, steps: Mapping[str, int | None],
    literature: Sequence[Beside] = (), effects: ToldEffects | None = None,
) -> ComparisonOut:  # fmt: skip
    """`steps` of an epoch, by config hash."""
    images_only, told = (verdicts.images_only, verdicts_out(verdicts)) if verdicts else ({}, ())
    groups = tuple(
        _group(group, images_only.get(group.config_hash), steps[group.config_hash]) for group in comparison.groups
    )
    conditions = conditions_out(conditions_of(comparison.runs))
    beside = tuple(map(literature_out, literature))
    sizes = verdicts.sizes if verdicts else {}
    fronts = fronts_out(fronts_of(comparison)[0], comparison.groups, accuracy_intervals(comparison.groups, sizes))
    return ComparisonOut(
        groups=groups, conditions=conditions, verdicts=told, literature=beside, effects=effects_out(effects),
        pareto=fronts, left_out=tuple(left_out),
    )  # fmt: skip


def _group(group: Group, images_only: Interval | None, steps: int | None) -> GroupOut:
    costs: dict[Cost, CostOut | None] = {cost: cost_out(group.cost(cost)) for cost in COSTS}
    return GroupOut(
        config_hash=group.config_hash, label=group.label, config=group.fields, n=len(group.seeds),
        num_parameters=group.run.num_parameters, num_multiply_adds=group.run.num_multiply_adds, steps_per_epoch=steps,
        seeds=tuple(_seed(seed) for seed in group.seeds), last=_at(group, "last", images_only), best=_at(group, "best"),
        best_by=group.best_by, gain_of_best_epoch=group.gain_of_best_epoch,
        gain_of_best_seed=group.gain_of_best_seed,
        seconds_per_epoch=costs["seconds_per_epoch"], images_per_second=costs["images_per_second"],
        peak_memory_bytes=costs["peak_memory_bytes"], costs=costs, curve=_curve(group), published=_published(group),
    )  # fmt: skip


def _seed(seed: Seed) -> SeedOut:
    run = seed.run
    assert run.id is not None
    last, best = _point(seed.last), _point(seed.best)
    repeats = tuple(again.id for again in seed.repeats if again.id is not None)
    return SeedOut(
        run=run.id, seed=run.seed, repeats=repeats, state=run.state, epochs_done=run.epochs_done, last=last, best=best
    )  # fmt: skip


def _at(group: Group, when: When, images_only: Interval | None = None) -> FiguresAtOut | None:
    epochs = group.epochs_at(when)
    if epochs is None:
        return None
    figures = {name: _spread(group.spread_at(when, name)) for name in MEASURES}
    if images_only and (told := figures["test_accuracy"]):
        figures["test_accuracy"] = told.model_copy(update={"interval": interval_out(images_only, 0.95, WILSON)})
    return FiguresAtOut(first_epoch=epochs[0], last_epoch=epochs[1], **figures)


def _curve(group: Group) -> tuple[CurvePointOut, ...]:
    curves = {name: group.curve(name) for name in MEASURES}
    epochs, seconds = [epoch for epoch, _ in curves["test_accuracy"]], group.seconds_until()
    return tuple(
        CurvePointOut(
            epoch=epoch, seconds=seconds[epoch], **{name: _spread(curve[place][1]) for name, curve in curves.items()}
        )
        for place, epoch in enumerate(epochs)
    )


def _published(group: Group) -> PublishedOut | None:
    if group.published is None:
        return None
    epochs = tuple(PublishedEpochOut.model_validate(told, from_attributes=True) for told in group.published.epochs)
    return PublishedOut(name=group.published.name, epochs=epochs, differs=tuple(group.differs_from_report))


def _point(point: EpochPoint | None) -> PointOut | None:
    return None if point is None else PointOut(**point._asdict())


def _spread(spread: Spread | None) -> SpreadOut | None:
    if spread is None:
        return None
    interval = spread.interval and interval_out(spread.interval, 0.95, "Student's t over seeds")
    return SpreadOut(n=spread.n, mean=spread.mean, low=spread.low, high=spread.high, interval=interval)
