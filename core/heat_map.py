"""Two parameters against each other: the mean of the groups at each pair of their values."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from core.effects import Effects
from core.factors import Axis, Factor


@dataclass(frozen=True)
class HeatCell:
    """The groups of a pair, by place; their mean, each with equal weight, None where nothing has completed."""

    mean: float | None
    num_seeds: int
    groups: tuple[int, ...]


@dataclass(frozen=True)
class HeatMap:
    """`rows` by the levels of `down`, in each a cell for each level of `across`, None where no group has the pair.

    `num_outside`: groups to which one of the two means nothing. `is_even`: whether every cell is a mean over the same
    combinations of all else, so that cells differ for no other reason."""

    across: Axis
    down: Axis
    rows: tuple[tuple[HeatCell | None, ...], ...]
    num_outside: int
    is_even: bool

    @property
    def cells(self) -> list[HeatCell]:
        return [cell for row in self.rows for cell in row if cell is not None]


def heat_map(effects: Effects, across: Factor, down: Factor) -> HeatMap:
    one, other = across.axis, down.axis
    places: dict[tuple[int, int], list[int]] = {}
    for place, (column, row) in enumerate(zip(one.level_of, other.level_of, strict=True)):
        if column is not None and row is not None:
            places.setdefault((row, column), []).append(place)
    rows = tuple(
        tuple(_cell(effects, places.get((row, column))) for column in range(len(one.levels)))
        for row in range(len(other.levels))
    )
    rest = [factor.axis for factor in effects.factors if factor not in (across, down)]
    combinations = {
        frozenset(tuple(axis.level_of[place] for axis in rest) for place in pair if effects.seeds[place])
        for pair in places.values()
    }
    num_outside = len(effects.groups) - sum(map(len, places.values()))
    return HeatMap(one, other, rows, num_outside, len(combinations - {frozenset()}) <= 1)


def _cell(effects: Effects, places: Sequence[int] | None) -> HeatCell | None:
    if not places:
        return None
    means = [mean for place in places if (mean := effects.means[place]) is not None]
    num_seeds = sum(len(effects.seeds[place]) for place in places)
    return HeatCell(fmean(means) if means else None, num_seeds, tuple(places))
