"""What a completed run is exported to, which runs wait for it, and the record of it. The files are worker/exports.py's.

A run is due from its completion until its files are recorded, unless it is in the bin. Each try is counted before it
begins, so that one that kills its process is not made for ever.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select

from core.events import record_event
from core.metrics import epochs_of_run
from core.records import WrittenFile
from core.run_state import IllegalMove, RunState
from core.run_tables import Artifact, Epoch, LogLine
from core.runs import artifacts_of_run, run_by_id
from core.tables import EXPORT_TRIES, Run

EXPORTED_KINDS = {"onnx": "the ONNX file", "predictions": "the predictions", "tensorboard": "the TensorBoard file"}


@dataclass(frozen=True)
class DueExport:
    """A run, what its files are made from, and the kinds that are not there yet."""

    run: Run
    epochs: Sequence[Epoch]
    weights: Artifact | None
    missing: tuple[str, ...]


def is_export_due(session: Session) -> bool:
    return session.exec(_due_runs().limit(1)).first() is not None


def begin_export(session: Session) -> int | None:
    """The newest run that waits, with one try fewer; None where none does."""
    run: Run | None = session.exec(_due_runs().limit(1)).first()
    if run is None:
        return None
    if run.export_tries_left < EXPORT_TRIES:
        _log(session, run, "The process that exported this run died; it is tried again.")
    run.export_tries_left -= 1
    return run.id


def export_again(session: Session, run_id: int) -> Run:
    """A completed run that lacks a file waits for it once more. Raises RunNotFound, IllegalMove."""
    run = run_by_id(session, run_id)
    if run.state is not RunState.COMPLETED:
        raise IllegalMove(run_id, run.state, "exported before it is completed")
    if run.deleted_at is not None:
        raise IllegalMove(run_id, run.state, "exported while it is in the bin")
    if not run.export_tries_left and due_export(session, run_id).missing:
        run.export_tries_left = EXPORT_TRIES
        record_event(session, "changed", run_id, export_asked=True)
    return run


def give_up_exports(session: Session, why: str) -> None:
    """Nothing that waits is exported until it is asked for again; each run's log says why."""
    for run in session.exec(_due_runs()):
        run.export_tries_left = 0
        _log(session, run, f"Not exported: {why}")
        assert run.id is not None
        record_event(session, "changed", run.id, exported=[])


def due_export(session: Session, run_id: int) -> DueExport:
    """Raises RunNotFound."""
    files = {file.kind: file for file in artifacts_of_run(session, run_id)}
    missing = tuple(kind for kind in EXPORTED_KINDS if kind not in files)
    return DueExport(run_by_id(session, run_id), epochs_of_run(session, run_id), files.get("weights"), missing)


def record_export(session: Session, run_id: int, files: Sequence[WrittenFile], complaints: Sequence[str]) -> bool:
    """Ends a run's export with the files that could be made and a line in its log for each that could not.

    False where the run is in the bin or gone: nothing is recorded, and the files are to be unlinked after the commit.
    """
    run = session.get(Run, run_id)
    if run is None or run.deleted_at is not None:
        return False
    for file in files:
        session.add(Artifact(run_id=run_id, attempt=run.attempt, created_at=datetime.now(UTC), **asdict(file)))
    for complaint in complaints:
        _log(session, run, complaint)
    run.export_tries_left = 0  # what failed once with an error fails again
    record_event(session, "changed", run_id, exported=[file.kind for file in files])
    return True


def _due_runs() -> Any:  # SQLAlchemy's Select, whose type parameters say nothing more here
    return (
        select(Run)
        .where(Run.state == RunState.COMPLETED, col(Run.export_tries_left) > 0, col(Run.deleted_at).is_(None))
        .order_by(col(Run.id).desc())
    )


def _log(session: Session, run: Run, line: str) -> None:
    assert run.id is not None
    session.add(LogLine(run_id=run.id, attempt=run.attempt, line=line[:2000], recorded_at=datetime.now(UTC)))
