"""How long a run will take and when a queued one starts, from what finished epochs measured."""

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.queue import is_paused, next_in_line
from core.run_state import RunState
from core.tables import Progress, Run
from core.workers import live_workers

# The newest runs say best how fast this machine is now.
NUM_RUNS_MEASURED = 5


def seconds_per_epoch_expected(
    session: Session, *, architecture: str, dataset: str, batch_size: int, num_multiply_adds: int
) -> float | None:
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
        return sum(seconds or 0.0 for seconds, _ in alike) / len(alike)
    others = session.exec(measured).all()
    if not others:
        return None
    return num_multiply_adds * sum(seconds or 0.0 for seconds, _ in others) / max(1, sum(adds for _, adds in others))


def seconds_remaining(session: Session, run: Run) -> float | None:
    """Of a queued or running run, from its own epochs if it has any; None where nothing was measured."""
    per_epoch = run.seconds_per_epoch or seconds_per_epoch_expected(
        session,
        architecture=run.architecture,
        dataset=run.dataset,
        batch_size=run.config["batch_size"],
        num_multiply_adds=run.num_multiply_adds,
    )
    if per_epoch is None:
        return None
    progress = session.get(Progress, run.id)
    under_way = 0.0
    if progress is not None and progress.steps_per_epoch and progress.epoch > run.epochs_done:
        under_way = progress.step / progress.steps_per_epoch
    return max(0.0, (run.epochs - run.epochs_done - under_way) * per_epoch)


def seconds_until_start(session: Session, run: Run) -> float | None:
    """When the workers' slots reach this queued run; None while paused, held, without workers, or unmeasured."""
    num_slots = sum(worker.slots for worker in live_workers(session))
    if num_slots == 0 or run.held_at is not None or is_paused(session):
        return None
    running = session.exec(select(Run).where(Run.state == RunState.RUNNING)).all()
    waiting = list(session.exec(next_in_line()))
    ahead = [session.get_one(Run, run_id) for run_id in waiting[: waiting.index(run.id)]] if run.id in waiting else []
    remaining = [seconds_remaining(session, other) for other in running]
    if len(running) < num_slots:
        remaining += [0.0] * (num_slots - len(running))
    free_at = sorted(seconds if seconds is not None else -1.0 for seconds in remaining)[:num_slots]
    for other in ahead:
        seconds = seconds_remaining(session, other)
        if seconds is None or free_at[0] < 0:
            return None
        free_at = sorted([free_at[0] + seconds, *free_at[1:]])
    return None if free_at[0] < 0 else free_at[0]
