"""What a user does to an experiment: its name, its notes, and all of its runs at once."""

from sqlmodel import Session

from core import queue
from core.bin import move_to_bin
from core.events import record_event
from core.experiments import experiment_by_id, runs_of_experiment
from core.run_config import MAX_NAME_LENGTH, InvalidRunConfig, checked_name
from core.run_state import ENDED
from core.tables import Experiment

MAX_NOTES_LENGTH = 10_000  # guess, untuned


def change_experiment(
    session: Session, experiment_id: int, *, name: str | None = None, notes: str | None = None
) -> Experiment:
    """Gives it another name or other notes; None leaves them. Raises ExperimentNotFound, InvalidRunConfig."""
    experiment = experiment_by_id(session, experiment_id)
    if name is not None:
        experiment.name = _checked(name)
    if notes is not None:
        if len(notes) > MAX_NOTES_LENGTH:
            raise InvalidRunConfig({"notes": f"must have at most {MAX_NOTES_LENGTH:,} characters"})
        experiment.notes = notes.strip()
    record_event(session, "experiment", experiment=experiment_id, name=experiment.name, ended=False)
    return experiment


def cancel_experiment(session: Session, experiment_id: int) -> Experiment:
    """Cancels each of its runs that is not ended. Raises ExperimentNotFound."""
    for run in runs_of_experiment(session, experiment_id):
        if run.state not in ENDED and run.id is not None:
            queue.cancel(session, run.id)
    return experiment_by_id(session, experiment_id)


def hold_experiment(session: Session, experiment_id: int, held: bool) -> Experiment:
    """Holds each of its runs that is not ended, or releases them. Raises ExperimentNotFound."""
    for run in runs_of_experiment(session, experiment_id):
        if run.state not in ENDED and run.id is not None and (run.held_at is None) == held:
            queue.hold(session, run.id, held)
    return experiment_by_id(session, experiment_id)


def bin_experiment(session: Session, experiment_id: int) -> Experiment:
    """Moves all of its runs into the bin, the queued ones cancelled. Raises IllegalMove while one is running."""
    for run in runs_of_experiment(session, experiment_id):
        if run.id is not None:
            move_to_bin(session, run.id)
    return experiment_by_id(session, experiment_id)


def _checked(name: str) -> str:
    try:
        name = checked_name(name)
    except ValueError as error:
        raise InvalidRunConfig({"name": str(error)}) from None
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidRunConfig({"name": f"must have 1 to {MAX_NAME_LENGTH} characters"})
    return name
