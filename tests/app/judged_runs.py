"""Runs with predictions of 400 test images, as a worker would leave them."""

import hashlib
from collections.abc import Collection
from io import BytesIO
from typing import Any

import numpy as np

from core import dataset_writer
from core.database import Database
from core.dataset_store import Arrays
from core.exports import record_export
from core.predictions import PREDICTION
from core.records import WrittenFile
from core.settings import Settings
from tests.app.trained_runs import trained

NUM_IMAGES = 400
LABELS = np.arange(NUM_IMAGES).astype(np.uint8) % 10


def materialise(settings: Settings, labels: Any = LABELS) -> None:
    """Images of nothing under the name of digits; `labels`: of the test split, an array."""
    images = np.zeros((NUM_IMAGES, 1, 28, 28), np.uint8)
    dataset_writer.write(
        settings.materialised_dir, "digits", Arrays(images, labels, images, labels),
        classes=tuple("0123456789"), mean=0.1, std=0.3, source="a test",
    )  # fmt: skip


def judged(database: Database, settings: Settings, wrong: Collection[int], **differences: Any) -> int:
    """A completed run that reads these images wrong, with its predictions."""
    run_id = trained(database, 0.5, 1 - len(wrong) / NUM_IMAGES, **differences)
    predictions = np.zeros(NUM_IMAGES, PREDICTION)
    predictions["class"] = LABELS
    predictions["class"][sorted(wrong)] = (LABELS[sorted(wrong)] + 1) % 10
    content = BytesIO()
    np.save(content, predictions, allow_pickle=False)
    folder = settings.runs_dir / str(run_id)
    folder.mkdir(parents=True)
    (folder / "predictions.npy").write_bytes(content.getvalue())
    file = WrittenFile(
        "predictions", "predictions.npy", hashlib.sha256(content.getvalue()).hexdigest(), len(content.getvalue()), 2,
        {"num_images": NUM_IMAGES, "num_correct": NUM_IMAGES - len(wrong)},
    )  # fmt: skip
    with database.writing() as session:
        record_export(session, run_id, [file], [])
    return run_id


def two_groups(database: Database, settings: Settings, *, num_seeds: int, more_wrong: int) -> None:
    """LeNet-5, and the MLP, which in each seed reads `more_wrong` more images wrong."""
    materialise(settings)
    random = np.random.default_rng(1)
    for seed in range(num_seeds):
        luck, other = (set(random.choice(np.arange(100, 400), 14, replace=False).tolist()) for _ in range(2))
        more = set(random.choice(np.arange(100), more_wrong + int(random.integers(3)), replace=False).tolist())
        judged(database, settings, luck, seed=seed)
        judged(database, settings, other | more, seed=seed, architecture={"name": "custom-mlp"})
