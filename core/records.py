"""What a trainer measures and hands over to be recorded. Without the database, which the trainer does not know."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrainedEpoch:
    """Figures of one epoch: losses are means over images and may be NaN or infinite, accuracies are fractions."""

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    test_loss: float
    test_accuracy: float
    learning_rate: float
    train_seconds: float
    evaluation_seconds: float
    images_per_second: float
    peak_memory_bytes: int
    test_answers: str | None = field(default=None, kw_only=True)  # to each test image, packed: worker/answers.py


@dataclass(frozen=True)
class EpochFigures(TrainedEpoch):
    """The same once its checkpoint is written."""

    checkpoint_seconds: float
    run_memory_bytes: int | None = None  # its peak above what the warm trainer had before the run
    cores_busy_beside: float | None = None  # CPU cores busy with anything but this trainer, on average


@dataclass(frozen=True)
class WrittenFile:
    """A file that lies complete on disk, below the run's folder. `facts`: what was found out about it, as JSON."""

    kind: str
    file_name: str
    sha256: str
    num_bytes: int
    epoch: int
    facts: Mapping[str, float] | None = None
