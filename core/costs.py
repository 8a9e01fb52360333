"""What a run takes of time and memory: the figures by name, and their range over several runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal, get_args

Cost = Literal[
    "seconds_per_epoch", "train_seconds_per_epoch", "evaluation_seconds_per_epoch", "checkpoint_seconds_per_epoch",
    "images_per_second", "run_memory_bytes", "peak_memory_bytes", "checkpoint_bytes", "single_image_seconds",
    "batch_seconds", "cores_busy_beside",
]  # fmt: skip
COSTS: tuple[Cost, ...] = get_args(Cost)


@dataclass(frozen=True)
class CostRange:
    """What n runs took: seeds, and repeats of the same seed alike."""

    n: int
    mean: float
    median: float
    low: float
    high: float


def cost_range(values: Iterable[float | None]) -> CostRange | None:
    """Over the runs that were measured; None where none was."""
    known = [value for value in values if value is not None]
    return CostRange(len(known), fmean(known), median(known), min(known), max(known)) if known else None
