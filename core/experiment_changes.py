"""What a user does to an experiment: its name, its notes, and all of its runs at once."""

from sqlmodel import Session, col, select

from core import queue
from core.bin import move_to_bin, restore
from core.events import record_event
from core.experiments import experiment_by_id, runs_of_experiment
from core.run_changes import checked_new_name, checked_notes
from core.run_state import ENDED
from core.tables import Experiment, Run


def change_experiment(
    session: Session, experiment_id: int, *, name: str | None = None, notes: str | None = None
) -> Experiment:
    """Gives it another name or other notes; None leaves them. Raises ExperimentNotFound, InvalidRunConfig."""
    experiment = experiment_by_id(session, experiment_id)
    if name is not None:
        experiment.name = checked_new_name(name)
    if notes is not None:
        experiment.notes = checked_notes(notes)
    record_event(session, "experiment", experiment=experiment_id, name=experiment.name, ended=False)
    return experiment


def cancel_experiment(session: Session, experiment_id: int) -> Experiment:
    """Cancels each of its runs that is not ended. Raises ExperimentNotFound."""
    # from the last, so that after each the first is still there to say that the experiment has not ended
    for run in reversed(runs_of_experiment(session, experiment_id)):
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
    for run in reversed(runs_of_experiment(session, experiment_id)):
        if run.id is not None:
            move_to_bin(session, run.id)
    return experiment_by_id(session, experiment_id)


def restore_experiment(session: Session, experiment_id: int) -> Experiment:
    """Takes all of its runs out of the bin. Raises ExperimentNotFound."""
    experiment = experiment_by_id(session, experiment_id)
    binned = select(Run.id).where(Run.experiment_id == experiment_id, col(Run.deleted_at).is_not(None))
    for run_id in session.exec(binned).all():
        if run_id is not None:
            restore(session, run_id)
    return experiment
