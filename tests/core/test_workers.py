"""Workers: their heartbeat, the judgement that one is dead, and what becomes of its runs."""

import pytest
from sqlmodel import select

from core import queue, workers
from core.database import Database
from core.events import events_after
from core.run_state import LeaseLost, RunState
from core.runs import run_by_id
from core.tables import Event, Worker
from core.workers import DEAD_AFTER_SECONDS, HeartbeatJudge, WorkerLost, disk_is_low, live_workers
from tests.app.trained_runs import claim, complete, join, launch


def beat(database: Database, worker_id: int) -> None:
    with database.writing() as session:
        workers.beat(session, worker_id, {"device": "CPU"})


def end(database: Database, worker_id: int) -> list[int]:
    with database.writing() as session:
        return workers.end(session, worker_id)


def alive(database: Database) -> list[Worker]:
    with database.reading() as session:
        return live_workers(session)


def test_a_beat_moves_the_sequence_and_keeps_the_vitals(database: Database) -> None:
    worker_id = join(database)
    beat(database, worker_id)
    beat(database, worker_id)
    assert [(worker.id, worker.heartbeat, worker.vitals) for worker in alive(database)] == [
        (worker_id, 2, {"device": "CPU"})
    ]


def test_a_worker_is_dead_only_after_its_time_without_a_beat(database: Database) -> None:
    join(database)
    judge = HeartbeatJudge()
    assert judge.silent(alive(database), 1000.0) == [], "the judge's clock starts when it first sees the worker"
    assert judge.silent(alive(database), 1000.0 + DEAD_AFTER_SECONDS - 0.1) == []
    assert judge.silent(alive(database), 1000.0 + DEAD_AFTER_SECONDS) == [1]


def test_a_beat_starts_the_time_anew(database: Database) -> None:
    worker_id = join(database)
    judge = HeartbeatJudge(dead_after_seconds=10)
    judge.silent(alive(database), 0)
    beat(database, worker_id)
    assert judge.silent(alive(database), 9) == []
    assert judge.silent(alive(database), 18) == []
    assert judge.silent(alive(database), 19) == [worker_id]


def test_each_worker_is_judged_for_itself(database: Database) -> None:
    silent, beating = join(database), join(database)
    judge = HeartbeatJudge(dead_after_seconds=10)
    for second in range(0, 10, 2):
        assert judge.silent(alive(database), second) == []
        beat(database, beating)
    assert judge.silent(alive(database), 10) == [silent]


def test_the_runs_of_a_dead_worker_return_and_another_takes_them_up(database: Database) -> None:
    run_ids = [launch(database) for _ in range(3)]
    dead, other = join(database, slots=3), join(database)
    leases = [claim(database, dead) for _ in run_ids]
    complete(database, leases[0])
    assert end(database, dead) == run_ids[1:]
    with database.reading() as session:
        states = [run_by_id(session, run_id).state for run_id in run_ids]
    assert states == [RunState.COMPLETED, RunState.QUEUED, RunState.QUEUED]
    assert [worker.id for worker in alive(database)] == [other]
    again = claim(database, other)
    assert (again.run_id, again.attempt) == (run_ids[1], 2)
    with pytest.raises(LeaseLost):
        complete(database, leases[1])


def test_a_run_of_a_dead_worker_that_was_to_be_cancelled_is_cancelled(database: Database) -> None:
    run_id = launch(database)
    worker_id = join(database)
    claim(database, worker_id)
    with database.writing() as session:
        queue.cancel(session, run_id)
    end(database, worker_id)
    with database.reading() as session:
        assert run_by_id(session, run_id).state is RunState.CANCELLED


def test_an_ended_worker_that_beats_learns_that_it_is_lost(database: Database) -> None:
    worker_id = join(database)
    end(database, worker_id)
    with pytest.raises(WorkerLost):
        beat(database, worker_id)
    assert alive(database) == []


def test_pages_are_told_that_a_worker_joined_and_left(database: Database) -> None:
    worker_id = join(database)
    end(database, worker_id)
    with database.reading() as session:
        told = [event.payload for event in session.exec(select(Event).where(Event.kind == "worker"))]
    assert told == [{"worker": worker_id, "joined": True}, {"worker": worker_id, "joined": False}]


def test_a_disk_that_gets_too_full_or_has_room_again_is_an_event_and_other_vitals_are_none(database: Database) -> None:
    with database.writing() as session:
        worker = workers.join(session, host="here", process_id=1, slots=1, threads=1)
        vitals_without_news: list[dict[str, object]] = [{}, {"free_space_low": False}, {"cpu_percent": 5.0}]
        for vitals in vitals_without_news:
            workers.beat(session, worker, vitals)
        assert not disk_is_low(live_workers(session))
        for _ in range(2):
            workers.beat(session, worker, {"free_space_low": True})
        assert disk_is_low(live_workers(session))
        workers.beat(session, worker, {"free_space_low": False})
        payloads = [event.payload for event in events_after(session, 0)]
    assert [told["free_space_low"] for told in payloads if "free_space_low" in told] == [True, False]
    assert not disk_is_low([]), "without a worker it is not the disk that runs wait for"
