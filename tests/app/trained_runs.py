"""Runs as a worker would leave them, made with the moves of core."""

import math
from collections.abc import Sequence
from typing import Any

from core import metrics, queue, workers
from core.database import Database
from core.known_datasets import datasets_here
from core.lease import Lease
from core.records import EpochFigures, WrittenFile
from core.run_config import parse_run_config, resolve_run

BASE: dict[str, Any] = {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 4, "seed": 0}


def launch(database: Database, **differences: Any) -> int:
    """A queued run and its id."""
    with database.writing() as session:
        run = queue.enqueue(session, resolve_run(parse_run_config(BASE | differences), datasets_here(session)))
    assert run.id is not None
    return run.id


def join(database: Database, slots: int = 1) -> int:
    with database.writing() as session:
        return workers.join(session, host="bench", process_id=1, slots=slots, threads=1)


def claim(database: Database, worker: int) -> Lease:
    with database.writing() as session:
        run = queue.claim_oldest(session, worker)
        assert run is not None
        assert run.id is not None
        return Lease(run.id, worker, run.attempt)


def started(database: Database, **differences: Any) -> Lease:
    """A run that a worker of its own has claimed."""
    run_id = launch(database, **differences)
    lease = claim(database, join(database))
    assert lease.run_id == run_id
    return lease


def record_epochs(database: Database, lease: Lease, *numbers: int, diverged: bool = False) -> None:
    """Epochs whose test accuracy is 0.9 and a hundredth for each epoch; `diverged`: with a NaN train loss."""
    for number in numbers:
        figures = EpochFigures(
            epoch=number, train_loss=math.nan if diverged else 1 / number, train_accuracy=0.8, val_loss=None,
            val_accuracy=None, test_loss=0.5, test_accuracy=0.9 + number / 100, learning_rate=0.01,
            train_seconds=8.0, evaluation_seconds=1.5, checkpoint_seconds=0.5, images_per_second=1234.0,
            peak_memory_bytes=2**20,
        )  # fmt: skip
        with database.writing() as session:
            metrics.record_epoch(session, lease, figures, [], selected=True)


def trained(
    database: Database, *accuracies: float, val: Sequence[float] = (), done: bool = True, **differences: Any
) -> int:
    """A run with these test accuracies, and validation accuracies where given; still running where not `done`."""
    lease = started(database, epochs=len(accuracies) + (not done), **differences)
    for epoch, accuracy in enumerate(accuracies, start=1):
        figures = EpochFigures(
            epoch=epoch, train_loss=2 / epoch, train_accuracy=accuracy / 2, val_loss=0.5 if val else None,
            val_accuracy=val[epoch - 1] if val else None, test_loss=1 - accuracy if accuracy else math.nan,
            test_accuracy=accuracy, learning_rate=0.01, train_seconds=8.0, evaluation_seconds=1.5,
            checkpoint_seconds=0.5, images_per_second=1234.0, peak_memory_bytes=2**20,
        )  # fmt: skip
        with database.writing() as session:
            metrics.record_epoch(session, lease, figures, [], selected=True)
    if done:
        complete(database, lease)
    return lease.run_id


def record_weights(database: Database, lease: Lease, file_name: str = "weights.safetensors") -> None:
    with database.writing() as session:
        metrics.record_weights(session, lease, WrittenFile("weights", file_name, "0" * 64, 2048, 1))


def complete(database: Database, lease: Lease) -> None:
    with database.writing() as session:
        queue.complete(session, lease)


def fail(database: Database, lease: Lease, reason: str, suggestion: str, dataset: str | None = None) -> None:
    with database.writing() as session:
        queue.fail(session, lease, reason, suggestion, dataset)
