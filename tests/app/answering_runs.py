"""Runs that can answer: with real files of weights, random ones, and a dataset of their own."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from core import dataset_writer, metrics
from core.architectures.layers import LAYERS
from core.architectures.tensors import tensors_of
from core.database import Database
from core.dataset_store import Arrays, MaterialisedDataset, materialised
from core.datasets import DIGIT_CLASSES, ImageShape
from core.lease import Lease
from core.records import EpochFigures, WrittenFile
from core.runs import run_by_id
from core.settings import Settings
from tests.app.trained_runs import complete, started

Weights = Mapping[str, NDArray[Any]]


def make_digits(settings: Settings, num_images: int = 60) -> MaterialisedDataset:
    """Strokes that lie as MNIST's digits do, in the place of digits: 20 high, mass in the centre of 28×28."""
    images = np.stack([stroke(number) for number in range(num_images)])[:, None]
    labels = (np.arange(num_images) % 10).astype(np.uint8)
    arrays = Arrays(images, labels, images, labels)
    return dataset_writer.write(
        settings.materialised_dir, "digits", arrays, classes=DIGIT_CLASSES, mean=0.2, std=0.3, source="made for a test"
    )


def stroke(number: int) -> NDArray[np.uint8]:
    """(28, 28)"""
    random = np.random.default_rng(number)
    drawn = np.zeros((20, 14))
    drawn[:, 4:7] = 255
    top = random.integers(0, 17)
    drawn[top : top + 3] = 255  # a bar somewhere, so that mass and box have other centres
    drawn[:, : random.integers(0, 4)] = 0
    drawn = np.rint(drawn[:, drawn.any(0)] * random.uniform(0.6, 1, (20, int(drawn.any(0).sum()))))
    drawn *= 255 / drawn.max()
    rows, columns = (np.average(np.arange(drawn.shape[axis]), weights=drawn.sum(1 - axis)) for axis in (0, 1))
    top, left = round(14 - rows), round(14 - columns)
    field = np.zeros((28, 28), np.uint8)
    field[top : top + 20, left : left + drawn.shape[1]] = drawn
    return field


def random_weights(
    database: Database, run_id: int, seed: int, shape: ImageShape = (1, 28, 28)
) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    with database.reading() as session:
        layers = LAYERS.validate_python(run_by_id(session, run_id).layers)
    shapes = tensors_of(layers, shape)
    return {name: np.asarray(random.normal(0, 0.1, each), np.float32) for name, each in shapes.items()}


def record_checkpoint(
    database: Database, settings: Settings, lease: Lease, epoch: int, weights: Weights, keep: bool = False
) -> WrittenFile:
    """As the trainer and the supervisor would; `keep`: the file before it stays."""
    content = save({**weights, "optimizer.0.momentum_buffer": np.zeros(3, np.float32)}, {"history": "[]"})
    file = written(settings, lease.run_id, "checkpoint", f"a1-e{epoch}.safetensors", content, epoch)
    figures = EpochFigures(
        epoch=epoch, train_loss=1.0, train_accuracy=0.8, val_loss=None, val_accuracy=None, test_loss=0.5,
        test_accuracy=0.9, learning_rate=0.01, train_seconds=8.0, evaluation_seconds=1.5, checkpoint_seconds=0.5,
        images_per_second=1234.0, peak_memory_bytes=2**20,
    )  # fmt: skip
    with database.writing() as session:
        superseded = metrics.record_epoch(session, lease, figures, [file], selected=True)
    for name in () if keep else superseded:
        (settings.runs_dir / str(lease.run_id) / name).unlink()
    return file


def written(settings: Settings, run_id: int, kind: str, name: str, content: bytes, epoch: int) -> WrittenFile:
    folder = settings.runs_dir / str(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return WrittenFile(kind, name, sha256(content).hexdigest(), len(content), epoch)


def answering(database: Database, settings: Settings, *, seed: int = 0, **differences: Any) -> int:
    """A completed run with weights."""
    dataset = materialised(settings.materialised_dir, differences.get("dataset", "digits"))
    lease = started(database, epochs=2, seed=seed, **differences)
    weights = random_weights(database, lease.run_id, seed, dataset.manifest.image_shape)
    for epoch in (1, 2):
        record_checkpoint(database, settings, lease, epoch, weights)
    file = written(settings, lease.run_id, "weights", "weights.safetensors", save(dict(weights)), 2)
    with database.writing() as session:
        metrics.record_weights(session, lease, file)
    complete(database, lease)
    return lease.run_id
