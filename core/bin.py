"""The bin: a deleted run stays there for 30 days, whole, and can be had back. Purged, it is gone with its files."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from core import queue
from core.database import Database
from core.events import record_event
from core.run_files import folder_of_run
from core.run_state import IllegalMove, RunState
from core.runs import run_by_id
from core.tables import Event, Experiment, Run

KEPT_FOR = timedelta(days=30)
AT_ONCE = 500  # runs purged in one transaction: 0.3 s at 50 epochs each, while others wait to write


def move_to_bin(session: Session, run_id: int) -> Run:
    """A queued run is cancelled first; a running one must be cancelled by the user. Raises RunNotFound, IllegalMove."""
    run = run_by_id(session, run_id)
    if run.state is RunState.RUNNING:
        raise IllegalMove(run_id, run.state, "deleted before it is cancelled")
    if run.state is RunState.QUEUED:
        queue.cancel(session, run_id)
    if run.deleted_at is None:
        run.deleted_at = datetime.now(UTC)
        record_event(session, "deleted", run_id)
    return run


def restore(session: Session, run_id: int) -> Run:
    """Out of the bin, in the state in which it was deleted (a queued one: cancelled). Raises RunNotFound."""
    run = run_by_id(session, run_id)
    if run.deleted_at is not None:
        run.deleted_at = None
        record_event(session, "changed", run_id, restored=True)
    return run


def runs_in_bin(session: Session, *, limit: int | None = None) -> list[Run]:
    """The newest deleted first."""
    deleted = select(Run).where(col(Run.deleted_at).is_not(None))
    return list(session.exec(deleted.order_by(col(Run.deleted_at).desc(), col(Run.id).desc()).limit(limit)))


def count_in_bin(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Run).where(col(Run.deleted_at).is_not(None))).one()


def goes_at(run: Run) -> datetime:
    """When a run in the bin goes for good."""
    assert run.deleted_at is not None
    return run.deleted_at + KEPT_FOR


def purge_run(database: Database, runs_dir: Path, run_id: int) -> None:
    """One run, for good; raises RunNotFound, and IllegalMove where it is not in the bin."""
    with database.reading() as session:
        run = run_by_id(session, run_id)
        if run.deleted_at is None:
            raise IllegalMove(run_id, run.state, "removed for good before it is in the bin")
    purge(database, runs_dir, [run_id])


def empty_bin(database: Database, runs_dir: Path) -> int:
    """Removes for good all that is in the bin now; tells how many."""
    with database.reading() as session:
        binned = [run.id for run in runs_in_bin(session)]
    return purge(database, runs_dir, [run_id for run_id in binned if run_id is not None])


def purge(database: Database, runs_dir: Path, run_ids: Sequence[int]) -> int:
    """Removes those of the runs that are in the bin, for good, with all that is theirs; tells how many."""
    starts = range(0, len(run_ids), AT_ONCE)
    return sum(_purge_at_once(database, runs_dir, run_ids[start : start + AT_ONCE]) for start in starts)


def _purge_at_once(database: Database, runs_dir: Path, run_ids: Sequence[int]) -> int:
    """The files go after the commit: a run that is there has its files."""
    with database.writing() as session:
        binned = select(Run.id).where(col(Run.id).in_(run_ids), col(Run.deleted_at).is_not(None))
        purged = [run_id for run_id in session.exec(binned) if run_id is not None]
        session.exec(delete(Run).where(col(Run.id).in_(purged)))
        with_runs = select(Run.experiment_id).where(col(Run.experiment_id).is_not(None))
        session.exec(delete(Experiment).where(col(Experiment.id).not_in(with_runs)))
        for run_id in purged:
            record_event(session, "purged", run_id)
    for run_id in purged:
        shutil.rmtree(folder_of_run(runs_dir, run_id), ignore_errors=True)
    return len(purged)


def remove_leftovers(database: Database, runs_dir: Path) -> None:
    """Folders of purged runs that are there all the same: the server was killed before it removed them. A folder of
    which this database knows nothing is let alone."""
    with database.reading() as session:
        gone = Event.kind == "purged", col(Event.run_id).not_in(select(Run.id))
        purged = session.exec(select(Event.run_id).where(*gone)).all()
    for run_id in purged:
        if run_id is not None and (folder := folder_of_run(runs_dir, run_id)).exists():
            shutil.rmtree(folder, ignore_errors=True)


def purge_expired(database: Database, runs_dir: Path, now: datetime | None = None) -> int:
    """Purges what was deleted more than 30 days before `now`, but for what a wrong clock dated before its launch."""
    oldest = (now or datetime.now(UTC)) - KEPT_FOR
    expired = select(Run.id).where(col(Run.deleted_at) < oldest, col(Run.deleted_at) >= col(Run.created_at))
    with database.reading() as session:
        run_ids = [run_id for run_id in session.exec(expired) if run_id is not None]
    return purge(database, runs_dir, run_ids) if run_ids else 0
