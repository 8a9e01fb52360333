"""Experiments as they stand: launched once, counted by state, and an event when the last of their runs has ended."""

import pytest

from core import queue
from core.database import Database
from core.events import events_after
from core.experiment_plan import plan_experiment
from core.experiments import (
    ExperimentNotFound,
    experiment_by_id,
    launch_experiment,
    launch_experiment_once,
    list_experiments,
    runs_of_experiment,
)
from core.idempotency import KeyReused
from core.run_state import RunState
from tests.app.trained_runs import claim, complete, join, record_epochs

PLAN = plan_experiment(
    base={"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 2}, grid={"batch_size": [32, 64]}, seeds=2
)


def launched(database: Database) -> int:
    with database.writing() as session:
        experiment = launch_experiment(session, PLAN)
    assert experiment.id is not None
    return experiment.id


def ends_told(database: Database) -> list[int]:
    with database.reading() as session:
        events = events_after(session, 0)
        return [e.payload["experiment"] for e in events if e.kind == "experiment" and e.payload["ended"]]


def test_an_experiment_stands_as_its_runs_do(database: Database) -> None:
    experiment_id = launched(database)
    lease = claim(database, join(database))
    record_epochs(database, lease, 1)
    with database.reading() as session:
        (told,) = list_experiments(session)
        assert told.num_runs[RunState.QUEUED] == 3
        assert told.num_runs[RunState.RUNNING] == 1
        assert (told.num_groups, told.epochs, told.epochs_done, told.ended_at) == (2, 8, 1, None)
        assert [run.seed for run in runs_of_experiment(session, experiment_id)] == [0, 0, 1, 1]


def test_the_end_is_told_once_when_the_last_run_ended_and_again_after_a_requeue(database: Database) -> None:
    experiment_id = launched(database)
    with database.reading() as session:
        run_ids = [run.id for run in runs_of_experiment(session, experiment_id) if run.id is not None]
    lease = claim(database, join(database))
    complete(database, lease)
    for run_id in run_ids[1:]:
        assert ends_told(database) == []
        with database.writing() as session:
            queue.cancel(session, run_id)
    assert ends_told(database) == [experiment_id]
    with database.writing() as session:
        queue.requeue(session, run_ids[-1])
        queue.cancel(session, run_ids[-1])
    assert ends_told(database) == [experiment_id] * 2
    with database.reading() as session:
        assert list_experiments(session)[0].ended_at is not None


def test_the_same_key_launches_once_and_another_experiment_needs_another_key(database: Database) -> None:
    with database.writing() as session:
        first, made = launch_experiment_once(session, PLAN, "key")
        again, made_again = launch_experiment_once(session, PLAN, "key")
    assert (first.id, made, made_again) == (again.id, True, False)
    other = plan_experiment(base={"architecture": {"name": "lenet5"}, "dataset": "digits"}, grid={}, seeds=1)
    with database.writing() as session, pytest.raises(KeyReused):
        launch_experiment_once(session, other, "key")


def test_an_experiment_that_is_not_there_is_not_found(database: Database) -> None:
    with database.reading() as session, pytest.raises(ExperimentNotFound):
        experiment_by_id(session, 404)
