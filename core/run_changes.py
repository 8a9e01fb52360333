"""What a user changes of a run beside its state: its name, its notes and its place in the queue. Tags: core/tags.py."""

from unicodedata import category

from sqlalchemy import func
from sqlmodel import Session, select

from core.events import record_event
from core.invalid_run_config import InvalidRunConfig
from core.run_config import MAX_NAME_LENGTH, checked_name
from core.run_state import IllegalMove, RunState
from core.runs import run_by_id
from core.tables import Run

MAX_NOTES_LENGTH = 10_000


def prioritise(session: Session, run_id: int, priority: int) -> Run:
    """Sets the priority of a queued run: higher goes first, then the older."""
    run = run_by_id(session, run_id)
    if run.state is not RunState.QUEUED:
        raise IllegalMove(run_id, run.state, "moved in the queue")
    run.priority = priority
    record_event(session, "changed", run_id, priority=priority)
    return run


def move_to_front(session: Session, run_id: int) -> Run:
    """Gives a queued run a priority above every other queued run's."""
    highest = session.exec(select(func.max(Run.priority)).where(Run.state == RunState.QUEUED, Run.id != run_id)).one()
    return prioritise(session, run_id, 0 if highest is None else highest + 1)


def rename(session: Session, run_id: int, name: str) -> Run:
    """Gives a run another name, in any state; raises InvalidRunConfig, as a launch with this name would."""
    run = run_by_id(session, run_id)
    run.name = checked_new_name(name)
    record_event(session, "changed", run_id, name=run.name)
    return run


def annotate(session: Session, run_id: int, notes: str) -> Run:
    """Sets a run's notes: plain text of several lines, its ends trimmed; raises RunNotFound, InvalidRunConfig."""
    run = run_by_id(session, run_id)
    notes = checked_notes(notes)
    if notes != run.notes:
        run.notes = notes
        record_event(session, "changed", run_id, annotated=True)
    return run


def checked_new_name(name: str) -> str:
    """The name that a user gives instead of the one there was; raises InvalidRunConfig."""
    try:
        name = checked_name(name)
    except ValueError as error:
        raise InvalidRunConfig({"name": str(error)}) from None
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidRunConfig({"name": f"must have 1 to {MAX_NAME_LENGTH} characters"})
    return name


def checked_notes(notes: str) -> str:
    """Plain text of several lines, its ends trimmed; raises InvalidRunConfig."""
    notes = notes.replace("\r\n", "\n").strip()  # a browser sends CRLF
    if len(notes) > MAX_NOTES_LENGTH:
        raise InvalidRunConfig({"notes": f"must have {MAX_NOTES_LENGTH:,} characters at most"})
    if any(category(character) in ("Cc", "Cs") and character not in "\n\t" for character in notes):
        raise InvalidRunConfig({"notes": "must be plain text, without control characters"})
    return notes
