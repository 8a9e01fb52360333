"""How long a run will take and when a queued one starts, from what finished epochs measured."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapreplace
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.experiment_plan import ExperimentPlan
from core.queue_order import in_stacks, is_paused, next_in_line
from core.run_config import ResolvedRun
from core.run_state import RunState
from core.run_tables import Progress
from core.stacking import stack_key
from core.tables import Run
from core.workers import live_workers, most_in_stack

# The newest runs say best how fast this machine is now.
NUM_RUNS_MEASURED = 5
# Of each run that waits, who may be a thousand: rows of these take a tenth of the time of whole runs.
OF_A_WAITING_RUN: tuple[Any, ...] = (
    Run.id, Run.architecture, Run.dataset, func.json_extract(Run.config, "$.batch_size").label("batch_size"),
    Run.num_multiply_adds, Run.seconds_per_epoch, Run.epochs, Run.epochs_done, Run.repeat,
    Run.reproduces_id, Run.stack_key, Run.crashes, Run.environment,
)  # fmt: skip


@dataclass(frozen=True)
class EpochEstimate:
    """Seconds an epoch will take, and from how many runs that is known; not alike: scaled from other networks."""

    seconds: float
    num_runs: int
    is_alike: bool


def expected_epoch(
    session: Session, *, architecture: str, dataset: str, batch_size: int, num_multiply_adds: int
) -> EpochEstimate | None:
    """Mean of the newest like runs (architecture, dataset, batch size), else of runs on the dataset in proportion to
    their multiply-adds; None where nothing was measured."""
    measured = (
        select(Run.seconds_per_epoch, Run.num_multiply_adds)
        .where(Run.dataset == dataset, col(Run.seconds_per_epoch).is_not(None))
        .order_by(col(Run.id).desc())
        .limit(NUM_RUNS_MEASURED)
    )
    alike = session.exec(
        measured.where(
            Run.architecture == architecture,
            Run.num_multiply_adds == num_multiply_adds,
            func.json_extract(Run.config, "$.batch_size") == batch_size,
        )
    ).all()
    if alike:
        return EpochEstimate(sum(seconds or 0.0 for seconds, _ in alike) / len(alike), len(alike), is_alike=True)
    others = session.exec(measured).all()
    if not others:
        return None
    seconds_per_multiply_add = sum(seconds or 0.0 for seconds, _ in others) / max(1, sum(adds for _, adds in others))
    return EpochEstimate(num_multiply_adds * seconds_per_multiply_add, len(others), is_alike=False)


def seconds_remaining(session: Session, run: Run) -> float | None:
    """Of a queued or running run, from its own epochs if it has any; None where nothing was measured."""
    per_epoch = run.seconds_per_epoch
    if per_epoch is None:
        expected = expected_epoch(
            session,
            architecture=run.architecture,
            dataset=run.dataset,
            batch_size=run.config["batch_size"],
            num_multiply_adds=run.num_multiply_adds,
        )
        if expected is None:
            return None
        per_epoch = expected.seconds
    progress = session.get(Progress, run.id)
    under_way = 0.0
    if progress is not None and progress.steps_per_epoch and progress.epoch > run.epochs_done:
        under_way = progress.step / progress.steps_per_epoch
    return max(0.0, (run.epochs - run.epochs_done - under_way) * per_epoch)


def seconds_until_start(session: Session, run: Run) -> float | None:
    """When the workers' slots reach this queued run; None while paused, held, without workers, or unmeasured."""
    return seconds_until_starts(session).get(run.id)


def seconds_until_starts(session: Session) -> dict[int | None, float | None]:
    """The same of every run in line, by id; a run whose own length is unmeasured keeps its slot for ever."""
    return {run_id: start if math.isfinite(start) else None for run_id, (start, _) in _line(session).items()}


def seconds_until_end(session: Session, runs: Sequence[Run]) -> float | None:
    """When the last open one of these runs ends; None where one has no end in sight: held, paused, unmeasured."""
    line = _line(session)
    ends = [0.0]
    for run in runs:
        if run.state is RunState.QUEUED:
            ends.append(line.get(run.id, (0.0, math.inf))[1])
        elif run.state is RunState.RUNNING:
            remaining = seconds_remaining(session, run)
            ends.append(math.inf if remaining is None else remaining)
    return max(ends) if math.isfinite(max(ends)) else None


def seconds_of_launch(session: Session, plan: ExperimentPlan) -> float | None:
    """From the first start to the last end of runs that are not launched yet, on the slots there are now (on one, where
    no worker is, and of a benchmark); None where one of their networks is unmeasured."""
    per_epoch: dict[str, float | None] = {}
    workers = live_workers(session) if plan.repeats is None else []
    free_at, most = [0.0] * max(1, sum(worker.slots for worker in workers)), most_in_stack(workers)
    alike = Counter[str]()
    for run in plan.runs * (plan.repeats or 1):
        if most > 1 and run.config.source is None:
            key = stack_key(run.config, run.layers)
            alike[key] += 1
            if alike[key] % most != 1:
                continue  # trained together with one before it
        if run.config_hash not in per_epoch:
            expected = expected_epoch_of(session, run)
            per_epoch[run.config_hash] = None if expected is None else expected.seconds
        seconds = per_epoch[run.config_hash]
        if seconds is None:
            return None
        heapreplace(free_at, free_at[0] + seconds * run.config.epochs)
    return max(free_at)


def expected_epoch_of(session: Session, run: ResolvedRun) -> EpochEstimate | None:
    return expected_epoch(
        session,
        architecture=run.config.architecture.name,
        dataset=run.config.dataset,
        batch_size=run.config.batch_size,
        num_multiply_adds=run.num_multiply_adds,
    )


def _line(session: Session) -> dict[int | None, tuple[float, float]]:
    """Seconds until start and end of every run in line, by id, infinite where unknown."""
    workers = live_workers(session)
    num_slots = sum(worker.slots for worker in workers)
    if num_slots == 0 or is_paused(session):
        return {}
    known: dict[tuple[object, ...], float] = {}  # queued runs that are alike take alike: looked up once

    def seconds_busy(run: Run) -> float:
        remaining = seconds_remaining(session, run)
        return math.inf if remaining is None else remaining

    running = session.exec(select(Run).where(Run.state == RunState.RUNNING)).all()
    taken: dict[int | None, float] = {}  # by the first run of a stack, which takes one slot
    for run in running:
        first = run.stack_first or run.id
        taken[first] = max(seconds_busy(run), taken.get(first, 0.0))
    free_at = sorted([*taken.values(), *[0.0] * (num_slots - len(taken))])[-num_slots:]
    waiting: list[Any] = list(session.execute(next_in_line().with_only_columns(*OF_A_WAITING_RUN)))
    line: dict[int | None, tuple[float, float]] = {}
    if any(run.repeat is not None for run in running):  # nothing starts beside it
        free_at = [max(free_at)] * num_slots
    for stack in in_stacks(waiting, most_in_stack(workers)):
        run = stack[0]
        network = (run.architecture, run.num_multiply_adds)
        kind = (*network, run.dataset, run.batch_size, run.seconds_per_epoch, run.epochs - run.epochs_done)  # type: ignore[attr-defined]
        if kind not in known:
            known[kind] = seconds_busy(session.get_one(Run, run.id))
        start = free_at[0] if run.repeat is None else max(free_at)
        end = start + known[kind]
        line |= {member.id: (start, end) for member in stack}
        if run.repeat is None:
            heapreplace(free_at, end)
        else:
            free_at = [end] * num_slots
    return line
