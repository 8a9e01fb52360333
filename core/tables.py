"""The tables: columns, no behaviour. Times are aware UTC; a missing figure is NULL."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.column_types import UtcDateTime
from core.run_state import RunState

EXPORT_TRIES = 3  # of a run whose exporting process dies: a guess, untuned

# All that lists filter, sort, count or group runs by: they read this index alone, 200 bytes a run, and of the table,
# where a run takes 2.5 KB, only the rows of the page. The planner takes it as long as no index has one of these alone.
LISTED = (
    "deleted_at", "state", "architecture", "dataset", "experiment_id", "test_accuracy", "train_accuracy",
    "seconds_per_epoch", "seed", "name", "config_hash", "epochs", "epochs_done", "ended_at",
)  # fmt: skip
# JSON columns hold what the pydantic shapes of core dumped; SQLAlchemy's JSON type knows no narrower type.
Json = Any


class Experiment(SQLModel, table=True):
    """A named group of runs that asks one question; `base`, `grid` and `seeds` are as they were asked for."""

    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    name: str
    base: Json = Field(sa_type=JSON)  # values of a run config, without what the grid and the seeds say
    grid: Json = Field(sa_type=JSON)  # {"learning_rate": [0.1, 0.01], "architecture.parameters.pool": ["max", "avg"]}
    seeds: Json = Field(sa_type=JSON)  # [0, 1, 2]
    repeats: int | None = None  # of a benchmark: how often each config and seed is trained; None: it is none
    notes: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created_at: datetime = Field(sa_type=UtcDateTime)


class Look(SQLModel, table=True):
    """More seeds that were asked for after a verdict: the next one on either group looks once more. Both hashes are
    of one group where the other had too few seeds for a verdict."""

    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    experiment_id: int | None = Field(default=None, foreign_key="experiment.id", ondelete="SET NULL", index=True)
    group_hash: str = Field(index=True)  # config hashes
    baseline_hash: str = Field(index=True)
    seeds: Json = Field(sa_type=JSON)  # that were added to both
    created_at: datetime = Field(sa_type=UtcDateTime)


class Run(SQLModel, table=True):
    """One training of one run config. `state` is written by core/queue.py alone."""

    __table_args__ = (
        Index("run_queue_order", "state", "priority", "id"),
        Index("run_exports_due", "state", "export_tries_left"),
        Index("run_stacks", "stack_key", "state"),
        Index("run_listed", *LISTED),
        Index("run_of_experiment", "experiment_id", "deleted_at", "config_hash"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str
    state: RunState
    config: Json = Field(sa_type=JSON)
    layers: Json = Field(sa_type=JSON)
    config_hash: str = Field(index=True)
    architecture: str
    dataset: str
    seed: int
    epochs: int
    num_parameters: int
    num_multiply_adds: int
    experiment_id: int | None = Field(default=None, foreign_key="experiment.id")
    repeat: int | None = None  # of a benchmark, whose runs are trained alone: which time this is, from 1
    notes: str = Field(default="", sa_column_kwargs={"server_default": ""})
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # in the bin since then

    priority: int = 0
    held_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cancel_requested_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    attempt: int = 0
    worker_id: int | None = Field(default=None, foreign_key="worker.id")
    crashes: int = 0  # since the last recorded epoch
    stack_key: str | None = None  # core/stacking.py: runs that have the same can be trained as one stacked model
    stack_first: int | None = None  # of the stack that it was last claimed in: the run that was first in line
    stack_size: int | None = None  # the most runs it was trained together with, itself among them; NULL: always alone
    epochs_done: int = 0
    checkpoint_id: int | None = Field(default=None)  # the artifact a next attempt resumes from
    reproduces_id: int | None = Field(default=None, index=True)  # the run that is trained again; may be purged since
    environment: Json = Field(default=None, sa_type=JSON)  # torch build, CPU, threads of the first attempt
    failure_reason: str | None = None
    failure_suggestion: str | None = None
    suggested_dataset: str | None = None  # the same run on this dataset would work
    export_tries_left: int = Field(default=EXPORT_TRIES, sa_column_kwargs={"server_default": str(EXPORT_TRIES)})

    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    # The summary: figures of the selected epoch, NULL until one is recorded.
    selected_epoch: int | None = None
    train_loss: float | None = None
    train_accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    seconds_per_epoch: float | None = None  # mean over the recorded epochs
    train_seconds_per_epoch: float | None = None
    evaluation_seconds_per_epoch: float | None = None
    checkpoint_seconds_per_epoch: float | None = None
    images_per_second: float | None = None  # trained images over training seconds, all recorded epochs
    peak_memory_bytes: int | None = None  # the highest of its epochs; so is the next
    run_memory_bytes: int | None = None
    # The same conditions, or not; NULL: not measured, by an older version or not yet.
    checkpoint_bytes: int | None = None  # of the last one
    single_image_seconds: float | None = None  # from an image on the device to its answer: the median of many
    batch_seconds: float | None = None  # the same of `batch_images` at once
    batch_images: int | None = None
    cores_busy_beside: float | None = None  # mean over its epochs' time
    most_runs_beside: int | None = None  # as many others were trained at the same time, at most; of any worker
    export_beside: bool | None = None  # whether a run was exported during any part of it


class SavedArchitecture(SQLModel, table=True):
    """A version of a network that a user composed. Never changed; runs keep layers of their own."""

    __table_args__ = (UniqueConstraint("name", "version"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    name: str
    version: int  # from 1
    layers: Json = Field(sa_type=JSON)
    dataset: str  # that it was composed for; its shape and classes at that time:
    image_shape: Json = Field(sa_type=JSON)
    num_classes: int
    notes: str = ""
    hidden_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # deleted: listed no more
    created_at: datetime = Field(sa_type=UtcDateTime)


class RunTag(SQLModel, table=True):
    """A word by which a user finds a run again."""

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    tag: str = Field(primary_key=True, index=True)


class Event(SQLModel, table=True):
    """The numbered log that pages follow; never read to decide anything."""

    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    run_id: int | None = Field(default=None, index=True)  # no foreign key: a deletion is an event too
    payload: Json = Field(sa_type=JSON)
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class Worker(SQLModel, table=True):
    """A process that claims runs. `heartbeat` only counts; clocks decide nothing."""

    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    host: str
    process_id: int
    slots: int
    threads: int
    heartbeat: int = 0
    is_exporting: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    vitals: Json = Field(default=None, sa_type=JSON)  # device, memory and utilisation, as last measured
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class QueueControl(SQLModel, table=True):
    """One row: whether the queue hands out runs, and whether those that were running come back to it meanwhile."""

    id: int = Field(default=1, primary_key=True)
    paused_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stopped_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # paused with its running runs since then


class IdempotencyKey(SQLModel, table=True):
    """A POST that was answered; the same key with the same body gets the same run or experiment."""

    key: str = Field(primary_key=True, max_length=255)
    body_sha256: bytes = Field(sa_type=LargeBinary)
    made_id: int  # of the run, or of the experiment: the body says which
    created_at: datetime = Field(sa_type=UtcDateTime)
