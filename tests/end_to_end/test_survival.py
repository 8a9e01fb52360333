"""Runs outlive the death of whatever trains them: trainers and the worker itself, killed at random moments."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from core import queue, queue_order, runs, workers
from core.database import Database
from core.metrics import epochs_of_run
from core.run_config import parse_run_config, resolve_run
from core.run_state import RunState
from core.settings import Settings
from core.tables import Run
from tests import torture

NUM_KILLS = 5  # make torture N=200 is the long version of the same
TORTURE_SECONDS = 400
PATIENCE_SECONDS = 150


@contextmanager
def working(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", "worker"], env={**os.environ, **settings.as_environment(), "TRAINYARD_SLOTS": "1"}
    )
    try:
        yield worker
        if worker.poll() is None:
            worker.terminate()
            assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.wait()


def trainers_of(worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Its children but for one that exports, where completed runs wait for that."""
    found = []
    for child in psutil.Process(worker.pid).children():
        with suppress(psutil.Error):  # died just now
            found += [child] if "worker.trainer" in child.cmdline() else []
    return found


def wait_until(met: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def launch(database: Database, **values: object) -> int:
    resolved = resolve_run(
        parse_run_config({"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 8, "seed": 7, **values})
    )
    with database.writing() as session:
        run = queue.enqueue(session, resolved)
        assert run.id is not None
        return run.id


def state_of(database: Database, run_id: int) -> RunState:
    return read(database, run_id).state


def read(database: Database, run_id: int) -> Run:
    with database.reading() as session:
        return runs.run_by_id(session, run_id)


def outcome(database: Database, run_id: int) -> tuple[str, list[tuple[int, float | None, float]]]:
    """SHA-256 of the final weights, and the recorded epochs with loss and accuracy."""
    with database.reading() as session:
        weights = [file.sha256 for file in runs.artifacts_of_run(session, run_id) if file.kind == "weights"]
        epochs = [(epoch.epoch, epoch.train_loss, epoch.test_accuracy) for epoch in epochs_of_run(session, run_id)]
    assert len(weights) == 1
    return weights[0], epochs


@pytest.mark.timeout(TORTURE_SECONDS)
def test_runs_killed_at_random_moments_end_with_the_same_weights_as_undisturbed_ones(settings: Settings) -> None:
    assert torture.run(settings, kills=NUM_KILLS, seed=0, say=print) == []


def test_a_killed_worker_takes_its_trainers_along_and_another_goes_on(settings: Settings, database: Database) -> None:
    with working(settings) as worker:
        whole = launch(database, epochs=12)
        wait_until(lambda: state_of(database, whole) is RunState.COMPLETED)
        interrupted = launch(database, epochs=12)
        wait_until(lambda: read(database, interrupted).epochs_done >= 2)
        trainers = trainers_of(worker)
        worker.kill()
        worker.wait()
        assert psutil.wait_procs(trainers, timeout=5)[1] == []
        with database.writing() as session:  # what the server's reaper does when the heartbeat has stood still
            (dead,) = workers.live_workers(session)
            assert workers.end(session, dead.id or 0) == [interrupted]
        with working(settings) as second:
            wait_until(lambda: state_of(database, interrupted) is RunState.COMPLETED)
            assert second.poll() is None
        assert read(database, interrupted).attempt == 2
        assert outcome(database, interrupted) == outcome(database, whole)


def test_a_worker_that_slept_until_it_was_judged_dead_lets_go_and_joins_again(
    settings: Settings, database: Database
) -> None:
    with working(settings) as worker:
        whole = launch(database, epochs=12)
        wait_until(lambda: state_of(database, whole) is RunState.COMPLETED)
        slept_over = launch(database, epochs=12)
        wait_until(lambda: read(database, slept_over).epochs_done >= 2)
        worker.send_signal(signal.SIGSTOP)
        time.sleep(1)  # its trainer goes on: reports wait in the pipe
        with database.writing() as session:  # what the server's reaper does when the heartbeat has stood still
            (silent,) = workers.live_workers(session)
            assert workers.end(session, silent.id or 0) == [slept_over]
        worker.send_signal(signal.SIGCONT)
        wait_until(lambda: worker.poll() is not None or state_of(database, slept_over) is RunState.COMPLETED)
        assert worker.poll() is None
        assert read(database, slept_over).attempt == 2
        assert outcome(database, slept_over) == outcome(database, whole)


def test_a_cancel_and_a_pause_are_obeyed_while_training(settings: Settings, database: Database) -> None:
    with working(settings):
        run_id = launch(database, epochs=5000)
        wait_until(lambda: read(database, run_id).epochs_done >= 1)
        with database.writing() as session:
            queue.hold(session, run_id, True)
        wait_until(lambda: state_of(database, run_id) is RunState.QUEUED, 10)
        paused_at = read(database, run_id).epochs_done
        with database.writing() as session:
            queue.hold(session, run_id, False)
        wait_until(lambda: read(database, run_id).epochs_done > paused_at)
        with database.writing() as session:
            queue.cancel(session, run_id)
        wait_until(lambda: state_of(database, run_id) is RunState.CANCELLED, 10)
    assert read(database, run_id).epochs_done < 5000, "it was under way"


def test_a_queue_paused_with_its_running_run_goes_on_to_the_same_weights(
    settings: Settings, database: Database
) -> None:
    with working(settings):
        whole = launch(database, epochs=30)
        wait_until(lambda: state_of(database, whole) is RunState.COMPLETED)
        paused = launch(database, epochs=30)
        wait_until(lambda: read(database, paused).epochs_done >= 2)
        with database.writing() as session:
            queue_order.pause_queue(session, True, with_running=True)
        started = time.monotonic()
        wait_until(lambda: state_of(database, paused) is RunState.QUEUED, 10)
        print(f"back in the queue after {time.monotonic() - started:.2f} s")
        assert 2 <= read(database, paused).epochs_done < 30
        time.sleep(0.3)
        assert state_of(database, paused) is RunState.QUEUED, "nothing starts"
        with database.writing() as session:
            queue_order.pause_queue(session, False)
        wait_until(lambda: state_of(database, paused) is RunState.COMPLETED)
        assert read(database, paused).attempt == 2
    assert outcome(database, paused) == outcome(database, whole)


def test_a_graceful_stop_hands_the_run_back_and_a_fresh_worker_finishes_it(
    settings: Settings, database: Database
) -> None:
    with working(settings):
        run_id = launch(database, epochs=60)
        wait_until(lambda: read(database, run_id).epochs_done >= 1)
    assert state_of(database, run_id) is RunState.QUEUED
    with working(settings.model_copy(update={"threads": 2})):
        wait_until(lambda: state_of(database, run_id) is RunState.COMPLETED)
    with database.reading() as session:
        (resumed,) = [line.line for line in runs.log_of_run(session, run_id) if line.line.startswith("attempt 2")]
        assert "threads: 1;" in resumed, "as its first attempt had: with others sums are rounded otherwise"
        assert [epoch.epoch for epoch in epochs_of_run(session, run_id)] == list(range(1, 61))


def test_a_broken_checkpoint_and_missing_data_end_with_a_reason_and_a_suggestion(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    missing = settings.model_copy(update={"dataset_mirror": (tmp_path / "nowhere").as_uri()})
    with working(missing):
        unreachable = launch(database, dataset="mnist")
        wait_until(lambda: state_of(database, unreachable) is RunState.FAILED, 90)
        cancelled = launch(database, epochs=5000)
        wait_until(lambda: read(database, cancelled).epochs_done >= 1)
        with database.writing() as session:
            queue.cancel(session, cancelled)
        wait_until(lambda: state_of(database, cancelled) is RunState.CANCELLED, 10)
        for file in (settings.runs_dir / str(cancelled)).glob("*.safetensors"):
            file.write_bytes(b"not what was written")
        with database.writing() as session:
            queue.requeue(session, cancelled)
        wait_until(lambda: state_of(database, cancelled) is RunState.FAILED, 90)
    assert read(database, unreachable).suggested_dataset == "digits"
    assert "SHA-256" in (read(database, cancelled).failure_reason or "")
    assert all(read(database, run_id).failure_suggestion for run_id in (unreachable, cancelled))


def test_a_worker_that_hangs_is_unhealthy(settings: Settings) -> None:
    def is_healthy() -> bool:
        command = [sys.executable, "-P", "-m", "worker.health"]
        return subprocess.run(command, env={**os.environ, **settings.as_environment()}).returncode == 0

    with working(settings) as worker:
        wait_until(is_healthy)
        worker.send_signal(signal.SIGSTOP)
        assert not is_healthy()
        worker.send_signal(signal.SIGCONT)


def test_no_run_is_started_while_the_disk_is_nearly_full_and_the_worker_says_why(
    settings: Settings, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    run_id = launch(database, epochs=1)

    def low() -> list[object]:
        with database.reading() as session:
            vitals = [worker.vitals or {} for worker in workers.live_workers(session)]
        ready = [each for each in vitals if any(slot["state"] == "ready" for slot in each.get("slots", ()))]
        return [each["free_space_low"] for each in ready]

    with working(settings.model_copy(update={"min_free_mib": 10**9})):  # a petabyte
        wait_until(lambda: low() == [True])
        time.sleep(0.5)  # ten looks at the queue
        assert state_of(database, run_id) is RunState.QUEUED
    assert capfd.readouterr().err.count("fewer than 1,000,000,000: no run is started") == 1
    with working(settings):
        wait_until(lambda: state_of(database, run_id) is RunState.COMPLETED)
        wait_until(lambda: low() == [False])
