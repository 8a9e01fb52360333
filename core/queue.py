"""The queue: every move of a run between states, each one guarded update. The only writer of Run.state.

A move of a worker matches run, worker, attempt and state; where no row matches, the lease is lost (LeaseLost) and the
loser stops its child. A move of a user matches run and state; where none matches, it is an IllegalMove.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from core.benchmark_mode import may_start
from core.conditions import note_runs_beside
from core.epoch_answers import thin_answers
from core.events import record_event, tell_who_follows
from core.lease import Lease, check_owned, owned_by, owned_run
from core.new_runs import new_run
from core.queue_order import is_paused, next_in_line, stackable_with, stops_running
from core.run_config import ResolvedRun
from core.run_state import ENDED, LEGAL_MOVES, IllegalMove, LeaseLost, RunState
from core.run_tables import LogLine, Progress
from core.runs import run_by_id
from core.tables import Run, Worker

# A run whose trainer dies this often with no new epoch between the deaths will not get further (design, promise 1).
MAX_CRASHES = 3


# --- moves of a user -------------------------------------------------------------------------------------------------


def enqueue(session: Session, resolved: ResolvedRun, experiment_id: int | None = None) -> Run:
    """Adds a queued run, of an experiment or alone; it has its id when this returns."""
    run = new_run(resolved, experiment_id)
    session.add(run)
    session.flush()
    record_event(session, "state", run.id, state=RunState.QUEUED)
    return run


def cancel(session: Session, run_id: int) -> Run:
    """A queued run is cancelled at once; a running one gets the wish, obeyed at its next progress report."""
    run = run_by_id(session, run_id)
    if run.state is RunState.QUEUED:
        _move(session, run_id, {RunState.QUEUED}, RunState.CANCELLED, ended_at=datetime.now(UTC), held_at=None)
    elif run.state is RunState.RUNNING:
        run.cancel_requested_at = run.cancel_requested_at or datetime.now(UTC)
        record_event(session, "changed", run_id, cancel_requested=True)
    else:
        raise IllegalMove(run_id, run.state, "cancelled")
    return _refreshed(session, run)


def requeue(session: Session, run_id: int) -> Run:
    """Puts a failed or cancelled run back into the queue; it resumes at its last checkpoint."""
    run = run_by_id(session, run_id)
    if RunState.QUEUED not in LEGAL_MOVES[run.state] or run.state is RunState.RUNNING:
        raise IllegalMove(run_id, run.state, "requeued")
    if run.deleted_at is not None:
        raise IllegalMove(run_id, run.state, "requeued while it is in the bin")
    _move(
        session, run_id, {run.state}, RunState.QUEUED,
        ended_at=None, failure_reason=None, failure_suggestion=None, suggested_dataset=None,
        cancel_requested_at=None, crashes=0, worker_id=None,
    )  # fmt: skip
    return _refreshed(session, run)


def hold(session: Session, run_id: int, held: bool) -> Run:
    """Holds a queued run or releases it. Holding a running run returns it to the queue, held, at its next report."""
    run = run_by_id(session, run_id)
    if run.state in ENDED:
        raise IllegalMove(run_id, run.state, "held" if held else "released")
    run.held_at = (run.held_at or datetime.now(UTC)) if held else None
    record_event(session, "changed", run_id, held=held)
    return run


# --- moves of a worker -----------------------------------------------------------------------------------------------


def claim_oldest(session: Session, worker_id: int) -> Run | None:
    """The first run in line becomes this worker's next attempt.

    None where nothing waits or may start now (paused, benchmark), or the worker was judged dead: nobody would take the
    run back.
    """
    worker = session.get(Worker, worker_id)
    if worker is None or worker.ended_at is not None or is_paused(session) or not may_start(session):
        return None
    return next(iter(_claim(session, next_in_line().limit(1), worker_id)), None)


def claim_beside(session: Session, first: Run, most: int) -> list[Run]:
    """Those next in line that can be trained as one stack with a run just claimed become attempts of its worker too."""
    beside = _claim(session, stackable_with(first).limit(most), first.worker_id, stack_first=first.id)
    if beside:
        first.stack_first = first.id
    return beside


def _claim(session: Session, ids: Any, worker_id: int | None, stack_first: int | None = None) -> list[Run]:
    claimed = session.exec(
        update(Run)
        .where(col(Run.id).in_(ids))
        .values(
            state=RunState.RUNNING, attempt=col(Run.attempt) + 1, worker_id=worker_id, ended_at=None,
            stack_first=stack_first, started_at=func.coalesce(Run.started_at, datetime.now(UTC)),
        )
        .returning(col(Run.id))
    ).all()  # fmt: skip
    note_runs_beside(session)
    runs = [session.get_one(Run, run_id, populate_existing=True) for (run_id,) in sorted(claimed)]
    for run in runs:
        record_event(session, "state", run.id, state=RunState.RUNNING, attempt=run.attempt)
    return runs


def complete(session: Session, lease: Lease) -> None:
    _leave(session, lease, RunState.COMPLETED, ended_at=datetime.now(UTC), held_at=None)
    thin_answers(session, lease.run_id)


def fail(session: Session, lease: Lease, reason: str, suggestion: str, suggested_dataset: str | None = None) -> None:
    """Ends the run as failed, with what happened and what the user can do."""
    _leave(
        session, lease, RunState.FAILED, ended_at=datetime.now(UTC), held_at=None,
        failure_reason=reason, failure_suggestion=suggestion, suggested_dataset=suggested_dataset,
    )  # fmt: skip


def hand_back(session: Session, lease: Lease) -> RunState:
    """Gives the run back at a lost lease, a graceful stop, a pause or a cancel; tells where it went."""
    run = owned_run(session, lease)
    if run.cancel_requested_at is not None:
        _leave(session, lease, RunState.CANCELLED, ended_at=datetime.now(UTC), held_at=None)
        return RunState.CANCELLED
    _leave(session, lease, RunState.QUEUED)
    return RunState.QUEUED


def crash(session: Session, lease: Lease, reason: str, suggestion: str) -> RunState:
    """Records the death of the trainer: back to the queue, or failed after three with no new epoch between them."""
    run = owned_run(session, lease)
    run.crashes += 1
    add_log_line(session, lease, reason)
    session.flush()
    if run.crashes < MAX_CRASHES or run.cancel_requested_at is not None:
        return hand_back(session, lease)
    fail(session, lease, f"{reason} This was the {run.crashes}rd time without a new epoch.", suggestion)
    return RunState.FAILED


def stop_wanted(session: Session, lease: Lease) -> bool:
    """Whether the user wishes this attempt to stop (cancel, pause, or the queue paused with its running runs); raises
    LeaseLost where it is not ours."""
    wishes = session.exec(select(Run.cancel_requested_at, Run.held_at).where(*owned_by(lease))).first()
    if wishes is None:
        raise LeaseLost(lease.run_id, lease.attempt)
    return any(wished_at is not None for wished_at in wishes) or stops_running(session)


def add_log_line(session: Session, lease: Lease, line: str) -> None:
    """Raises LeaseLost."""
    check_owned(session, lease)
    session.add(LogLine(run_id=lease.run_id, attempt=lease.attempt, line=line[:2000], recorded_at=datetime.now(UTC)))


# --- how a move is made ----------------------------------------------------------------------------------------------


def _move(session: Session, run_id: int, from_states: set[RunState], to: RunState, **values: Any) -> None:
    """One guarded update, not seen in a loaded run yet; raises IllegalMove where it is in none of `from_states`."""
    assert all(to in LEGAL_MOVES[state] for state in from_states)
    session.flush()
    guarded = update(Run).where(col(Run.id) == run_id, col(Run.state).in_(from_states)).values(state=to, **values)
    # The caller refreshes the run; otherwise every run in the session is looked at, at each of a thousand moves.
    moved = session.exec(guarded.execution_options(synchronize_session=False))
    if moved.rowcount == 0:
        raise IllegalMove(run_id, run_by_id(session, run_id).state, to.value)
    record_event(session, "state", run_id, state=to)
    tell_who_follows(session, run_id, to)


def _leave(session: Session, lease: Lease, to: RunState, **values: Any) -> None:
    """Ends this worker's attempt; raises LeaseLost where it was another's already."""
    assert to in LEGAL_MOVES[RunState.RUNNING]
    session.flush()
    moved = session.exec(update(Run).where(*owned_by(lease)).values(state=to, worker_id=None, **values))
    if moved.rowcount == 0:
        raise LeaseLost(lease.run_id, lease.attempt)
    progress = session.get(Progress, lease.run_id)
    if progress is not None:
        session.delete(progress)
    record_event(session, "state", lease.run_id, state=to)
    tell_who_follows(session, lease.run_id, to)


def _refreshed(session: Session, run: Run) -> Run:
    session.flush()
    session.refresh(run)
    return run
