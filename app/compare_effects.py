"""The effects of parameters and what accuracy costs, ready for page and API."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.compare_view import EffectView
from app.effect_words import OUTCOME_WORDS, OutcomeWords
from core.comparison import LEAST_SEEDS, Comparison, Group
from core.effects import Effect, Effects, Outcome, effects_of, seeds_of, within
from core.factors import Factor
from core.heat_map import HeatMap, heat_map
from core.pareto import PRICES, Front, Price, front_of
from core.spreads import Interval, spread

MOST_ROWS = 40  # of a table by a parameter's values: a random search has hundreds. Guess, untuned
LEAST_ERROR = 1e-4  # one image of 10,000: below it shades tell nothing apart. Guess, untuned


@dataclass(frozen=True)
class ToldEffects:
    """Of each factor its effect; the heat map of two of them where there are two."""

    effects: Effects
    told: Sequence[Effect]
    heat: HeatMap | None

    @property
    def outcome(self) -> Outcome:
        return self.effects.outcome

    @property
    def words(self) -> OutcomeWords:
        return OUTCOME_WORDS[self.outcome]

    @property
    def in_heat_maps(self) -> list[Factor]:
        return [factor for factor in self.effects.factors if _has_few_levels(factor)]

    @property
    def has_results(self) -> bool:
        return any(mean is not None for mean in self.effects.means)

    def shade(self, mean: float) -> float:
        """From 0, the worst config, to 1, the best, by ratios: one that went astray hides no differences of others."""
        low, high = self._best_and_worst
        return min(1.0, max(0.0, (high - _badness(self.outcome, mean)) / (high - low))) if high > low else 0.5

    @cached_property
    def _best_and_worst(self) -> tuple[float, float]:
        known = [_badness(self.outcome, mean) for mean in self.effects.means if mean is not None]
        return min(known), max(known)

    def groups_at(self, places: Sequence[int]) -> list[Group]:
        return [self.effects.groups[place] for place in places]


def tell_effects(comparison: Comparison, view: EffectView, baseline: Group) -> ToldEffects | None:
    """None where no field differs. Differences are from the baseline's levels."""
    effects = effects_of(comparison, view.effect)
    if not effects.factors:
        return None
    place = next(place for place, group in enumerate(comparison.groups) if group is baseline)
    told = [effects.effect(factor, place) for factor in effects.factors]
    pair = chosen_pair([factor for factor in effects.factors if _has_few_levels(factor)], view)
    return ToldEffects(effects, told, heat_map(effects, *pair) if pair else None)


def chosen_pair(factors: Sequence[Factor], view: EffectView) -> tuple[Factor, Factor] | None:
    """Those that the view names, by path; what it does not name, or what is none of them, is the first that is left."""
    if len(factors) < 2:
        return None
    by_path = {factor.axis.path: factor for factor in factors}
    across = by_path.get(view.across)
    down = by_path.get(view.down)
    down = None if down is across else down
    across = across or next(factor for factor in factors if factor is not down)
    return across, down or next(factor for factor in factors if factor is not across)


def fronts_of(comparison: Comparison) -> tuple[list[Front], list[Price]]:
    """For each price the front of accuracy, where there are groups to choose from; and the prices that all share."""
    fronts = [front for price in PRICES if len((front := front_of(comparison.groups, price)).points) > 1]
    same = [front.price for front in fronts if front.points[0].cost == front.points[-1].cost]
    return [front for front in fronts if front.price not in same], same


def accuracy_intervals(groups: Sequence[Group], sizes: Mapping[str, int | None]) -> dict[str, Interval]:
    """By config hash: over the completed seeds; of a single one, what its test images alone give. `sizes`: how many
    there are, by dataset."""
    from core.statistics.estimates import wilson  # with the first comparison: it brings SciPy along

    told = {}
    for group in groups:
        own, size = spread(seeds_of(group, "test_accuracy").values()), sizes.get(group.run.dataset)
        if own and (interval := own.interval or (wilson(own.mean * size, size) if size else None)):
            told[group.config_hash] = within(interval, "test_accuracy")
    return told


def gain_of_highest(groups: Sequence[Group], num_images: int | None) -> float | None:
    """By how much the highest of these groups' mean test accuracies is expected to lie too high by being picked from
    them; None where fewer than two have the seeds that tell their noise."""
    from core.statistics import ranking  # with the first: it brings SciPy along
    from core.statistics.several import ERROR

    spreads = [spread(seeds_of(group, "test_accuracy").values()) for group in groups]
    told = [own for own in spreads if own is not None and own.n >= LEAST_SEEDS]
    if len(told) < 2:
        return None
    values, deviations, sizes = (np.array([getattr(own, name) for own in told]) for name in ("mean", "deviation", "n"))
    means = ranking.means_of(values, deviations, sizes, num_images)
    leader = int(means.values.argmax())
    tied = np.flatnonzero(ranking.by_bonferroni(means.ps(leader), leader) > ERROR).tolist()
    return ranking.gain_of_leading(means, tied)


def _has_few_levels(factor: Factor) -> bool:
    return len(factor.axis.levels) <= MOST_ROWS


def _badness(outcome: Outcome, value: float) -> float:
    """The logarithm of what is to be small."""
    return math.log(max(LEAST_ERROR, 1 - value if outcome == "test_accuracy" else value))
