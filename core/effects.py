"""What a parameter does to the result, over the groups of a comparison: its levels' means, balanced over all else.

A level's mean takes every combination of the other factors once, with equal weight, and of these combinations those in
which each level was trained: so a level is never better because it met better company, and no model fills what is
missing. Only completed runs count, each with the epoch whose weights were kept."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Literal, get_args

from core.comparison import Comparison, Group
from core.factors import Axis, Factor, axes_of, factors_of, is_nested
from core.run_state import RunState
from core.spreads import Interval

if TYPE_CHECKING:  # it brings SciPy along
    from core.statistics.contrasts import Contrast

Outcome = Literal["test_accuracy", "test_loss", "seconds_per_epoch"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
GREATEST = {"test_accuracy": 1.0}  # that there can be; none is below zero
Seeds = Mapping[int, float]  # the value by seed
Block = dict[int, list[int]]  # of one combination of all else: by level, the groups


@dataclass(frozen=True)
class LevelMean:
    """`interval`: of the mean, within what there can be. `difference` is from the reference level, None of that level
    itself; `groups`: places of those in the mean."""

    level: int
    contrast: "Contrast"
    interval: Interval | None
    difference: "Contrast | None"
    groups: tuple[int, ...]
    num_seeds: int


@dataclass(frozen=True)
class Effect:
    """Of a factor; `means` is empty where no two of its levels were trained beside the same values of all else.

    `num_blocks` of `of_blocks` combinations of the other factors count: those in which every level of `means` is.
    `nested`: paths of what only some levels have, as a network its own parameters: averaged within each.
    `untrained`: levels without a completed run; `apart`: levels that were trained beside other values only."""

    factor: Factor
    means: tuple[LevelMean, ...]
    num_blocks: int
    of_blocks: int
    untrained: tuple[int, ...]
    apart: tuple[int, ...]
    nested: tuple[str, ...]


@dataclass(frozen=True)
class Effects:
    """Over groups, in their order: `seeds` has the value of each completed seed of each group."""

    outcome: Outcome
    groups: Sequence[Group]
    axes: Sequence[Axis]
    factors: Sequence[Factor]
    seeds: Sequence[Seeds]

    @cached_property
    def means(self) -> list[float | None]:
        """Of each group; None where nothing of it has completed."""
        return [sum(own.values()) / len(own) if own else None for own in self.seeds]

    def effect(self, factor: Factor, baseline: int = 0) -> Effect:
        """The reference is the level of the group at place `baseline`, or the first where that has none in it."""
        own = factor.axis
        nested = [one.axis.path for one in self.factors if one is not factor and is_nested(one.axis, own)]
        blocks = self._blocks(factor, nested)
        trained = {level for block in blocks.values() for level in block}
        kept = _kept(list(blocks.values()), sorted(trained))
        complete = [block for block in blocks.values() if kept and set(kept) <= block.keys()]
        reference = own.level_of[baseline] if own.level_of[baseline] in kept else next(iter(kept), None)
        return Effect(
            factor,
            tuple(self._level_mean(level, reference, complete) for level in kept),
            len(complete),
            len(blocks),
            tuple(level for level in range(len(own.levels)) if level not in trained),
            tuple(sorted(trained - set(kept))),
            tuple(nested),
        )

    def _blocks(self, factor: Factor, nested: Sequence[str]) -> dict[tuple[int | None, ...], Block]:
        """The groups that have completed seeds, by the levels of all other factors; what is nested is none."""
        others = [one.axis for one in self.factors if one is not factor and one.axis.path not in nested]
        blocks: dict[tuple[int | None, ...], Block] = {}
        for place, level in enumerate(factor.axis.level_of):
            if level is not None:
                block = blocks.setdefault(tuple(axis.level_of[place] for axis in others), {})
                if self.seeds[place]:
                    block.setdefault(level, []).append(place)
        return blocks

    def _level_mean(self, level: int, reference: int | None, blocks: Sequence[Block]) -> LevelMean:
        from core.statistics.contrasts import contrast  # with the first comparison: it brings SciPy along

        own, other = ([(1 / len(blocks) / len(block[at]), self.seeds[place]) for block in blocks for place in block[at]]
                      for at in (level, level if reference is None else reference))  # fmt: skip
        less = [(-weight, seeds) for weight, seeds in other]
        places = tuple(place for block in blocks for place in block[level])
        told, difference = contrast(own), None if level == reference else contrast([*own, *less])
        interval = within(told.estimate.interval(), self.outcome) if told.estimate else None
        return LevelMean(level, told, interval, difference, places, sum(len(self.seeds[place]) for place in places))


def effects_of(comparison: Comparison, outcome: Outcome) -> Effects:
    axes = axes_of([group.fields for group in comparison.groups])
    seeds = [seeds_of(group, outcome) for group in comparison.groups]
    return Effects(outcome, comparison.groups, axes, factors_of(axes), seeds)


def seeds_of(group: Group, outcome: Outcome) -> dict[int, float]:
    """By seed; one without the figure, as of a loss that was not finite, is left out. Of time, which repeats tell of
    too, the median over them."""
    told = {}
    for seed in group.seeds:
        runs = [run for run in seed.repeats if run.state is RunState.COMPLETED]
        if outcome != "seconds_per_epoch":
            runs = [run for run in runs if run is seed.run]
        values = [value for run in runs if (value := getattr(run, outcome)) is not None]
        if values:
            told[seed.run.seed] = float(median(values))
    return told


def within(interval: Interval, outcome: Outcome) -> Interval:
    """Cut off where no mean of this can lie."""
    return interval.within(0.0, GREATEST.get(outcome, math.inf))


def _kept(blocks: Sequence[Block], levels: Sequence[int]) -> list[int]:
    """The levels that some block has all of: all, or without those that the fewest blocks have. Where the level of the
    most blocks never stands beside another, from the next."""
    num_blocks = {level: sum(level in block for block in blocks) for level in levels}
    common = sorted(levels, key=lambda level: -num_blocks[level])
    chains = (_together([level, *common], blocks) for level in common)
    return sorted(next((chain for chain in chains if len(chain) > 1), []))


def _together(levels: Sequence[int], blocks: Sequence[Block]) -> list[int]:
    """Of the levels, in their order, each that some block has beside all those before it."""
    kept: list[int] = []
    for level in levels:
        sharing = [block for block in blocks if level in block]
        if sharing and level not in kept:
            kept.append(level)
            blocks = sharing
    return kept
