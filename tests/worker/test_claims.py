"""Who is claimed together: the first in line as ever, and those that stack with it; nobody is passed over for long."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as checked
from hypothesis import strategies as some

from core import queue, runs
from core.database import Database, open_database
from core.queue_order import next_in_line
from core.run_state import RunState
from core.settings import MAX_STACK, Settings
from tests.app.trained_runs import claim as claim_alone
from tests.app.trained_runs import join, launch, record_epochs
from worker.claims import claim, most_in_stack

SEEDS: list[dict[str, object]] = [{"seed": seed} for seed in range(6)]
OTHER: dict[str, object] = {"batch_size": 32}


def launch_all(database: Database, configs: Sequence[dict[str, object]]) -> list[int]:
    return [launch(database, **config) for config in configs]


def claimed(
    database: Database, worker: int, *, most: int = 4, idle: int = 1, stack: Literal["auto"] | int = 4
) -> list[int]:
    """The runs that a slot of the worker gets, in order."""
    settings = Settings(data_dir=database.file.parent, stack=stack)
    with database.writing() as session:
        pairs = claim(session, worker, settings, lambda _: most, idle)
    assert all(command["run_id"] == lease.run_id for lease, command in pairs)
    return [lease.run_id for lease, _ in pairs]


def change(database: Database, run_id: int, **values: object) -> None:
    with database.writing() as session:
        run = runs.run_by_id(session, run_id)
        for name, value in values.items():
            setattr(run, name, value)


def test_the_first_in_line_takes_those_along_that_stack_with_it(database: Database) -> None:
    a, b, c, d = launch_all(database, [SEEDS[0], OTHER, SEEDS[1] | {"learning_rate": 0.5}, SEEDS[2]])
    worker = join(database)
    assert claimed(database, worker) == [a, c, d]
    assert claimed(database, worker) == [b], "it was passed over, and is now the first"
    with database.reading() as session:
        together = [runs.run_by_id(session, run_id) for run_id in (a, b, c, d)]
    assert [run.stack_first for run in together] == [a, None, a, a]
    assert {(run.state, run.attempt, run.worker_id) for run in together} == {(RunState.RUNNING, 1, worker)}


def test_no_more_are_taken_than_fit_and_the_rest_keep_their_place(database: Database) -> None:
    ids = launch_all(database, SEEDS)
    change(database, ids[5], priority=1)
    worker = join(database)
    assert claimed(database, worker, most=3) == [ids[5], ids[0], ids[1]]
    assert claimed(database, worker, most=1) == [ids[2]]
    assert claimed(database, worker, most=3) == [ids[3], ids[4]]


ALONE: list[dict[str, object]] = [{"crashes": 1}, {"stack_key": None}, {"reproduces_id": 1}]


@pytest.mark.parametrize("fact", ALONE, ids=lambda fact: next(iter(fact)))
def test_what_is_trained_alone_is_in_nobodys_stack(fact: dict[str, object], database: Database) -> None:
    ids = launch_all(database, SEEDS[:4])
    change(database, ids[0], **fact)
    change(database, ids[2], **fact)
    worker = join(database)
    assert [claimed(database, worker) for _ in range(3)] == [[ids[0]], [ids[1], ids[3]], [ids[2]]]


def test_a_run_of_a_benchmark_is_in_nobodys_stack(database: Database) -> None:
    ids = launch_all(database, SEEDS[:4])
    change(database, ids[2], repeat=1)
    worker = join(database)
    assert claimed(database, worker) == [ids[0], ids[1], ids[3]]
    assert claimed(database, worker) == [], "it waits until nothing else runs"


def test_a_held_run_and_one_with_other_epochs_behind_it_are_not_taken_along(database: Database) -> None:
    ids = launch_all(database, SEEDS[:4])
    worker = join(database)
    leases = [claim_alone(database, worker), claim_alone(database, worker)]
    for lease in leases:
        record_epochs(database, lease, 1)
        with database.writing() as session:
            queue.hand_back(session, lease)
    change(database, ids[2], held_at=datetime.now(UTC))
    assert claimed(database, worker) == ids[:2], "resumed together, as they stopped at the same epoch"
    assert claimed(database, worker) == [ids[3]]


def test_runs_resume_together_only_with_the_threads_they_had(database: Database) -> None:
    ids = launch_all(database, SEEDS[:3])
    for run_id, threads in zip(ids, (1, 2, 1), strict=True):
        change(database, run_id, environment={"threads": threads})
    worker = join(database)
    assert [claimed(database, worker) for _ in range(2)] == [[ids[0], ids[2]], [ids[1]]]


@pytest.mark.parametrize(
    ("num_others", "idle", "sizes"),
    [(0, 1, [6]), (0, 2, [3, 3]), (0, 4, [2, 2, 1, 1]), (1, 2, [6, 1]), (1, 3, [3, 1, 3])],
)
def test_idle_slots_share_what_nothing_else_would_keep_them_busy_with(
    num_others: int, idle: int, sizes: list[int], database: Database
) -> None:
    launch_all(database, SEEDS[:1] + [OTHER] * num_others + SEEDS[1:])
    worker = join(database)
    assert [len(claimed(database, worker, most=64, idle=idle - taken)) for taken in range(idle)] == sizes


def test_by_itself_only_a_gpu_stacks(database: Database) -> None:
    auto, by_hand = Settings(), Settings(stack=7)
    assert [most_in_stack(auto, 0), most_in_stack(auto, 2)] == [1, MAX_STACK]
    assert most_in_stack(Settings(deterministic=True), 2) == 1
    assert [most_in_stack(by_hand, gpus) for gpus in (0, 2)] == [7, 7]
    ids = launch_all(database, [{"seed": seed, "device": "cpu"} for seed in range(2)])
    worker = join(database)
    assert claimed(database, worker, most=64, stack="auto") == ids[:1], "beside a GPU too"


KINDS = some.lists(some.tuples(some.integers(0, 2), some.integers(-1, 1), some.booleans()), min_size=1, max_size=12)


@given(KINDS, some.integers(1, 5), some.integers(1, 3))
@checked(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_claim_begins_with_the_first_in_line_and_all_are_claimed_once(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[tuple[int, int, bool]], most: int, idle: int
) -> None:
    database = open_database(tmp_path_factory.mktemp("claims") / "trainyard.sqlite3")
    ids = launch_all(database, [{"seed": seed, "epochs": 1 + kind} for seed, (kind, *_) in enumerate(kinds)])
    for run_id, (_, priority, has_crashed) in zip(ids, kinds, strict=True):
        change(database, run_id, priority=priority, crashes=int(has_crashed))
    worker, seen = join(database), list[int]()
    while line := waiting(database):
        taken = claimed(database, worker, most=most, idle=idle)
        assert taken[0] == line[0]
        assert len(taken) <= most
        facts = [kinds[ids.index(run_id)] for run_id in taken]
        assert len({kind for kind, *_ in facts}) == 1
        assert len(taken) == 1 or not any(has_crashed for *_, has_crashed in facts)
        assert set(taken[1:]) <= set(line)
        assert waiting(database) == [run_id for run_id in line if run_id not in taken], "those left keep their order"
        seen += taken
    assert sorted(seen) == ids
    database.close()


def waiting(database: Database) -> list[int]:
    with database.reading() as session:
        return list(session.exec(next_in_line()))
