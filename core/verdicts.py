"""Verdicts: each group of a comparison against a baseline, at the epoch whose weights were kept, which is the last or
the best by validation, never the best by test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from core.comparison import LEAST_SEEDS, Group
from core.marks import Marks
from core.predictions import PredictionsMissing
from core.run_state import ENDED, RunState
from core.spreads import Interval
from core.statistics.bounded import bounded_difference
from core.statistics.crossed import Difference, paired_difference, unpaired_difference
from core.statistics.pairs import Disagreement, disagreement
from core.statistics.power import least_decidable, seeds_to_decide
from core.statistics.ranks import RankTest, rank_sums, signed_ranks
from core.statistics.several import ERROR, Share, shared

Outcome = Literal["better", "worse", "undecided", "waiting", "too few seeds", "other images"]
LEAST_IMAGES = 2  # of one nobody knows how much another would differ
NOT_SHARED = Share(1.0, ERROR)
MarksOfRuns = Mapping[int, Marks | PredictionsMissing]


@dataclass(frozen=True)
class Side:
    """A group's seeds that can be judged: those with a completed run. `num_left_out`: further seeds of its config that
    have a result or may come to one, and are not compared."""

    group: Group
    marks: MarksOfRuns
    num_left_out: int = 0

    @cached_property
    def accuracies(self) -> dict[int, float]:
        """By seed, of the kept epoch."""
        completed = (seed.run for seed in self.group.seeds if seed.run.state is RunState.COMPLETED)
        return {run.seed: run.test_accuracy for run in completed if run.test_accuracy is not None}

    @cached_property
    def missing(self) -> list[PredictionsMissing]:
        """Why runs have no marks."""
        told = (self.marks[run_id] for run_id in self._run_ids)
        return [marks for marks in told if isinstance(marks, PredictionsMissing)]

    @cached_property
    def stacked(self) -> Marks:
        """(seeds, images), in the order of `accuracies`."""
        told = (self.marks[run_id] for run_id in self._run_ids)
        return np.stack([marks for marks in told if not isinstance(marks, PredictionsMissing)])

    @property
    def num_open(self) -> int:
        return sum(seed.run.state not in ENDED for seed in self.group.seeds)

    @property
    def num_lost(self) -> int:
        """Seeds whose runs failed or were cancelled."""
        return len(self.group.seeds) - self.num_open - len(self.accuracies)

    @property
    def _run_ids(self) -> list[int]:
        return [seed.run.id or 0 for seed in self.group.seeds if seed.run.seed in self.accuracies]


@dataclass(frozen=True)
class Judged:
    """A difference, the rank test beside it, and, once all of a comparison are known, its share of the error."""

    difference: Difference
    ranks: RankTest
    is_bounded: bool  # the images' noise is a bound, for want of predictions
    share: Share = NOT_SHARED

    @property
    def interval(self) -> Interval:
        """Leaves zero out exactly where a winner is named."""
        return self.difference.both.interval(1 - self.share.part).within(-1.0, 1.0)

    @property
    def least_decidable(self) -> float:
        return least_decidable(self.difference, self.share.part / 2)


@dataclass(frozen=True)
class Verdict:
    """Of `side` against `baseline`. `more`: as many more seeds of each as would decide, where a number is known."""

    side: Side
    baseline: Side
    look: int
    outcome: Outcome
    judged: Judged | None = None
    networks: Disagreement | None = None  # where each side is one trained network
    more: int | None = None


def verdicts(
    baseline: Group, others: Sequence[Group], marks: MarksOfRuns, num_images: int | None, looks: Mapping[str, int],
    left_out: Mapping[str, int],
) -> list[Verdict]:  # fmt: skip
    """By config hash, `looks`: the how-manieth this is; `left_out`: `num_left_out` of each side. All that are judged
    share the error."""
    base, *sides = [Side(group, marks, left_out.get(group.config_hash, 0)) for group in (baseline, *others)]
    told = [_before_sharing(side, base, num_images, looks[side.group.config_hash]) for side in sides]
    judged = [verdict for verdict in told if verdict.judged]
    ps = [verdict.judged.difference.both.p for verdict in judged if verdict.judged]
    shares = iter(shared(ps, [verdict.look for verdict in judged]))
    return [_decided(verdict, next(shares)) if verdict.judged else verdict for verdict in told]


def _before_sharing(side: Side, baseline: Side, num_images: int | None, look: int) -> Verdict:
    verdict = Verdict(side, baseline, look, "undecided")
    if side.group.run.dataset != baseline.group.run.dataset or num_images is None or num_images < LEAST_IMAGES:
        return replace(verdict, outcome="other images")
    if side.num_open or baseline.num_open:
        return replace(verdict, outcome="waiting")
    fewest = min(len(side.accuracies), len(baseline.accuracies))
    if fewest < LEAST_SEEDS:
        return replace(
            verdict, outcome="too few seeds", networks=_networks(side, baseline), more=LEAST_SEEDS - fewest
        )  # fmt: skip
    return replace(verdict, judged=_judged(side, baseline, num_images))


def _networks(side: Side, baseline: Side) -> Disagreement | None:
    """A statement about two trained networks, where there are just these."""
    is_one_each = len(side.accuracies) == len(baseline.accuracies) == 1
    if not is_one_each or side.missing or baseline.missing:
        return None
    return disagreement(side.stacked[0], baseline.stacked[0])


def _judged(side: Side, baseline: Side, num_images: int) -> Judged:
    """Equal seed sets are pairs: a seed decides order, initialisation and augmentation on both sides."""
    is_paired = side.accuracies.keys() == baseline.accuracies.keys()
    own, theirs = (list(one.accuracies.values()) for one in (side, baseline))
    ranks = signed_ranks(np.subtract(own, theirs).round(12).tolist()) if is_paired else rank_sums(own, theirs)
    if side.missing or baseline.missing:
        return Judged(bounded_difference(own, theirs, num_images, is_paired=is_paired), ranks, is_bounded=True)
    compare = paired_difference if is_paired else unpaired_difference
    return Judged(compare(side.stacked, baseline.stacked), ranks, is_bounded=False)


def _decided(verdict: Verdict, share: Share) -> Verdict:
    assert verdict.judged
    judged = replace(verdict.judged, share=share)
    if share.p <= ERROR:
        return replace(verdict, judged=judged, outcome="better" if judged.difference.both.value > 0 else "worse")
    return replace(verdict, judged=judged, more=seeds_to_decide(judged.difference, share.part / 2))
