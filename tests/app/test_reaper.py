"""The reaper: a silent worker's runs go back to the queue, a beating one's do not."""

import time

import pytest

from app.reaper import Reaper
from core.database import Database
from core.queue import claim_oldest, enqueue
from core.run_config import parse_run_config, resolve_run
from core.run_state import RunState
from core.runs import run_by_id
from core.tables import Worker
from core.workers import HeartbeatJudge, WorkerLost, beat, join


@pytest.fixture
def worker_id(database: Database) -> int:
    """A worker that has claimed run 1."""
    with database.writing() as session:
        enqueue(session, resolve_run(parse_run_config({"architecture": {"name": "lenet5"}, "dataset": "digits"})))
        worker_id = join(session, host="here", process_id=1, slots=1, threads=1)
        assert claim_oldest(session, worker_id) is not None
        return worker_id


def state_of_run(database: Database) -> RunState:
    with database.reading() as session:
        return run_by_id(session, 1).state


def test_a_silent_worker_is_ended_and_its_run_waits_again(database: Database, worker_id: int) -> None:
    reaper = Reaper(database, HeartbeatJudge(dead_after_seconds=0.2))
    reaper.check()
    assert state_of_run(database) is RunState.RUNNING, "it was only just seen"
    time.sleep(0.25)
    reaper.check()
    assert state_of_run(database) is RunState.QUEUED
    with database.writing() as session, pytest.raises(WorkerLost):
        beat(session, worker_id, {})


def test_a_beating_worker_keeps_its_run(database: Database, worker_id: int) -> None:
    reaper = Reaper(database, HeartbeatJudge(dead_after_seconds=0.2))
    for _ in range(5):
        reaper.check()
        time.sleep(0.1)
        with database.writing() as session:
            beat(session, worker_id, {})
    reaper.check()
    assert state_of_run(database) is RunState.RUNNING


class JudgeOverruledMeanwhile(HeartbeatJudge):
    """Judges every worker silent, each of which beats once more right then."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def silent(self, workers: list[Worker], now_seconds: float | None = None) -> list[int]:
        judged = [worker.id for worker in workers if worker.id is not None]
        with self._database.writing() as session:
            for worker_id in judged:
                beat(session, worker_id, {})
        return judged


def test_a_heartbeat_between_judgement_and_end_saves_the_worker(database: Database, worker_id: int) -> None:
    Reaper(database, JudgeOverruledMeanwhile(database)).check()
    assert state_of_run(database) is RunState.RUNNING


def test_the_reaper_judges_by_itself_while_the_server_is_up(
    database: Database, worker_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.reaper.CHECK_SECONDS", 0.05)
    reaper = Reaper(database, HeartbeatJudge(dead_after_seconds=0.1))
    reaper.start()
    deadline = time.monotonic() + 10
    while state_of_run(database) is RunState.RUNNING and time.monotonic() < deadline:
        time.sleep(0.02)
    reaper.stop()
    assert state_of_run(database) is RunState.QUEUED
