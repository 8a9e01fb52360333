"""Benchmark mode: its runs are trained alone and in turn, whatever else waits, and each is told in its place."""

import pytest

from core import benchmark_mode, queue, queue_order
from core.database import Database
from core.estimates import seconds_until_starts
from core.experiment_plan import plan_experiment
from core.experiments import groups_of, launch_experiment, repeats_of, runs_of_experiment
from core.invalid_run_config import InvalidRunConfig
from core.lease import Lease
from core.tables import Run
from tests.app.trained_runs import BASE, claim, complete, join, launch


def benchmark(database: Database, *, repeats: int = 2, seeds: int = 1) -> list[int]:
    """Two configs; the ids of its runs."""
    plan = plan_experiment(base=BASE, grid={"batch_size": [32, 64]}, seeds=seeds, repeats=repeats)
    with database.writing() as session:
        experiment = launch_experiment(session, plan)
        return [run.id for run in runs_of_experiment(session, experiment.id or 0) if run.id is not None]


def claimed(database: Database, worker: int) -> Lease | None:
    with database.writing() as session:
        run = queue.claim_oldest(session, worker)
        return None if run is None else Lease(run.id or 0, worker, run.attempt)


def test_the_configs_take_turns_and_every_repeat_is_the_same_config_and_seed(database: Database) -> None:
    benchmark(database, repeats=3, seeds=2)
    with database.reading() as session:
        runs = runs_of_experiment(session, 1)
    assert [(run.repeat, run.seed, run.config["batch_size"]) for run in runs] == [
        (repeat, seed, size) for repeat in (1, 2, 3) for seed in (0, 1) for size in (32, 64)
    ]
    assert runs[-1].name == "batch size 64, seed 1, repeat 3"
    (first, second) = groups_of(runs).values()
    assert [[run.repeat for run in repeats] for repeats in repeats_of(first)] == [[1, 2, 3]] * 2
    assert len(second) == 6


def test_a_benchmark_s_run_waits_until_it_is_alone_and_then_nothing_else_starts(database: Database) -> None:
    here, there = join(database, slots=2), join(database)
    launch(database)
    before = claim(database, here)
    first, *_ = benchmark(database)
    after = launch(database, seed=9)
    assert claimed(database, here) is None, "it waits for the run under way, and what is behind it waits too"
    assert claimed(database, there) is None
    complete(database, before)
    alone = claimed(database, there)
    assert alone
    assert alone.run_id == first
    assert claimed(database, here) is None
    for _ in range(4):
        complete(database, alone)
        alone = claimed(database, here)
        assert alone
    assert alone.run_id == after, "the benchmark is over"
    with database.reading() as session:
        assert {run.most_runs_beside for run in runs_of_experiment(session, 1)} == {0}


def test_no_run_is_exported_beside_a_benchmark_nor_is_it_begun_beside_an_export(database: Database) -> None:
    here, there = join(database), join(database)
    with database.writing() as session:
        assert benchmark_mode.begin_exporting(session, there)
    benchmark(database)
    assert claimed(database, here) is None
    with database.writing() as session:
        assert not benchmark_mode.may_export(session), "what is exported now is the last before it"
        benchmark_mode.end_exporting(session, there)
        assert not benchmark_mode.begin_exporting(session, there)
        queue_order.pause_queue(session, True)
        assert benchmark_mode.may_export(session), "a paused queue starts no benchmark"
        queue_order.pause_queue(session, False)
    assert claimed(database, here)
    with database.writing() as session:
        assert not benchmark_mode.begin_exporting(session, there)


def test_a_benchmark_that_is_held_or_behind_others_keeps_nobody_waiting(database: Database) -> None:
    here = join(database, slots=2)
    launch(database)
    ids = benchmark(database)
    assert claimed(database, here)
    assert claimed(database, here) is None
    with database.writing() as session:
        for run_id in ids:
            queue.hold(session, run_id, held=True)
    launch(database, seed=9)
    assert claimed(database, here)


def test_when_runs_start_takes_into_account_that_a_benchmark_has_the_machine_for_itself(database: Database) -> None:
    join(database, slots=2)
    ids = [launch(database, epochs=1), *benchmark(database, repeats=1), launch(database, epochs=1), launch(database)]
    with database.writing() as session:
        for run_id in ids:
            session.get_one(Run, run_id).seconds_per_epoch = 10.0
    with database.reading() as session:
        assert list(seconds_until_starts(session).values()) == [0, 10, 50, 90, 90]


@pytest.mark.parametrize(("repeats", "field"), [(0, "repeats"), (21, "repeats"), (20, "grid")])
def test_too_many_repeats_are_refused(repeats: int, field: str) -> None:
    with pytest.raises(InvalidRunConfig) as refused:
        plan_experiment(base=BASE, grid={"batch_size": list(range(1, 52))}, seeds=1, repeats=repeats)
    assert field in refused.value.problems
