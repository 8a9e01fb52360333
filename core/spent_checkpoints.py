"""Checkpoints that nothing resumes from: those of completed runs, whose weights, figures and log stay.

A failed or cancelled run goes on at its checkpoint when it is requeued, so its own goes only with the run.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from core.database import Database
from core.disk import CHECKPOINTS
from core.events import record_event
from core.run_files import folder_of_run
from core.run_state import RunState
from core.tables import Artifact, Run

MOST_DAYS = 36_500  # a hundred years


@dataclass(frozen=True)
class Spent:
    num_runs: int
    num_files: int
    num_bytes: int


def spent_checkpoints(session: Session, *, completed_days_ago: int = 0) -> Spent:
    """Of runs that completed at least so many days ago, not counting what is in the bin."""
    return _summed([artifact for artifact, _ in session.exec(_query(completed_days_ago))])


def remove_spent_checkpoints(database: Database, runs_dir: Path, *, completed_days_ago: int = 0) -> Spent:
    """The rows go first: what is recorded is there."""
    with database.writing() as session:
        found = session.exec(_query(completed_days_ago)).all()
        for artifact, _ in found:
            session.delete(artifact)
        for run in {run.id: run for _, run in found}.values():
            run.checkpoint_id = None
            record_event(session, "changed", run.id, checkpoints_removed=True)
    for artifact, _ in found:
        (folder_of_run(runs_dir, artifact.run_id) / artifact.file_name).unlink(missing_ok=True)
    return _summed([artifact for artifact, _ in found])


def _query(completed_days_ago: int) -> Any:  # SQLAlchemy's Select, whose type parameters say nothing more here
    with_weights = select(Artifact.run_id).where(Artifact.kind == "weights")
    return (
        select(Artifact, Run)
        .join(Run, col(Run.id) == Artifact.run_id)
        .where(
            col(Artifact.kind).in_(CHECKPOINTS),
            Run.state == RunState.COMPLETED,
            col(Run.deleted_at).is_(None),
            col(Run.ended_at) <= datetime.now(UTC) - timedelta(days=completed_days_ago),
            col(Run.id).in_(with_weights),
        )
    )


def _summed(artifacts: list[Artifact]) -> Spent:
    """The last checkpoint may also be the best: one file."""
    files = {(artifact.run_id, artifact.file_name): artifact.num_bytes for artifact in artifacts}
    return Spent(len({run_id for run_id, _ in files}), len(files), sum(files.values()))
