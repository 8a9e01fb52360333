"""Whether a run was alone: every claim and every export that began while it was trained is written down."""

import pytest

from core import benchmark_mode, workers
from core.database import Database
from core.runs import run_by_id
from tests.app.trained_runs import claim, complete, join, launch, record_epochs


def beside(database: Database, run_id: int) -> tuple[int | None, bool | None]:
    with database.reading() as session:
        run = run_by_id(session, run_id)
        return run.most_runs_beside, run.export_beside


def test_runs_of_any_worker_that_are_trained_at_the_same_time_know_how_many_they_were(database: Database) -> None:
    for seed in range(4):
        launch(database, seed=seed)
    here, there = join(database, slots=2), join(database)
    first = claim(database, here)
    assert beside(database, 1) == (0, False)
    second = claim(database, there)
    complete(database, first)
    claim(database, here)  # beside the second: never three at once
    complete(database, second)
    assert [beside(database, run)[0] for run in (1, 2, 3, 4)] == [1, 1, 1, None]
    claim(database, there)
    assert [beside(database, run)[0] for run in (1, 2, 3, 4)] == [1, 1, 1, 1]


def test_an_export_that_begins_or_goes_on_while_a_run_is_trained_is_known_to_it(database: Database) -> None:
    for seed in range(4):
        launch(database, seed=seed)
    here, there = join(database, slots=3), join(database)
    claim(database, here)
    with database.writing() as session:
        benchmark_mode.begin_exporting(session, there)
    claim(database, here)
    with database.writing() as session:
        benchmark_mode.end_exporting(session, there)
    claim(database, here)
    assert [beside(database, run)[1] for run in (1, 2, 3)] == [True, True, False]
    with database.writing() as session:
        benchmark_mode.begin_exporting(session, there)
        workers.end(session, there)  # and its exporting process with it
    claim(database, here)
    assert beside(database, 4)[1] is False


@pytest.mark.parametrize(("epochs", "known"), [(0, 0), (1, None)])
def test_a_run_begun_by_an_older_version_stays_unmeasured(database: Database, epochs: int, known: int | None) -> None:
    launch(database)
    worker = join(database)
    lease = claim(database, worker)
    record_epochs(database, lease, *range(1, epochs + 1))
    with database.writing() as session:
        workers.end(session, worker)
        run_by_id(session, 1).most_runs_beside = None
    claim(database, join(database))
    assert beside(database, 1)[0] == known
