"""Runs trained together by a real worker: what befalls one leaves the others as they are, and none is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file

from core import queue, runs
from core.database import Database
from core.events import events_of_run
from core.metrics import epochs_of_run
from core.run_config import parse_run_config, resolve_run
from core.run_state import ENDED, RunState
from core.run_tables import Artifact
from core.settings import Settings
from core.tables import Run

PATIENCE_SECONDS = 150.0


def network(dropout: float) -> dict[str, object]:
    """A small one. Without batch norm, in which float32's last digits grow fast, and no learning rate is too high."""
    return {"name": "lenet5", "parameters": {"filters": [4, 8], "hidden": [16], "dropout": dropout}}


BASE: dict[str, object] = {
    "architecture": network(0.2),
    "dataset": "digits", "device": "cpu", "batch_size": 64,
}  # fmt: skip
NEVER_ENDS = 5000  # epochs of a run that a test stops


@contextmanager
def working(settings: Settings, *, stack: int, slots: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    own = {**settings.as_environment(), "TRAINYARD_STACK": str(stack), "TRAINYARD_SLOTS": str(slots)}
    worker = subprocess.Popen([sys.executable, "-P", "-m", "worker"], env={**os.environ, **own})
    try:
        yield worker
        worker.terminate()
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.wait()


def launch(database: Database, *differences: dict[str, object], **common: object) -> list[int]:
    """Queued in one transaction, so that a worker finds all or none."""
    ids = []
    with database.writing() as session:
        for own in differences:
            run = queue.enqueue(session, resolve_run(parse_run_config(BASE | common | own)))
            ids.append(run.id or 0)
    return ids


def seeds(*numbers: int) -> list[dict[str, object]]:
    return [{"seed": number} for number in numbers]


def read(database: Database, run_id: int) -> Run:
    with database.reading() as session:
        return runs.run_by_id(session, run_id)


def states(database: Database, ids: list[int]) -> list[RunState]:
    return [read(database, run_id).state for run_id in ids]


def wait_until(met: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def wait_until_ended(database: Database, ids: list[int]) -> None:
    wait_until(lambda: set(states(database, ids)) <= ENDED)


def curves(database: Database, run_id: int) -> np.ndarray:
    with database.reading() as session:
        epochs = epochs_of_run(session, run_id)
    assert [epoch.epoch for epoch in epochs] == list(range(1, len(epochs) + 1))
    return np.array([(epoch.train_loss, epoch.test_loss) for epoch in epochs])


def weights(settings: Settings, run_id: int) -> dict[str, np.ndarray]:
    return load_file(settings.runs_dir / str(run_id) / "weights.safetensors")


def assert_alike(settings: Settings, database: Database, run_id: int, other_id: int, *, digits: float) -> None:
    """As far as float32 sums in another order agree after a while; step by step: tests/worker/test_stacked.py."""
    np.testing.assert_allclose(curves(database, run_id), curves(database, other_id), rtol=digits)
    for name, tensor in weights(settings, run_id).items():
        np.testing.assert_allclose(tensor, weights(settings, other_id)[name], atol=digits, err_msg=name)


def epochs_told(database: Database, run_id: int) -> list[int]:
    with database.reading() as session:
        return [event.payload["epoch"] for event in events_of_run(session, run_id) if event.kind == "epoch"]


def log_of(database: Database, run_id: int) -> str:
    with database.reading() as session:
        return "\n".join(line.line for line in runs.log_of_run(session, run_id))


def trainer_of(worker: subprocess.Popen[bytes]) -> psutil.Process:
    [trainer] = [child for child in psutil.Process(worker.pid).children() if "worker.trainer" in child.cmdline()]
    return trainer


# Each step turns the weights round and makes them a thousand times as large.
HOPELESS: dict[str, object] = {"seed": 3, "learning_rate": 100.0, "weight_decay": 10.0}
VARIED: list[dict[str, object]] = [
    {"seed": 1},
    {"seed": 2, "learning_rate": 0.05},
    {"seed": 3, "momentum": 0.0, "weight_decay": 0.01},
    {"seed": 3, "label_smoothing": 0.1, "architecture": network(0.5)},
]


def test_runs_of_different_seeds_and_scalars_are_trained_together_as_they_would_be_alone(
    settings: Settings, database: Database
) -> None:
    together = launch(database, *VARIED, epochs=3)
    with working(settings, stack=4):
        wait_until_ended(database, together)
    alone = launch(database, *VARIED, epochs=3)
    with working(settings, stack=1):
        wait_until_ended(database, alone)
    assert set(states(database, together + alone)) == {RunState.COMPLETED}
    assert [read(database, run_id).stack_size for run_id in together] == [4, 4, 4, 4]
    assert [read(database, run_id).stack_size for run_id in alone] == [None] * 4
    for run_id, other_id in zip(together, alone, strict=True):
        assert_alike(settings, database, run_id, other_id, digits=1e-2)
        assert epochs_told(database, run_id) == [1, 2, 3]
        kinds = {file.kind for file in artifacts(database, run_id)}
        assert {"checkpoint", "weights"} <= kinds
        assert read(database, run_id).single_image_seconds is not None
        assert "together with 3 others" in log_of(database, run_id)


def artifacts(database: Database, run_id: int) -> list[Artifact]:
    with database.reading() as session:
        return runs.artifacts_of_run(session, run_id)


def test_one_that_is_cancelled_and_one_that_diverges_leave_the_others_untouched(
    settings: Settings, database: Database
) -> None:
    undisturbed = launch(database, *seeds(1, 2, 3, 4), epochs=12)
    with working(settings, stack=4):
        wait_until_ended(database, undisturbed)
        disturbed = launch(database, *seeds(1, 2), HOPELESS, {"seed": 4}, epochs=12)
        wait_until(lambda: read(database, disturbed[1]).epochs_done >= 1)
        with database.writing() as session:
            queue.cancel(session, disturbed[1])
        wait_until_ended(database, disturbed)
    completed, cancelled, failed = RunState.COMPLETED, RunState.CANCELLED, RunState.FAILED
    assert states(database, disturbed) == [completed, cancelled, failed, completed]
    diverged = read(database, disturbed[2])
    assert "NaN or infinite in epoch 1" in (diverged.failure_reason or "")
    assert "it was 100" in (diverged.failure_suggestion or "")
    assert 1 <= read(database, disturbed[1]).epochs_done < 12
    for place in (0, 3):
        assert_alike(settings, database, disturbed[place], undisturbed[place], digits=1e-3)


@pytest.mark.parametrize("scene", ["hold", "requeue"])
def test_a_member_that_is_paused_or_cancelled_goes_on_later_where_it_was(
    scene: str, settings: Settings, database: Database
) -> None:
    [alone] = launch(database, {"seed": 2}, epochs=25, learning_rate=0.001)  # slowly: digits that differ stay few
    with working(settings, stack=4):
        wait_until_ended(database, [alone])
        members = launch(database, *seeds(1, 2, 3), epochs=25, learning_rate=0.001)
        taken = members[1]
        wait_until(lambda: read(database, taken).epochs_done >= 1)
        with database.writing() as session:
            queue.hold(session, taken, True) if scene == "hold" else queue.cancel(session, taken)
        wait_until(lambda: read(database, taken).state is not RunState.RUNNING, 20)
        left = read(database, taken)
        assert left.state is (RunState.QUEUED if scene == "hold" else RunState.CANCELLED)
        assert left.epochs_done < 25
        with database.writing() as session:
            queue.hold(session, taken, False) if scene == "hold" else queue.requeue(session, taken)
        wait_until_ended(database, members)
    assert set(states(database, members)) == {RunState.COMPLETED}
    assert read(database, taken).attempt == 2
    assert epochs_told(database, taken) == list(range(1, 26))
    assert_alike(settings, database, taken, alone, digits=1e-2)


def test_a_killed_trainer_is_a_crash_of_each_and_each_goes_on_alone(settings: Settings, database: Database) -> None:
    members = launch(database, *seeds(1, 2, 3), epochs=30)
    with working(settings, stack=4) as worker:
        wait_until(lambda: read(database, members[0]).epochs_done >= 2)
        trainer_of(worker).send_signal(signal.SIGKILL)
        wait_until_ended(database, members)
    for run_id in members:
        run = read(database, run_id)
        assert (run.state, run.attempt, run.stack_size, run.stack_first) == (RunState.COMPLETED, 2, 3, None)
        assert epochs_told(database, run_id) == list(range(1, 31))
        assert "killed by signal 9" in log_of(database, run_id)


def test_a_run_that_is_another_s_is_dropped_and_the_rest_of_the_stack_goes_on(
    settings: Settings, database: Database
) -> None:
    members = launch(database, *seeds(1, 2, 3), epochs=NEVER_ENDS)
    with working(settings, stack=4) as worker:
        wait_until(lambda: read(database, members[0]).epochs_done >= 2)
        trainer = trainer_of(worker).pid
        with database.writing() as session:  # as if this worker had been judged dead for one of them
            taken = runs.run_by_id(session, members[1])
            taken.worker_id, taken.attempt, taken.held_at = None, 7, taken.created_at
        before = read(database, members[0]).epochs_done
        wait_until(lambda: read(database, members[0]).epochs_done >= before + 20)
        assert trainer_of(worker).pid == trainer
        recorded = read(database, members[1]).epochs_done
        wait_until(lambda: read(database, members[2]).epochs_done >= before + 40)
        assert read(database, members[1]).epochs_done == recorded
        assert "interrupted" not in log_of(database, members[1])


def test_a_graceful_stop_hands_all_back_and_they_are_stacked_again(settings: Settings, database: Database) -> None:
    members = launch(database, *seeds(1, 2, 3), epochs=60)
    with working(settings, stack=4):
        wait_until(lambda: read(database, members[0]).epochs_done >= 2)
    assert set(states(database, members)) == {RunState.QUEUED}
    assert len({read(database, run_id).epochs_done for run_id in members}) == 1
    with working(settings, stack=4):
        wait_until_ended(database, members)
    for run_id in members:
        run = read(database, run_id)
        assert (run.state, run.attempt, run.stack_first) == (RunState.COMPLETED, 2, members[0])
        assert epochs_told(database, run_id) == list(range(1, 61))


def test_a_mixed_queue_is_stacked_kind_by_kind_and_nobody_is_left_out(settings: Settings, database: Database) -> None:
    early = {"validation": 100, "early_stopping_patience": 1, "learning_rate": 0.5, "selection": "best_val"}
    mixed: list[dict[str, object]] = []
    for seed in range(2):
        mixed += [{"seed": seed}, {"seed": seed, "batch_size": 32}, {"seed": seed, "optimizer": "adam"}]
        mixed += [{"seed": seed, **early}, {"seed": seed, "validation": 100}]
    ids = launch(database, *mixed, epochs=15)
    with working(settings, stack=3, slots=2):
        wait_until_ended(database, ids)
    assert set(states(database, ids)) == {RunState.COMPLETED}
    first = [read(database, run_id).stack_first for run_id in ids]
    assert first[0] == first[5] == ids[0]
    assert first[1] == first[6] == ids[1]
    assert first[3] == first[4] == first[8] == ids[3], "what rules only when one ends does not part them"
    stopped = [run for run in (read(database, run_id) for run_id in ids) if run.epochs_done < 15]
    for run in stopped:
        assert run.config["early_stopping_patience"] == 1
        assert run.selected_epoch is not None
        assert "stopped early" in log_of(database, run.id or 0)


def test_a_broken_checkpoint_fails_its_own_run_only(settings: Settings, database: Database) -> None:
    members = launch(database, *seeds(1, 2, 3), epochs=30)
    with working(settings, stack=4):
        wait_until(lambda: read(database, members[0]).epochs_done >= 2)
    for file in Path(settings.runs_dir / str(members[1])).glob("*.safetensors"):
        file.write_bytes(b"not what was written")
    with working(settings, stack=4):
        wait_until_ended(database, members)
    assert states(database, members) == [RunState.COMPLETED, RunState.FAILED, RunState.COMPLETED]
    assert "SHA-256" in (read(database, members[1]).failure_reason or "")
