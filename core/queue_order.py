"""Which runs wait, in what order, and whether any is handed out."""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select

from core.events import record_event
from core.run_state import RunState
from core.tables import QueueControl, Run


def pause_queue(session: Session, paused: bool) -> None:
    """A paused queue hands out no runs; those under way go on."""
    control = session.get_one(QueueControl, 1)
    control.paused_at = (control.paused_at or datetime.now(UTC)) if paused else None
    record_event(session, "queue", paused=paused)


def is_paused(session: Session) -> bool:
    return session.get_one(QueueControl, 1).paused_at is not None


def next_in_line() -> Any:  # SQLAlchemy's Select, whose type parameters say nothing more here
    """Ids of the runs that may be claimed, in the order in which they will be."""
    return (
        select(Run.id)
        .where(Run.state == RunState.QUEUED, col(Run.held_at).is_(None))
        .order_by(col(Run.priority).desc(), col(Run.id))
    )
