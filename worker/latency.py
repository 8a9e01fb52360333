"""How long a trained network takes to answer: for one image, and for a batch."""

import time
from statistics import median

import torch
from torch import nn

from worker.batches import Splits
from worker.train import EVALUATION_BATCH

# Bounds what a run pays for it: two measurements of 50 ms. In that lenet5 answers 250 times: enough for a median.
BUDGET_SECONDS = 0.05
LEAST, MOST = 3, 201  # answers that are measured: of a network that is slow, or as fast as none
WARM_UP = 3
# Of one so slow that even these take longer, fewer: a cancel waits for it. Then the last answer may be the only one.
PATIENCE_SECONDS = 0.5


def measure_latency(model: nn.Module, splits: Splits, precision: str) -> dict[str, float | int]:
    """Median seconds from uint8 images of the test split on the device to answers, and how many a batch holds.

    The model is left in evaluation mode.
    """
    model.eval()
    num_batch = min(len(splits.test), EVALUATION_BATCH[splits.test.labels.device.type])
    return {
        "single_image_seconds": _median_seconds(model, splits, splits.test.images[:1], precision),
        "batch_seconds": _median_seconds(model, splits, splits.test.images[:num_batch], precision),
        "batch_images": num_batch,
    }


@torch.inference_mode()
def _median_seconds(model: nn.Module, splits: Splits, images: torch.Tensor, precision: str) -> float:
    """Each answer is waited for, on a GPU too."""
    device, taken = images.device, list[float]()
    while _goes_on(taken):
        started = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            model(splits.normalised(images))
        if device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return median(taken[WARM_UP:] or taken[-1:])


def _goes_on(taken: list[float]) -> bool:
    budget = BUDGET_SECONDS if len(taken) >= LEAST + WARM_UP else PATIENCE_SECONDS
    return len(taken) < MOST + WARM_UP and sum(taken) < budget
