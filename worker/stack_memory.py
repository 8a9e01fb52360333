"""How many runs are stacked on a GPU: as many as its memory holds, which is measured."""

import gc
from contextlib import suppress

import torch

from core.architectures.layers import Layers
from core.dataset_store import MaterialisedDataset
from core.run_config import RunConfig
from worker.stacked import StackedTraining
from worker.train import StepReport

MAX_MEMBERS = 64  # beyond it the host draws masks for longer than a GPU computes. Guess, untuned
FREE_SHARE = 0.8  # the rest is for others and for what the allocator cannot use. Guess, untuned


def members_that_fit(config: RunConfig, layers: Layers, dataset: MaterialisedDataset, device: torch.device) -> int:
    """How many runs like this one the memory free on the GPU holds at once, measured by stacks of one and two.

    1 on a CPU, where stacking does not pay (docs/performance.md). Takes about a second, not counting cuDNN's start.
    """
    if device.type != "cuda":
        return 1
    one, two = (_reserved_bytes(count, config, layers, dataset, device) for count in (1, 2))
    free_gpu_memory()
    return members_within(torch.cuda.mem_get_info()[0], one, two)


def members_within(free_bytes: int, one: int, two: int) -> int:
    """`one`, `two`: what stacks of so many members take. What a second adds, every further one adds."""
    each = max(two - one, 1)
    fitting = (int(free_bytes * FREE_SHARE) - (one - each)) // each
    return max(1, min(MAX_MEMBERS, fitting))


def _reserved_bytes(
    count: int, config: RunConfig, layers: Layers, dataset: MaterialisedDataset, device: torch.device
) -> int:
    """What the allocator takes for steps as they are, their graph and an evaluation."""
    free_gpu_memory()
    before = torch.cuda.memory_reserved()
    torch.cuda.reset_peak_memory_stats()
    configs = [config.model_copy(update={"seed": seed}) for seed in range(count)]
    rehearse(StackedTraining(configs, [layers] * count, dataset, device))
    return torch.cuda.max_memory_reserved() - before


def free_gpu_memory() -> None:
    """Gives back what nobody holds any more, nor only a cycle of objects does. Nothing to do without a GPU."""
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


class _Seen(Exception):
    """Enough of the training."""


def rehearse(training: StackedTraining) -> None:
    """Trains until the first report, at most half a second or an epoch, and evaluates."""

    def stop(_: dict[int, StepReport]) -> None:
        raise _Seen

    with suppress(_Seen):
        next(training.epochs(stop))
    training.evaluate()
