"""Estimates know that runs trained together start and end together, and take one slot."""

from sqlmodel import select

from core import queue, runs
from core.database import Database
from core.estimates import seconds_of_launch, seconds_until_starts
from core.experiment_plan import plan_experiment
from core.queue_order import in_stacks
from core.tables import Worker
from tests.app.trained_runs import BASE, join, launch, trained


def stacking_worker(database: Database, slots: int = 1, most: int = 3) -> int:
    """After a run of 4 epochs of 10 s each was measured."""
    trained(database, 0.8, 0.9)
    worker = join(database, slots)
    with database.writing() as session:
        session.get_one(Worker, worker).vitals = {"most_in_stack": most}
        for other in session.exec(select(Worker).where(Worker.id != worker)):
            other.ended_at = other.started_at
    return worker


def starts(database: Database) -> list[float | None]:
    with database.reading() as session:
        return list(seconds_until_starts(session).values())


def test_those_that_are_trained_together_start_together(database: Database) -> None:
    stacking_worker(database)
    for seed in range(5):
        launch(database, seed=seed)
        launch(database, seed=seed, epochs=2) if seed == 0 else None
    # In stacks of three: seeds 0 to 2 for 40 s, then the short one for 20, which stands second in line, then the rest.
    assert starts(database) == [0, 0, 0, 40, 60, 60]


def test_a_stack_under_way_takes_one_slot(database: Database) -> None:
    worker = stacking_worker(database, slots=2)
    for seed in range(4):
        launch(database, seed=seed)
    with database.writing() as session:
        first = queue.claim_oldest(session, worker)
        assert first is not None
        assert len(queue.claim_beside(session, first, 2)) == 2
    assert starts(database) == [0]


def test_a_launch_takes_as_long_as_its_stacks(database: Database) -> None:
    stacking_worker(database)
    plan = plan_experiment(base=BASE, grid={"learning_rate": [0.1, 0.01]}, seeds=2)
    with database.reading() as session:
        assert seconds_of_launch(session, plan) == 80, "three and one, each 40 s"


def test_a_stack_is_filled_in_the_order_of_the_line(database: Database) -> None:
    for seed, epochs in enumerate((4, 5, 4, 4, 4, 5)):
        launch(database, seed=seed, epochs=epochs)
    with database.reading() as session:
        line = [runs.run_by_id(session, run_id) for run_id in range(1, 7)]
    assert [[run.id for run in stack] for stack in in_stacks(line, 3)] == [[1, 3, 4], [2, 6], [5]]
    assert [[run.id for run in stack] for stack in in_stacks(line, 1)] == [[run.id] for run in line]
