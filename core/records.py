"""What a trainer hands over to be recorded. Without the database, which the trainer does not know."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochFigures:
    """What the trainer measured of one epoch. Accuracies are fractions; a loss may be NaN or infinite."""

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
    checkpoint_seconds: float
    images_per_second: float
    peak_memory_bytes: int


@dataclass(frozen=True)
class WrittenFile:
    """A file that lies complete on disk, below the run's folder."""

    kind: str
    file_name: str
    sha256: str
    num_bytes: int
    epoch: int
