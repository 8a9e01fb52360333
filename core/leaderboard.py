"""The leaderboard: groups on one dataset by their mean test accuracy over seeds, and how sure their order is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from sqlmodel import Session

from core.comparison import LEAST_SEEDS
from core.run_state import RunState
from core.runs import RunFilter
from core.seed_results import STATES, Results, Standing, read_results
from core.statistics.ranking import Floats, Ints, Means, by_bonferroni, by_holm, gain_of_leading, means_of, ranks_of
from core.statistics.several import ERROR

Outcome = Literal["baseline", "better", "worse", "undecided"]


@dataclass(frozen=True)
class Judgement:
    """Of a ranked group: the ranks that it may have, and its difference to the baseline with its corrected p."""

    ranks: tuple[int, int]
    outcome: Outcome
    difference: float
    p: float


@dataclass(frozen=True)
class Board:
    """`order`: of the groups with a result that are shown, the best first; `num_images` of the test split."""

    results: Results
    order: Ints
    num_images: int | None
    asked: str = ""  # how the config hash of the baseline begins

    def __len__(self) -> int:
        return len(self.order)

    def standings(self, start: int, stop: int) -> list[Standing]:
        return [self.results.standing(one, self._places.get(one)) for one in self.order[start:stop].tolist()]

    @cached_property
    def leader(self) -> Standing | None:
        return self.results.standing(self._ranked[0], 1) if self._ranked else None

    @cached_property
    def pinned(self) -> Standing | None:
        """The ranked group that the others are held against; None for the leader, also where no group or several begin
        as asked."""
        found = [one for one in self._ranked if self.results.hashes[one].startswith(self.asked)] if self.asked else []
        return self.results.standing(found[0], self._places[found[0]]) if len(found) == 1 else None

    def states_without_result(self) -> tuple[int, dict[RunState, int]]:
        """How many groups that match have no result, and their runs by state."""
        without = self.results.sizes == 0
        counted = self.results.states[without].sum(0).tolist()
        return int(without.sum()), dict(zip(STATES, counted, strict=True))

    @property
    def num_ranked(self) -> int:
        return len(self._ranked)

    @property
    def num_tied(self) -> int:
        """Of the ranked, those that cannot be told from the leader, itself among them: the best is one of them."""
        return len(self._tied)

    @property
    def gain_of_leading(self) -> float:
        """By how much the leader's mean is expected to lie too high by choice alone."""
        return gain_of_leading(self._means, self._tied)

    def judged(self, standings: Sequence[Standing]) -> dict[str, Judgement]:
        """Of the ranked ones among these, by config hash."""
        chosen = [standing.place - 1 for standing in standings if standing.place is not None]
        if not chosen:
            return {}
        against = self.pinned.place - 1 if self.pinned and self.pinned.place else 0
        ps = by_holm(self._means.ps(against), against) if self.pinned else self._against_leader
        told = {}
        for one, ranks in zip(chosen, ranks_of(self._means, chosen), strict=True):
            difference = float(self._means.values[one] - self._means.values[against])
            outcome: Outcome = "undecided" if ps[one] > ERROR else "better" if difference > 0 else "worse"
            judgement = Judgement(ranks, "baseline" if one == against else outcome, difference, float(ps[one]))
            told[self.results.hashes[self._ranked[one]]] = judgement
        return told

    @cached_property
    def _ranked(self) -> list[int]:
        ranked: list[int] = self.order[self.results.sizes[self.order] >= LEAST_SEEDS].tolist()
        return ranked

    @cached_property
    def _places(self) -> dict[int, int]:
        return {one: place for place, one in enumerate(self._ranked, start=1)}

    @cached_property
    def _means(self) -> Means:
        own = self.results
        return means_of(own.means[self._ranked], own.deviations[self._ranked], own.sizes[self._ranked], self.num_images)

    @cached_property
    def _against_leader(self) -> Floats:
        return by_bonferroni(self._means.ps(0), 0)

    @cached_property
    def _tied(self) -> list[int]:
        tied: list[int] = np.flatnonzero(self._against_leader > ERROR).tolist() if self._ranked else []
        return tied


def read_board(
    session: Session, wanted: RunFilter, *, least_seeds: int = 1, baseline: str = "", num_images: int | None = None
) -> Board:
    """Of the runs that match, which are of one dataset."""
    results = read_results(session, wanted)
    shown = np.flatnonzero(results.sizes >= max(1, least_seeds))
    best_first = np.lexsort((np.array(results.hashes, dtype=str)[shown], -results.means[shown]))
    return Board(results, shown[best_first], num_images, baseline)
