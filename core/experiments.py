"""Experiments: launched from a plan, and as they stand; groups of runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import exists, func
from sqlmodel import Session, col, select

from core.events import record_event
from core.experiment_plan import ExperimentPlan
from core.idempotency import once
from core.queue import enqueue
from core.run_config import MAX_NAME_LENGTH, ResolvedRun
from core.run_state import ENDED, RunState
from core.sources import settle_plan
from core.tables import Experiment, Run

# For each experiment one look into an index, instead of a list of the experiments of all runs.
_HAS_RUNS = exists().where(col(Run.experiment_id) == Experiment.id, col(Run.deleted_at).is_(None))


class ExperimentNotFound(LookupError):
    """No experiment has this id, or the last of its runs was purged."""

    def __init__(self, experiment_id: int) -> None:
        super().__init__(f"There is no experiment {experiment_id}.")
        self.experiment_id = experiment_id


def launch_experiment(session: Session, plan: ExperimentPlan) -> Experiment:
    """Adds the experiment and all of its runs to the queue, their source settled; raises InvalidRunConfig."""
    plan = settle_plan(session, plan)
    experiment = Experiment(
        name=plan.name, base=plan.base, grid=plan.grid, seeds=list(plan.seeds), repeats=plan.repeats,
        created_at=datetime.now(UTC),
    )  # fmt: skip
    session.add(experiment)
    session.flush()
    for repeat in range(1, (plan.repeats or 1) + 1):
        for resolved in plan.runs:
            enqueue_in(session, experiment, resolved, repeat)
    record_event(session, "experiment", experiment=experiment.id, name=experiment.name, ended=False)
    return experiment


def enqueue_in(session: Session, experiment: Experiment | None, resolved: ResolvedRun, repeat: int) -> Run:
    """Adds a run of the experiment, or of none; of a benchmark the how-manieth of this config and seed."""
    run = enqueue(session, resolved, experiment.id if experiment else None)
    if experiment is not None and experiment.repeats is not None:
        run.repeat, run.name = repeat, f"{run.name[: MAX_NAME_LENGTH - 11]}, repeat {repeat}"
    return run


def launch_experiment_once(session: Session, plan: ExperimentPlan, key: str) -> tuple[Experiment, bool]:
    """The experiment, and whether this call made it; raises KeyReused, InvalidRunConfig, ExperimentNotFound."""

    def make() -> int:
        experiment = launch_experiment(session, plan)
        assert experiment.id is not None
        return experiment.id

    repeats = [] if plan.repeats is None else [plan.repeats]
    asked = json.dumps([plan.name, plan.base, plan.grid, plan.seeds, *repeats], sort_keys=True)
    experiment_id, is_new = once(session, key, asked, make)
    return experiment_by_id(session, experiment_id), is_new


@dataclass(frozen=True)
class ExperimentSummary:
    """An experiment and how its runs stand, the bin apart. `ended_at` is None while a run is open."""

    experiment: Experiment
    num_runs: dict[RunState, int]
    num_groups: int
    epochs: int  # of all runs together
    epochs_done: int
    ended_at: datetime | None


def experiment_by_id(session: Session, experiment_id: int) -> Experiment:
    """Raises ExperimentNotFound."""
    experiment = session.get(Experiment, experiment_id)
    if experiment is None:
        raise ExperimentNotFound(experiment_id)
    return experiment


def runs_of_experiment(session: Session, experiment_id: int) -> list[Run]:
    """Its runs that are not in the bin, in the order of launch; raises ExperimentNotFound."""
    experiment_by_id(session, experiment_id)
    own = select(Run).where(Run.experiment_id == experiment_id, col(Run.deleted_at).is_(None))
    return list(session.exec(own.order_by(col(Run.id))))


def list_experiments(session: Session, *, limit: int = 50, before: int | None = None) -> list[ExperimentSummary]:
    """The newest first, those with an id below `before`; one whose runs are all in the bin is not listed."""
    newest = select(Experiment).where(_HAS_RUNS).order_by(col(Experiment.id).desc())
    if before is not None:
        newest = newest.where(col(Experiment.id) < before)
    return summaries(session, list(session.exec(newest.limit(limit))))


def experiment_names(session: Session) -> dict[int, str]:
    """Names by id, the newest first, of the experiments that have a run out of the bin."""
    named = select(Experiment.id, Experiment.name).where(_HAS_RUNS)
    rows = session.exec(named.order_by(col(Experiment.id).desc()))
    return {experiment_id: name for experiment_id, name in rows if experiment_id is not None}


def summaries(session: Session, experiments: Sequence[Experiment]) -> list[ExperimentSummary]:
    """One summary for each experiment, in their order."""
    ids = [experiment.id for experiment in experiments]
    totals = (
        select(  # type: ignore[call-overload]  # SQLModel's select knows four columns at most
            Run.experiment_id, Run.state, func.count(), func.sum(Run.epochs), func.sum(Run.epochs_done),
            func.max(Run.ended_at),
        )
        .where(col(Run.experiment_id).in_(ids), col(Run.deleted_at).is_(None))
        .group_by(Run.experiment_id, Run.state)
    )  # fmt: skip
    by_id: dict[int | None, list[Any]] = {experiment_id: [] for experiment_id in ids}  # Any: rows of six types
    for experiment_id, *row in session.exec(totals):
        by_id[experiment_id].append(row)
    num_groups = dict(
        session.exec(
            select(Run.experiment_id, func.count(func.distinct(Run.config_hash)))
            .where(col(Run.experiment_id).in_(ids), col(Run.deleted_at).is_(None))
            .group_by(col(Run.experiment_id))
        ).all()
    )
    return [_summary(experiment, by_id[experiment.id], num_groups.get(experiment.id, 0)) for experiment in experiments]


def _summary(experiment: Experiment, rows: Sequence[Any], num_groups: int) -> ExperimentSummary:
    """From (state, runs, epochs, epochs done, last end) of each state."""
    is_open = any(state not in ENDED for state, *_ in rows)
    return ExperimentSummary(
        experiment=experiment,
        num_runs=dict.fromkeys(RunState, 0) | {RunState(state): count for state, count, *_ in rows},
        num_groups=num_groups,
        epochs=sum(epochs for _, _, epochs, _, _ in rows),
        epochs_done=sum(done for _, _, _, done, _ in rows),
        ended_at=None if is_open else max((end for *_, end in rows if end is not None), default=None),
    )


def groups_of(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs that differ in nothing but the seed, by config hash, in the order in which each group begins."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.config_hash, []).append(run)
    return groups


def repeats_of(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs of one config by their seed, each seed's in the order of launch."""
    by_seed: dict[int, list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run.seed, run.id)):
        by_seed.setdefault(run.seed, []).append(run)
    return list(by_seed.values())


def varied_of(experiment: Experiment, run: Run) -> dict[str, JsonValue]:
    """What the experiment varies, by its path in the grid, and the value that this run has; what means nothing beside
    the run's other choices is left out."""
    varied: dict[str, JsonValue] = {}
    for path in experiment.grid:
        value = run.config
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            varied[path] = value
    return varied
