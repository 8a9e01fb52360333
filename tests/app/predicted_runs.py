"""Runs with predictions of a small dataset that is nothing like digits: colour, few pixels, odd class names."""

from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any

import numpy as np

from core import dataset_writer
from core.database import Database
from core.dataset_store import Arrays, MaterialisedDataset
from core.exports import record_export
from core.predictions import PREDICTION
from core.records import WrittenFile
from core.settings import Settings
from tests.app.trained_runs import trained

CLASSES = ("cat", "dog", "<b>")
LABELS = (0, 0, 0, 1, 1, 2)


def make_dataset(settings: Settings, name: str = "digits", labels: Sequence[int] = LABELS) -> MaterialisedDataset:
    """In the place of a known one; the pixels of image n are n."""
    images = np.repeat(np.arange(len(labels), dtype=np.uint8), 3 * 5 * 7).reshape(-1, 3, 5, 7)
    arrays = Arrays(images, np.array(labels, np.uint8), images, np.array(labels, np.uint8))
    return dataset_writer.write(
        settings.materialised_dir, name, arrays, classes=CLASSES, mean=0.5, std=0.5, source="made for a test"
    )


def predicted(
    database: Database, settings: Settings, said: Sequence[int], sure: Sequence[float] | float = 0.9,
    labels: Sequence[int] = LABELS, **differences: Any,
) -> int:  # fmt: skip
    """A completed run that says these classes, with these confidences; and its id."""
    right = sum(one == other for one, other in zip(said, labels, strict=True))
    run_id = trained(database, right / len(labels), **differences)
    rows = np.empty(len(said), PREDICTION)
    rows["class"], rows["confidence"] = said, sure
    content = BytesIO()
    np.save(content, rows, allow_pickle=False)
    facts = {"num_images": len(said), "num_correct": right}
    bytes_of_file = content.getvalue()
    file = WrittenFile(
        "predictions", "predictions.npy", sha256(bytes_of_file).hexdigest(), len(bytes_of_file), 1, facts
    )
    folder = settings.runs_dir / str(run_id)
    folder.mkdir(parents=True)
    (folder / file.file_name).write_bytes(bytes_of_file)
    with database.writing() as session:
        assert record_export(session, run_id, [file], [])
    return run_id
