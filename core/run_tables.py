"""The tables of what a run leaves behind it: epochs, answers, progress, files, lines. Columns, no behaviour."""

from datetime import datetime

from sqlalchemy import JSON, LargeBinary
from sqlmodel import Field, SQLModel

from core.column_types import UtcDateTime
from core.tables import Json


class Epoch(SQLModel, table=True):
    """One recorded epoch of a run; the primary key makes a second record of it impossible."""

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    epoch: int = Field(primary_key=True)
    attempt: int
    train_loss: float | None
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    test_loss: float | None
    test_accuracy: float
    non_finite: Json = Field(sa_type=JSON)  # names of the losses that were NaN or infinite, stored as NULL
    learning_rate: float  # of the epoch's last step
    seconds: float
    train_seconds: float
    evaluation_seconds: float
    checkpoint_seconds: float
    images_per_second: float
    peak_memory_bytes: int  # CPU: the whole trainer's resident set; GPU: the allocator's
    run_memory_bytes: int | None = None  # CPU: how far that rose above the warm trainer before the run; GPU: the same
    cores_busy_beside: float | None = None  # CPU cores that the machine was busy with beside this trainer, on average
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class Fingerprint(SQLModel, table=True):
    """What the weights were after an epoch. Beside the epoch, not in it: who reads figures does not read these."""

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    epoch: int = Field(primary_key=True)
    tensors: Json = Field(sa_type=JSON)  # {"0.weight": "9f86d081884c7d65"}, in the order of the network


class EpochAnswers(SQLModel, table=True):
    """What the network said of each test image after an epoch: core/epoch_answers.py. Beside the epoch, not in it."""

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    epoch: int = Field(primary_key=True)
    content: bytes = Field(sa_type=LargeBinary)


class Progress(SQLModel, table=True):
    """Where a running run stands: one overwritten row, at most twice a second."""

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    attempt: int
    sequence: int  # grows with every overwrite, so that a follower sees a change
    phase: str
    message: str
    epoch: int
    step: int
    steps_per_epoch: int
    images_per_second: float | None
    losses: Json = Field(sa_type=JSON)  # [[step, mean loss since the report before], ...] of this epoch


class Artifact(SQLModel, table=True):
    """A file a run left, below <data folder>/runs/<run id>/."""

    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE", index=True)
    kind: str  # checkpoint, best_checkpoint, weights; core/exports.py: onnx, predictions, tensorboard
    file_name: str
    sha256: str
    num_bytes: int
    epoch: int
    attempt: int
    facts: Json = Field(default=None, sa_type=JSON, nullable=True)  # what was found out about it: {"num_correct": 9893}
    created_at: datetime = Field(sa_type=UtcDateTime)


class LogLine(SQLModel, table=True):
    """One line that the trainer said about a run."""

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE", index=True)
    attempt: int
    line: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)
