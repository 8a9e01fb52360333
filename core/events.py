"""The numbered event log that pages follow. Written in the transaction of the change it tells."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.tables import Event, Progress


def record_event(session: Session, kind: str, run_id: int | None = None, **payload: Any) -> None:  # JSON values
    """Adds an event; `kind` is state, changed, epoch, deleted, purged, experiment, queue or worker."""
    session.add(Event(kind=kind, run_id=run_id, payload=payload, recorded_at=datetime.now(UTC)))


def newest_event_id(session: Session) -> int:
    """The id a page rendered from this session reflects; 0 where nothing has happened yet."""
    return session.exec(select(func.max(Event.id))).one() or 0


def events_after(session: Session, event_id: int, *, limit: int = 500) -> list[Event]:
    """Events with a higher id, oldest first."""
    return list(session.exec(select(Event).where(col(Event.id) > event_id).order_by(col(Event.id)).limit(limit)))


def events_of_run(session: Session, run_id: int) -> list[Event]:
    return list(session.exec(select(Event).where(Event.run_id == run_id).order_by(col(Event.id))))


def all_progress(session: Session) -> list[Progress]:
    """Where each running run stands."""
    return list(session.exec(select(Progress)))
