"""Why a run failed and what can be done, in words fit for the page."""

import traceback
from pathlib import Path

import torch

from core.datasets import DatasetUnavailable
from core.run_config import RunConfig
from worker.batches import TooFewImages
from worker.checkpoints import CheckpointBroken
from worker.device import DeviceUnavailable
from worker.train import TrainingDiverged

AGAIN = "Launch it again: the same config and seed give the same result."


def is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error)


def explained(error: Exception, config: RunConfig, folder: Path) -> tuple[str, str, str | None]:
    """Reason, suggestion, and a dataset on which the same run would work."""
    match error:
        case DatasetUnavailable():
            other = "digits" if config.dataset != "digits" else None
            return error.reason, error.suggestion, other
        case TrainingDiverged():
            lower = f"Lower the learning rate (it was {config.learning_rate:g}), for example to"
            return str(error), f"{lower} {config.learning_rate / 10:g}, or use a warm-up.", None
        case CheckpointBroken() if config.source is not None:
            where = f"It takes the file from run {config.source.run_id} anew; is that one damaged, restore a backup."
            return str(error), f"Launch it again. {where}", None
        case CheckpointBroken():
            return str(error), AGAIN, None
        case DeviceUnavailable():
            return str(error), "Launch it with device auto or cpu.", None
        case TooFewImages():
            return str(error), "Hold out fewer images.", None
        case OSError():
            kept = "Then requeue the run: it goes on after its last recorded epoch."
            return (
                f"A file in {folder} could not be written: {error.strerror or error}.",
                f"Free disk space. {kept}",
                None,
            )
    if "deterministic implementation" in str(error):
        return (
            f"The GPU has no deterministic way to compute this network: {error}",
            "Launch it with device cpu, or start the worker without TRAINYARD_DETERMINISTIC.",
            None,
        )
    if is_out_of_memory(error):
        return "The machine ran out of memory.", "Use a smaller batch size or a smaller network.", None
    traceback.print_exception(error)  # into the run's log
    return (
        f"{type(error).__name__}: {error}",
        "The log below says where. If it looks like our mistake, report it.",
        None,
    )
