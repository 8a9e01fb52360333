"""Checkpoints that nothing resumes from: those of completed runs, whose weights, figures and log stay.

A failed or cancelled run goes on at its checkpoint when it is requeued, so its own goes only with the run.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from core.database import Database
from core.disk import CHECKPOINTS
from core.events import record_event
from core.run_files import folder_of_run
from core.run_state import RunState
from core.run_tables import Artifact
from core.tables import Run

MOST_DAYS = 36_500  # a hundred years


@dataclass(frozen=True)
class Spent:
    num_runs: int
    num_files: int
    num_bytes: int


def spent_checkpoints(session: Session, *, completed_days_ago: int = 0) -> Spent:
    """Of runs that completed at least so many days ago, not counting what is in the bin."""
    return _counted(session, _days_ago(completed_days_ago))


def remove_spent_checkpoints(database: Database, runs_dir: Path, *, completed_days_ago: int = 0) -> Spent:
    """The rows go first: what is recorded is there. In few statements: others wait to write meanwhile."""
    completed_by = _days_ago(completed_days_ago)
    with database.writing() as session:
        spent = _counted(session, completed_by)
        found = session.exec(_spent(completed_by, Artifact.run_id, Artifact.file_name).distinct()).all()
        artifact_ids = _spent(completed_by, Artifact.id)
        resumable = update(Run).where(col(Run.checkpoint_id).in_(artifact_ids)).values(checkpoint_id=None)
        session.exec(resumable.execution_options(synchronize_session=False))
        gone = delete(Artifact).where(col(Artifact.id).in_(artifact_ids))
        session.exec(gone.execution_options(synchronize_session=False))
        for run_id in dict.fromkeys(run_id for run_id, _ in found):
            record_event(session, "changed", run_id, checkpoints_removed=True)
    for run_id, file_name in found:
        (folder_of_run(runs_dir, run_id) / file_name).unlink(missing_ok=True)
    return spent


def _days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def _counted(session: Session, completed_by: datetime) -> Spent:
    """The last checkpoint may also be the best: one file."""
    files = _spent(completed_by, Artifact.run_id, Artifact.file_name, Artifact.num_bytes).distinct().subquery()
    sums = func.count(files.c.run_id.distinct()), func.count(), func.coalesce(func.sum(files.c.num_bytes), 0)
    return Spent(*session.exec(select(*sums).select_from(files)).one())


def _spent(completed_by: datetime, *columns: Any) -> Any:  # SQLAlchemy's Select, whose type parameters say no more
    with_weights = select(Artifact.run_id).where(Artifact.kind == "weights")
    return (
        select(*columns)
        .join(Run, col(Run.id) == Artifact.run_id)
        .where(
            col(Artifact.kind).in_(CHECKPOINTS),
            Run.state == RunState.COMPLETED,
            col(Run.deleted_at).is_(None),
            col(Run.ended_at) <= completed_by,
            col(Run.id).in_(with_weights),
        )
    )
