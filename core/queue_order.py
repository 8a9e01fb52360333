"""Which runs wait, in what order, and whether any is handed out."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from core.events import record_event
from core.run_state import RunState
from core.tables import QueueControl, Run


def pause_queue(session: Session, paused: bool, *, with_running: bool = False) -> None:
    """A paused queue hands out no runs; those under way go on, unless it is paused with them: then each goes back to
    its front at the next report, and on from its last recorded epoch when the queue is resumed. None is held by it."""
    control, now = session.get_one(QueueControl, 1), datetime.now(UTC)
    control.paused_at = (control.paused_at or now) if paused else None
    control.stopped_at = (control.stopped_at or now) if paused and with_running else None
    if control.stopped_at is not None:
        _to_the_front(session)
    record_event(session, "queue", paused=paused, with_running=control.stopped_at is not None)


def is_paused(session: Session) -> bool:
    return session.get_one(QueueControl, 1).paused_at is not None


def stops_running(session: Session) -> bool:
    """Whether the queue is paused with its running runs: then they are to come back to it."""
    return session.get_one(QueueControl, 1).stopped_at is not None


def _to_the_front(session: Session) -> None:
    """Gives every running run a priority above those that wait, for when it is back."""
    highest = session.exec(select(func.max(Run.priority)).where(Run.state == RunState.QUEUED)).one()
    if highest is not None:
        behind = col(Run.state) == RunState.RUNNING, col(Run.priority) <= highest
        session.exec(update(Run).where(*behind).values(priority=highest + 1))


def next_in_line() -> Any:  # SQLAlchemy's Select, whose type parameters say nothing more here
    """Ids of the runs that may be claimed, in the order in which they will be."""
    return (
        select(Run.id)
        .where(Run.state == RunState.QUEUED, col(Run.held_at).is_(None))
        .order_by(col(Run.priority).desc(), col(Run.id))
    )
