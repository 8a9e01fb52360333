"""The lease of a worker on one attempt of a run, and what fences its writes."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from core.run_state import LeaseLost, RunState
from core.tables import Run


@dataclass(frozen=True)
class Lease:
    """Time-limited ownership of one attempt of a run; the attempt fences a stale worker."""

    run_id: int
    worker_id: int
    attempt: int


def owned_by(lease: Lease) -> tuple[Any, ...]:
    """The conditions of every write a worker makes about a run."""
    return (
        col(Run.id) == lease.run_id,
        col(Run.worker_id) == lease.worker_id,
        col(Run.attempt) == lease.attempt,
        col(Run.state) == RunState.RUNNING,
    )


def owned_run(session: Session, lease: Lease) -> Run:
    """The run while it is this worker's attempt; raises LeaseLost."""
    run = session.exec(select(Run).where(*owned_by(lease))).first()
    if run is None:
        raise LeaseLost(lease.run_id, lease.attempt)
    return run


def check_owned(session: Session, lease: Lease) -> None:
    """The same without the run, whose config and layers need not be read; raises LeaseLost."""
    if session.exec(select(Run.id).where(*owned_by(lease))).first() is None:
        raise LeaseLost(lease.run_id, lease.attempt)
