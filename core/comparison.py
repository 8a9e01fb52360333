"""Runs beside each other: in groups that differ in nothing but the seed, with their figures and curves.

Pure but for `compare`, which reads the epochs of all runs in one go, and `seeds_left_out`. Verdicts: verdicts.py."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean
from typing import Literal

from pydantic import JsonValue
from sqlmodel import Session, col, select

from core.config_differences import config_fields, labels_of
from core.costs import Cost, CostRange, cost_range
from core.experiments import groups_of, repeats_of
from core.report import PublishedRow, differs_from_report, published_row_of
from core.run_state import ENDED, RunState
from core.run_tables import Epoch
from core.seeds import MEASURES, EpochPoint, Measure, Seed, When
from core.spreads import Spread, spread, spreads
from core.tables import Run

LEAST_SEEDS = 3  # of each side of a verdict: two give a variance with one degree of freedom, which decides nothing


@dataclass(frozen=True)
class Group:
    """Runs that differ in nothing but the seed. `label` tells the group from the others of its comparison."""

    config_hash: str
    label: str
    fields: dict[str, JsonValue]  # of the run config, by path
    seeds: Sequence[Seed]
    published: PublishedRow | None  # of the report, where it has this network
    differs_from_report: Sequence[str]

    @property
    def run(self) -> Run:
        """Any of its runs: for what they share."""
        return self.seeds[0].run

    @property
    def runs(self) -> list[Run]:
        """Seed by seed, repeats and all."""
        return [run for seed in self.seeds for run in seed.repeats]

    @property
    def num_seeds(self) -> int:
        return len(self.seeds)

    @property
    def measured(self) -> list[Seed]:
        """The seeds with an epoch."""
        return [seed for seed in self.seeds if seed.points]

    @property
    def states(self) -> dict[str, int]:
        """How many of its runs are in each state."""
        return Counter(run.state.value for run in self.runs)

    @property
    def num_open(self) -> int:
        """How many of them have not ended."""
        return sum(run.state not in ENDED for run in self.runs)

    @property
    def best_by(self) -> Literal["validation", "test"]:
        return "validation" if self.seeds[0].has_validation else "test"

    def spread_at(self, when: When, measure: Measure) -> Spread | None:
        """Each seed at its own last or best epoch."""
        return spread(getattr(seed.at(when), measure) for seed in self.measured)

    def epochs_at(self, when: When) -> tuple[int, int] | None:
        """The first and the last of those epochs."""
        epochs = [point.epoch for seed in self.measured if (point := seed.at(when))]
        return (min(epochs), max(epochs)) if epochs else None

    @property
    def gain_of_best_epoch(self) -> float | None:
        """By how much the best test accuracy lies above its level by choice alone; None where validation chose, or
        where there are too few epochs to tell."""
        if self.best_by == "validation" or not self.measured:
            return None
        from core.statistics.choice import best_epoch

        return best_epoch([[point.test_accuracy for point in seed.points] for seed in self.measured])

    @property
    def gain_of_best_seed(self) -> float | None:
        """By how much the best seed's last test accuracy lies above their mean by choice alone; None of one."""
        told = self.spread_at("last", "test_accuracy")
        return told.gain_of_best if told and told.n > 1 else None

    def cost(self, name: Cost) -> CostRange | None:
        return cost_range(getattr(run, name) for run in self.runs)

    def curve(self, measure: Measure) -> list[tuple[int, Spread | None]]:
        """Epoch by epoch over the seeds that have that epoch; None where a loss of one was not finite."""
        rows = [seed.columns[measure] for seed in self.measured]
        epochs = [[point.epoch for point in seed.points] for seed in self.measured]
        if epochs and epochs.count(epochs[0]) == len(epochs) and not any(None in row for row in rows):
            return list(zip(epochs[0], spreads(rows), strict=True))
        by_epoch: dict[int, list[float | None]] = {}
        for own, row in zip(epochs, rows, strict=True):
            for epoch, value in zip(own, row, strict=True):
                by_epoch.setdefault(epoch, []).append(value)
        return [(epoch, spread(values)) for epoch, values in sorted(by_epoch.items())]

    def seconds_until(self) -> dict[int, float]:
        """By epoch, where it ends on an axis of seconds: of each epoch the mean over the seeds that have it, added up.

        So it never runs backwards, as the mean of sums would where a slow seed ends early."""
        by_epoch: dict[int, list[float]] = {}
        for seed in self.seeds:
            for point in seed.points:
                by_epoch.setdefault(point.epoch, []).append(point.seconds)
        epochs = sorted(by_epoch)
        return dict(zip(epochs, accumulate(fmean(by_epoch[epoch]) for epoch in epochs), strict=True))


@dataclass(frozen=True)
class Comparison:
    groups: Sequence[Group]

    @property
    def runs(self) -> list[Run]:
        return [run for group in self.groups for run in group.runs]

    @property
    def num_epochs(self) -> int:
        """Where the longest curve ends, or will."""
        lengths = [run.epochs_done if run.state in ENDED else run.epochs for run in self.runs]
        return max(1, *lengths) if lengths else 1

    @property
    def has_gaps(self) -> bool:
        """Whether a loss was not finite."""
        points = (point for group in self.groups for seed in group.seeds for point in seed.points)
        return any(point.train_loss is None or point.test_loss is None for point in points)


def compare(session: Session, runs: Sequence[Run]) -> Comparison:
    """The runs in groups, in the order in which each group begins."""
    points = _points_of(session, [run.id for run in runs if run.id is not None])
    groups = groups_of(runs)
    configs = [config_fields(members[0]) for members in groups.values()]
    labels = labels_of(configs)
    told = []
    for (config_hash, members), fields, label in zip(groups.items(), configs, labels, strict=True):
        seeds = [_seed(repeats, points) for repeats in repeats_of(members)]
        published = published_row_of(members[0])
        unlike = differs_from_report(members[0]) if published else []
        label = label if labels.count(label) == 1 else f"{label}, {config_hash[:6]}"
        told.append(Group(config_hash, label, fields, seeds, published, unlike))
    return Comparison(told)


def seeds_left_out(session: Session, groups: Sequence[Group]) -> dict[str, int]:
    """By config hash, of how many further seeds a run has completed or may: they were not chosen, or are in the bin."""
    own = {group.config_hash: {seed.run.seed for seed in group.seeds} for group in groups}
    has_result = col(Run.config_hash).in_(own), col(Run.state).not_in([RunState.FAILED, RunState.CANCELLED])
    rows = session.exec(select(Run.config_hash, Run.seed).where(*has_result).distinct())
    return Counter(config_hash for config_hash, seed in rows if seed not in own[config_hash])


def _seed(repeats: list[Run], points: dict[int, list[EpochPoint]]) -> Seed:
    """Its result is that of the first run that completed, else of the one that came furthest."""
    run = max(repeats, key=lambda run: math.inf if run.state is RunState.COMPLETED else run.epochs_done)
    return Seed(run, points.get(run.id or 0, []), repeats)


def _points_of(session: Session, run_ids: Sequence[int]) -> dict[int, list[EpochPoint]]:
    columns = [Epoch.run_id, Epoch.epoch, *(getattr(Epoch, name) for name in MEASURES), Epoch.seconds]
    asked = select(*columns).where(col(Epoch.run_id).in_(run_ids)).order_by(col(Epoch.run_id), col(Epoch.epoch))
    points: dict[int, list[EpochPoint]] = {}
    # Past SQLAlchemy's rows, which take longer for fifty thousand epochs than SQLite.
    for row in session.connection().execute(asked).cursor.fetchall():
        points.setdefault(row[0], []).append(EpochPoint._make(row[1:]))
    return points
