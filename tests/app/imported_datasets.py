"""A dataset as an import leaves it: colour, few pixels, class names that are a script. Its images are noise."""

from datetime import UTC, datetime

import numpy as np

from core.database import Database
from core.dataset_store import Arrays, MaterialisedDataset
from core.dataset_tables import ImportedDataset
from core.dataset_writer import write
from core.settings import Settings

CLASSES = ("circle", "cross", "ring", "square", "<script>alert(1)</script>")


def make_imported(
    settings: Settings, database: Database, name: str = "shapes", shape: tuple[int, int, int] = (3, 32, 32)
) -> MaterialisedDataset:
    random, num = np.random.default_rng(0), 40
    labels = np.arange(num, dtype=np.uint8) % len(CLASSES)
    train, test = (random.integers(0, 255, (num, *shape), dtype=np.uint8) for _ in range(2))
    stored = write(
        settings.materialised_dir, name, Arrays(train, labels, test, labels), classes=CLASSES, mean=0.5, std=0.25,
        source="shapes.zip",
    )  # fmt: skip
    with database.writing() as session:
        row = ImportedDataset(
            name=name, classes=list(CLASSES), image_shape=list(shape), num_train=num, num_test=num, mean=0.5, std=0.25,
            source="shapes.zip", licence="CC0", notes=[], sha256=stored.manifest.content_sha256,
            created_at=datetime.now(UTC),
        )  # fmt: skip
        session.add(row)
    return stored
