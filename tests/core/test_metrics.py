"""Recorded epochs: each exactly once and in order, with their files, the summary and the progress between them."""

import math
from typing import Any

import pytest

from core import metrics
from core.database import Database
from core.events import events_of_run
from core.lease import Lease
from core.metrics import MAX_STEP_LOSSES, epochs_of_run
from core.records import EpochFigures, WrittenFile
from core.run_state import LeaseLost
from core.run_tables import Progress
from core.runs import artifacts_of_run, progress_of_run, run_by_id
from core.tables import Run
from tests.app.trained_runs import record_epochs, started


def record(
    database: Database, lease: Lease, epoch: int, *files: WrittenFile, selected: bool = True, **measured: Any
) -> list[str]:
    """Records an epoch of unremarkable figures but for those in `measured`."""
    figures: dict[str, Any] = {
        "train_loss": 0.5, "train_accuracy": 0.8, "val_loss": None, "val_accuracy": None, "test_loss": 0.6,
        "test_accuracy": 0.7, "learning_rate": 0.01, "train_seconds": 8.0, "evaluation_seconds": 1.5,
        "checkpoint_seconds": 0.5, "images_per_second": 100.0, "peak_memory_bytes": 1000,
    }  # fmt: skip
    with database.writing() as session:
        return metrics.record_epoch(
            session, lease, EpochFigures(epoch=epoch, **(figures | measured)), list(files), selected=selected
        )


def written(kind: str, file_name: str, epoch: int) -> WrittenFile:
    return WrittenFile(kind, file_name, "0" * 64, 100, epoch)


def report(database: Database, lease: Lease, epoch: int, step: int, loss: float | None) -> None:
    with database.writing() as session:
        metrics.record_progress(
            session, lease, phase="training", epoch=epoch, step=step, steps_per_epoch=900, loss=loss
        )


def read_run(database: Database, lease: Lease) -> Run:
    with database.reading() as session:
        return run_by_id(session, lease.run_id)


def read_progress(database: Database, lease: Lease) -> Progress:
    with database.reading() as session:
        progress = progress_of_run(session, lease.run_id)
    assert progress is not None
    return progress


@pytest.mark.parametrize("wrong", [1, 2, 4, 0], ids=["an old one", "the last again", "one left out", "none at all"])
def test_an_epoch_that_is_not_the_next_one_is_not_recorded(wrong: int, database: Database) -> None:
    lease = started(database)
    record_epochs(database, lease, 1, 2)
    with pytest.raises(LeaseLost):
        record(database, lease, wrong)
    with database.reading() as session:
        assert [epoch.epoch for epoch in epochs_of_run(session, lease.run_id)] == [1, 2]
        assert [event.kind for event in events_of_run(session, lease.run_id)].count("epoch") == 2
    assert read_run(database, lease).epochs_done == 2


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_finite_number_is_stored_as_missing_and_named(loss: float, database: Database) -> None:
    lease = started(database)
    record(database, lease, 1, train_loss=loss, test_loss=loss)
    with database.reading() as session:
        (epoch,) = epochs_of_run(session, lease.run_id)
        delta = events_of_run(session, lease.run_id)[-1].payload
    assert (epoch.train_loss, epoch.test_loss, epoch.non_finite) == (None, None, ["train_loss", "test_loss"])
    assert (epoch.test_accuracy, read_run(database, lease).test_loss) == (0.7, None)
    assert (delta["epoch"], delta["train_loss"], delta["test_accuracy"]) == (1, None, 0.7)


def test_a_finite_epoch_names_no_loss(database: Database) -> None:
    lease = started(database)
    record(database, lease, 1)
    with database.reading() as session:
        assert epochs_of_run(session, lease.run_id)[0].non_finite == []


def test_the_checkpoint_before_is_superseded_and_the_best_one_kept(database: Database) -> None:
    lease = started(database)
    both = (written("checkpoint", "1.safetensors", 1), written("best_checkpoint", "1.safetensors", 1))
    assert record(database, lease, 1, *both) == []
    assert record(database, lease, 2, written("checkpoint", "2.safetensors", 2)) == [], "the first is still the best"
    assert record(database, lease, 3, written("checkpoint", "3.safetensors", 3)) == ["2.safetensors"]
    better = (written("checkpoint", "4.safetensors", 4), written("best_checkpoint", "4.safetensors", 4))
    assert sorted(record(database, lease, 4, *better)) == ["1.safetensors", "3.safetensors"]
    with database.reading() as session:
        artifacts = artifacts_of_run(session, lease.run_id)
    assert {(artifact.kind, artifact.file_name) for artifact in artifacts} == {
        ("checkpoint", "4.safetensors"),
        ("best_checkpoint", "4.safetensors"),
    }
    (checkpoint,) = [artifact.id for artifact in artifacts if artifact.kind == "checkpoint"]
    assert read_run(database, lease).checkpoint_id == checkpoint


def test_the_summary_is_the_selected_epochs_and_the_speed_is_that_of_all(database: Database) -> None:
    lease = started(database)
    record(database, lease, 1, test_accuracy=0.9, peak_memory_bytes=3000)
    record(
        database, lease, 2, selected=False, test_accuracy=0.95, train_seconds=2.0, evaluation_seconds=0.0,
        checkpoint_seconds=0.0, images_per_second=200.0,
    )  # fmt: skip
    run = read_run(database, lease)
    assert (run.selected_epoch, run.test_accuracy, run.peak_memory_bytes) == (1, 0.9, 3000)
    assert run.seconds_per_epoch == pytest.approx((10 + 2) / 2)
    assert run.images_per_second == pytest.approx((100 * 8 + 200 * 2) / 10)


def test_the_environment_of_the_first_attempt_stays(database: Database) -> None:
    lease = started(database)
    told = []
    for threads in (4, 8):
        with database.writing() as session:
            told.append(metrics.record_environment(session, lease, {"threads": threads}))
    assert read_run(database, lease).environment == {"threads": 4}
    assert told == [[], ["threads: 4, then 8"]]


def test_progress_is_one_row_that_tells_each_overwriting(database: Database) -> None:
    lease = started(database)
    report(database, lease, 1, 10, 2.3)
    first = read_progress(database, lease)
    report(database, lease, 1, 20, math.nan)
    second = read_progress(database, lease)
    assert second.sequence == first.sequence + 1
    assert (second.step, second.losses) == (20, [[10, 2.3]])


def test_the_step_losses_start_anew_with_each_epoch(database: Database) -> None:
    lease = started(database)
    report(database, lease, 1, 10, 2.3)
    report(database, lease, 2, 10, 1.5)
    assert read_progress(database, lease).losses == [[10, 1.5]]


def test_many_step_losses_are_thinned_and_the_newest_is_always_kept(database: Database) -> None:
    lease = started(database)
    with database.writing() as session:
        for step in range(1, 3 * MAX_STEP_LOSSES):
            metrics.record_progress(session, lease, phase="training", epoch=1, step=step, loss=1.0)
            progress = progress_of_run(session, lease.run_id)
            assert progress is not None
            assert progress.losses[-1][0] == step
            assert len(progress.losses) <= MAX_STEP_LOSSES
    steps = [step for step, _ in read_progress(database, lease).losses]
    assert steps == sorted(set(steps))
    assert steps[0] == 1


def test_the_accuracies_of_a_long_run_are_thinned_and_its_last_is_kept(database: Database) -> None:
    lease = started(database, epochs=20)
    for epoch in range(1, 12):
        record(database, lease, epoch, test_accuracy=epoch / 100)
    with database.reading() as session:
        thinned = metrics.test_accuracies(session, [lease.run_id, 404], most=4)
    assert thinned == {lease.run_id: [(3, 0.03), (6, 0.06), (9, 0.09), (11, 0.11)], 404: []}
