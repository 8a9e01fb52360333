"""What the seeds of each group of runs came to: out of one index by one query, and in arrays but for a page's groups.

A seed counts once, by its first completed run, at the epoch whose weights were kept: the last, or the best by
validation, never the best by test."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func
from sqlmodel import Session, col, select

from core.run_state import RunState
from core.runs import RunFilter, matching
from core.spreads import Spread, spread
from core.tables import Run

STATES = tuple(RunState)
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class SeedResult(NamedTuple):
    seed: int
    run_id: int
    accuracy: float


@dataclass(frozen=True)
class Standing:
    """A group on the board. `place` counts from 1; None with fewer than LEAST_SEEDS seeds, which rank nothing."""

    config_hash: str
    place: int | None
    seeds: Sequence[SeedResult]
    states: Mapping[RunState, int]  # of all its runs that match

    @cached_property
    def accuracy(self) -> Spread:
        told = spread(seed.accuracy for seed in self.seeds)
        assert told, "a group without a result is not on the board"
        return told


@dataclass(frozen=True)
class Results:
    """Of each group (G,): its config hash, how many seeds have a result, their mean and s, its runs by state (G, 5),
    and where its part of the last three begins, which are of each seed with a result."""

    hashes: Sequence[str]
    sizes: Ints
    means: Floats
    deviations: Floats
    states: Ints
    starts: Ints
    seeds: Ints
    run_ids: Ints
    accuracies: Floats

    def standing(self, one: int, place: int | None) -> Standing:
        own = slice(self.starts[one], self.starts[one] + self.sizes[one])
        columns = (values[own].tolist() for values in (self.seeds, self.run_ids, self.accuracies))
        seeds = [SeedResult(*told) for told in zip(*columns, strict=True)]
        states = dict(zip(STATES, self.states[one].tolist(), strict=True))
        return Standing(self.hashes[one], place, seeds, states)


def read_results(session: Session, wanted: RunFilter) -> Results:
    """One row of five lists: ten thousand rows of their own would take three times as long, half of it the garbage
    collector's."""
    columns = (Run.config_hash, Run.seed, Run.id, Run.state, func.coalesce(Run.test_accuracy, -1.0))
    lists = session.exec(select(*map(func.json_group_array, columns)).where(*matching(wanted))).one()
    hashes, *rest = map(json.loads, lists)
    seeds, run_ids, states, accuracies = map(np.array, rest)
    codes: dict[str, int] = {}
    groups = np.array([codes.setdefault(config_hash, len(codes)) for config_hash in hashes], np.int64)
    by_state = [np.bincount(groups[states == state.name], minlength=len(codes)) for state in STATES]
    order = np.lexsort((run_ids, seeds, groups))
    order = order[(states[order] == RunState.COMPLETED.name) & (accuracies[order] >= 0)]
    pairs = np.stack([groups[order], seeds[order]])
    order = order[np.concatenate([[True], (pairs[:, 1:] != pairs[:, :-1]).any(0)])[: len(order)]]  # a seed's first
    own, values = groups[order], accuracies[order]
    sizes = np.bincount(own, minlength=len(codes))
    means = np.bincount(own, values, len(codes)) / np.maximum(sizes, 1)
    squares = np.bincount(own, (values - means[own]) ** 2, len(codes))
    return Results(
        hashes=list(codes), sizes=sizes, means=means, deviations=np.sqrt(squares / np.maximum(sizes - 1, 1)),
        states=np.stack(by_state, 1), starts=np.cumsum(sizes) - sizes,
        seeds=seeds[order], run_ids=run_ids[order], accuracies=values,
    )  # fmt: skip


def datasets_with_results(session: Session) -> list[str]:
    """The one with most completed runs first."""
    has_result = Run.state == RunState.COMPLETED, col(Run.deleted_at).is_(None)
    rows = session.exec(select(Run.dataset, func.count()).where(*has_result).group_by(Run.dataset)).all()
    return [dataset for dataset, _ in sorted(rows, key=lambda row: (-row[1], row[0]))]
