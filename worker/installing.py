"""An import that was read and stored takes its place among the datasets."""

import shutil
from datetime import UTC, datetime

from core.dataset_files import remove_images, staging_of
from core.dataset_store import materialised
from core.dataset_tables import ImportedDataset
from core.durable import sync_folder
from core.settings import Settings
from worker.messages import Message


class Refused(ValueError):
    """It cannot have its name."""

    def __init__(self, reason: str, suggestion: str) -> None:
        super().__init__(reason)
        self.suggestion = suggestion


def install(settings: Settings, task_id: int, done: Message, licence: str) -> ImportedDataset:
    """Moves the images to their place and gives the row that is to be recorded then: whoever finds it finds them.

    Killed in between, the task is tried again and replaces them. Raises DatasetMissing, DatasetBroken, OSError.
    """
    name, staging = done["name"], staging_of(settings, task_id)
    stored = materialised(staging, name)
    remove_images(settings, name)  # of an attempt that was killed here
    stored.folder.rename(settings.materialised_dir / name)
    sync_folder(settings.materialised_dir)
    shutil.rmtree(staging, ignore_errors=True)
    return ImportedDataset(
        name=name, classes=done["classes"], image_shape=done["image_shape"], num_train=done["num_train"],
        num_test=done["num_test"], mean=done["mean"], std=done["std"], source=stored.manifest.source, licence=licence,
        notes=done["notes"], sha256=done["sha256"], created_at=datetime.now(UTC),
    )  # fmt: skip
