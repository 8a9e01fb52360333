"""The tables of datasets: those that were imported, and the tasks that import or fetch one. Columns, no behaviour."""

from datetime import datetime

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from core.column_types import UtcDateTime
from core.run_state import RunState
from core.tables import Json


class ImportedDataset(SQLModel, table=True):
    """What a run must know of it; the images are in the store. It stays when they are deleted: runs speak of it."""

    name: str = Field(primary_key=True, max_length=40)
    classes: Json = Field(sa_type=JSON)  # names, by label
    image_shape: Json = Field(sa_type=JSON)  # [channels, height, width]
    num_train: int
    num_test: int
    mean: float
    std: float
    source: str
    licence: str
    notes: Json = Field(sa_type=JSON)  # sentences of the import: how it was split, resized, what was passed over
    sha256: str  # of classes and images: the same content under the same name is the same dataset
    created_at: datetime = Field(sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DatasetTask(SQLModel, table=True):
    """A dataset to be imported or fetched. `state` is written by core/dataset_tasks.py alone."""

    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    kind: str  # import or fetch
    dataset: str = Field(index=True)
    state: RunState = Field(index=True)
    wishes: Json = Field(sa_type=JSON)  # of an import: core/import_wishes.py
    says: str = ""  # what is being done
    fraction: float | None = None  # how far that is
    reason: str | None = None
    suggestion: str | None = None
    bad_files: Json = Field(default=[], sa_type=JSON)  # [[name, reason], ...]
    num_bad_files: int = 0  # more than are named
    worker_id: int | None = Field(default=None, foreign_key="worker.id")
    attempt: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
