"""The numbered event log that pages follow. Written in the transaction of the change it tells."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.run_state import ENDED, RunState
from core.run_tables import Progress
from core.tables import Event, Experiment, Run


def record_event(session: Session, kind: str, run_id: int | None = None, **payload: Any) -> None:  # JSON values
    """Adds an event; `kind` is state, changed, epoch, deleted, purged, experiment, queue, worker or dataset."""
    session.add(Event(kind=kind, run_id=run_id, payload=payload, recorded_at=datetime.now(UTC)))


def tell_who_follows(session: Session, run_id: int, to: RunState) -> None:
    """Of a run's move, what else it means: the end of its experiment, and an answer for the run that it reproduces."""
    if to not in ENDED:
        return
    _tell_end_of_experiment(session, run_id)
    original_id = session.exec(select(Run.reproduces_id).where(Run.id == run_id)).first()
    if original_id is not None:
        record_event(session, "changed", original_id, reproduced_by=run_id, ended=True)


def _tell_end_of_experiment(session: Session, run_id: int) -> None:
    """An event when the last open run of an experiment has ended; again, if one is requeued and ends once more."""
    experiment = session.exec(
        select(Experiment).join(Run, col(Run.experiment_id) == Experiment.id).where(Run.id == run_id)
    ).first()
    if experiment is None:
        return
    is_open = col(Run.state).not_in(ENDED)
    if session.exec(select(Run.id).where(Run.experiment_id == experiment.id, is_open).limit(1)).first() is None:
        record_event(session, "experiment", experiment=experiment.id, name=experiment.name, ended=True)


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
