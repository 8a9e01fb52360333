"""Benchmark mode: runs of a benchmark are trained alone, so that what they cost can be compared.

A run of a benchmark starts when no run is under way and nothing is exported, on whichever worker; until it has ended
nothing else starts. One that is next in line lets those under way end and nothing start before it, or it would wait for
ever on a busy queue.
"""

from typing import Literal

from sqlalchemy import update
from sqlmodel import Session, col, select

from core.conditions import is_exporting, note_runs_beside
from core.queue_order import is_paused, next_in_line
from core.run_state import RunState
from core.tables import EXPORT_TRIES, Run, Worker

DEFAULT_REPEATS = 3  # the least that has a median and a range

Stage = Literal["running", "next"]


def stage(session: Session) -> Stage | None:
    """Whether a benchmark's run is under way, or next in line; None: it is nobody's business."""
    running = select(Run.id).where(Run.state == RunState.RUNNING, col(Run.repeat).is_not(None))
    if session.exec(running.limit(1)).first() is not None:
        return "running"
    first = session.exec(next_in_line().limit(1)).first()
    is_next = first is not None and session.exec(select(Run.repeat).where(Run.id == first)).one() is not None
    return "next" if is_next else None


def may_start(session: Session) -> bool:
    """Whether the first in line may be claimed now, as far as benchmarks are concerned."""
    match stage(session):
        case "running":
            return False
        case "next":
            under_way = select(Run.id).where(Run.state == RunState.RUNNING).limit(1)
            return session.exec(under_way).first() is None and not is_exporting(session)
        case None:
            return True


def may_export(session: Session) -> bool:
    """Not beside a benchmark, nor before one that waits for the machine; a paused queue lets it wait, and not us."""
    at = stage(session)
    return at is None or (at == "next" and is_paused(session))


def begin_exporting(session: Session, worker_id: int) -> bool:
    """Whether the worker may start its exporting process; if so the runs under way learn of it."""
    if not may_export(session):
        return False
    _set_exporting(session, worker_id, True)
    note_runs_beside(session)
    return True


def end_exporting(session: Session, worker_id: int, unfinished: int | None = None) -> None:
    """`unfinished`: the run that it was at when it gave way, for which this was no try."""
    _set_exporting(session, worker_id, False)
    session.exec(
        update(Run)
        .where(col(Run.id) == unfinished, col(Run.export_tries_left) < EXPORT_TRIES)
        .values(export_tries_left=col(Run.export_tries_left) + 1)
    )


def _set_exporting(session: Session, worker_id: int, exporting: bool) -> None:
    session.exec(update(Worker).where(col(Worker.id) == worker_id).values(is_exporting=exporting))
