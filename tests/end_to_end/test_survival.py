"""Runs outlive the death of whatever trains them: trainers and the worker itself, killed at random moments."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from core import queue, runs, workers
from core.database import Database
from core.metrics import epochs_of_run
from core.run_config import parse_run_config, resolve_run
from core.run_state import ENDED, RunState
from core.settings import Settings
from core.tables import Run

# KILLS=30 make test ARGS=tests/end_to_end/test_survival.py: the longer version of the same test.
NUM_KILLS = int(os.environ.get("KILLS", "8"))
PATIENCE_SECONDS = 100 + 6 * NUM_KILLS
CONFIGS: list[dict[str, object]] = [
    {"architecture": {"name": "lenet5"}},
    {"architecture": {"name": "custom-mlp"}, "optimizer": "adam", "learning_rate": 0.001},
    {"architecture": {"name": "lenet5-moon"}, "schedule": "cosine", "augmentation": "affine"},
    {"architecture": {"name": "lenet5", "parameters": {"pool": "max"}}, "validation": 200, "selection": "best_val"},
    {"architecture": {"name": "report-mlp"}, "optimizer": "adamw", "schedule": "one-cycle", "label_smoothing": 0.1},
]


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
    resolved = resolve_run(parse_run_config({**CONFIGS[0], "dataset": "digits", "epochs": 8, "seed": 7, **values}))
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


@pytest.mark.timeout(PATIENCE_SECONDS * 3)
def test_runs_killed_at_random_moments_end_with_the_same_weights_as_undisturbed_ones(
    settings: Settings, database: Database
) -> None:
    chance = random.Random(0)
    with working(settings) as worker:
        undisturbed = [launch(database, **config) for config in CONFIGS]
        wait_until(lambda: all(state_of(database, run_id) in ENDED for run_id in undisturbed))
        killed = [launch(database, **config) for config in CONFIGS]
        num_killed = 0
        while not all(state_of(database, run_id) is RunState.COMPLETED for run_id in killed):
            wait_until(lambda: any(state_of(database, run_id) in {*ENDED, RunState.RUNNING} for run_id in killed))
            if num_killed < NUM_KILLS and any(state_of(database, run_id) is RunState.RUNNING for run_id in killed):
                time.sleep(chance.uniform(0, 0.6))
                trainers = trainers_of(worker)
                if trainers:
                    trainers[0].send_signal(signal.SIGKILL)
                    num_killed += 1
            for run_id in killed:  # three deaths without an epoch between them end a run, until a person requeues it
                if state_of(database, run_id) is RunState.FAILED:
                    assert "3rd time" in (read(database, run_id).failure_reason or "")
                    with database.writing() as session:
                        queue.requeue(session, run_id)
    print(f"{num_killed} kills over {len(killed)} runs")
    assert num_killed >= min(NUM_KILLS, 5)
    for once, again in zip(undisturbed, killed, strict=True):
        assert outcome(database, again) == outcome(database, once)
        assert [epoch for epoch, *_ in outcome(database, again)[1]] == list(range(1, 9))


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
        wait_until(lambda: state_of(database, unreachable) is RunState.FAILED, 30)
        cancelled = launch(database, epochs=5000)
        wait_until(lambda: read(database, cancelled).epochs_done >= 1)
        with database.writing() as session:
            queue.cancel(session, cancelled)
        wait_until(lambda: state_of(database, cancelled) is RunState.CANCELLED, 10)
        for file in (settings.runs_dir / str(cancelled)).glob("*.safetensors"):
            file.write_bytes(b"not what was written")
        with database.writing() as session:
            queue.requeue(session, cancelled)
        wait_until(lambda: state_of(database, cancelled) is RunState.FAILED, 30)
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
