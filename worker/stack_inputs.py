"""What the steps of a stack take in: images and labels of each member's own order, masks, learning rates.

Drawn on the CPU by the same pure functions as for a lone run, some steps ahead, into buffers that stay where they are:
a CUDA graph reads them at every replay, at the place that a counter on the device says.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import prod

import torch
from torch import Tensor

from core.architectures.outcomes import Shape
from core.dataset_store import MaterialisedDataset
from core.run_config import RunConfig
from core.schedules import learning_rate_at
from worker.batches import (
    Splits,
    augmentation_draws,
    augmentation_maps,
    held_out_and_kept,
    moved,
    shuffled,
    split_of,
)
from worker.randomness import generator

# Guesses, untuned: on a GPU the steps of one chunk are drawn while those before are computed.
MAX_STEPS_AHEAD = 32
MAX_MASK_BYTES = 64 << 20
# torch draws 10 ns for each value of a mask, one after another: 2.5 ms a step for 20 runs of lenet5-moon.
MAX_DRAWING_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class StackedSplits:
    """The images once, and which of train each member trains (K, N) and validates (K, V) on."""

    splits: Splits
    kept: Tensor
    held_out: Tensor

    def keep(self, rows: list[int]) -> "StackedSplits":
        """Leaves out the other members."""
        return StackedSplits(self.splits, self.kept[rows], self.held_out[rows])

    def order(self, configs: Sequence[RunConfig], epoch: int) -> Tensor:
        """(N, K) Positions in train in each member's order of the epoch."""
        orders = torch.stack([shuffled(self.kept.shape[1], config, epoch) for config in configs])
        return self.kept.gather(1, orders.to(self.kept.device)).t().contiguous()

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Positions (B, K) -> images (B·K, C, H, W) as stored, labels (K, B)."""
        train = self.splits.train
        return train.images.index_select(0, chosen.flatten()), train.labels[chosen.t()]

    def folded(self, images: Tensor) -> Tensor:
        """(B·K, C, H, W) as stored or moved -> (B, K·C, H, W) as the network sees them."""
        return self.splits.normalised(images).view(-1, len(self.kept) * images.shape[1], *images.shape[2:])


def stacked_splits_of(
    dataset: MaterialisedDataset, configs: Sequence[RunConfig], device: torch.device
) -> StackedSplits:
    """Raises TooFewImages."""
    train, test = (split_of(dataset, name, device) for name in ("train", "test"))
    chosen = [held_out_and_kept(config, len(train)) for config in configs]
    held_out, kept = (torch.stack(each).to(device) for each in zip(*chosen, strict=True))
    return StackedSplits(Splits(train, None, test, dataset.manifest.mean, dataset.manifest.std), kept, held_out)


class Inputs:
    """Buffers for the next `num_ahead` steps of `size` images per member; more than `most` are never needed."""

    def __init__(
        self,
        configs: Sequence[RunConfig],
        splits: StackedSplits,
        dropouts: Sequence[tuple[Shape, list[float]]],
        size: int,
        most: int,
    ) -> None:
        self.configs, self.splits, self.size, self._dropouts = configs, splits, size, dropouts
        self._pool = ThreadPoolExecutor(MAX_DRAWING_THREADS)  # starts none before there is something to draw
        device, count = splits.kept.device, len(configs)
        mask_bytes = count * size * sum(prod(shape) for shape, _ in dropouts)
        self.num_ahead = ahead = max(1, min(most, MAX_STEPS_AHEAD, MAX_MASK_BYTES // max(1, mask_bytes)))
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self._chosen = torch.zeros(ahead, size, count, dtype=torch.int64, device=device)
        self._rates = torch.zeros(ahead, count, 1, device=device)
        self._maps = torch.zeros(ahead, size * count, 2, 3, device=device)
        self._masks = [torch.ones(ahead, count, size, *shape, dtype=torch.bool, device=device) for shape, _ in dropouts]

    def fill(self, order: Tensor, epoch: int, steps: range) -> None:
        """Draws for these steps of the epoch; `order` is that of StackedSplits."""
        first = (steps[0] - 1) * self.configs[0].batch_size
        self._place.zero_()
        self._chosen[: len(steps)] = order[first : first + len(steps) * self.size].view(len(steps), self.size, -1)
        _copy(self._rates, [self._drawn_rates(epoch, step) for step in steps])
        if self.configs[0].augmentation != "none":
            _copy(self._maps, [self._drawn_maps(epoch, step) for step in steps])
        if self._masks:
            drawn_masks = zip(*self._pool.map(partial(self._drawn_masks, epoch), steps), strict=True)
            for masks, drawn in zip(self._masks, drawn_masks, strict=True):
                _copy(masks, drawn)

    def _drawn_rates(self, epoch: int, step: int) -> Tensor:
        """(K, 1)"""
        num_images, batch_size = self.splits.kept.shape[1], self.configs[0].batch_size
        per_epoch = -(-num_images // batch_size)
        step_of_run = (epoch - 1) * per_epoch + step
        return torch.tensor([[learning_rate_at(config, step_of_run, per_epoch)] for config in self.configs])

    def _drawn_maps(self, epoch: int, step: int) -> Tensor:
        """(B·K, 2, 3)"""
        draws = [augmentation_draws(config, epoch, step, self.size) for config in self.configs]
        return augmentation_maps(
            torch.stack(draws, dim=1).flatten(0, 1), self.configs[0], self.splits.splits.train.images.shape
        )

    def _drawn_masks(self, epoch: int, step: int) -> list[Tensor]:
        """(K, B, *shape) of each dropout: the numbers that nn.Dropout draws after torch.manual_seed."""
        masks = [torch.ones(len(self.configs), self.size, *shape, dtype=torch.bool) for shape, _ in self._dropouts]
        for row, config in enumerate(self.configs):
            numbers = generator(config.seed, "dropout", epoch, step)
            for mask, (_, dropped) in zip(masks, self._dropouts, strict=True):
                if dropped[row]:  # else torch draws nothing either
                    mask[row].bernoulli_(1 - dropped[row], generator=numbers)
        return masks

    def next(self) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
        """Images (B, K·C, H, W), labels (K, B), masks, learning rates (K, 1); the host knows nothing of it."""
        chosen, rates, *masks = (self._current(each) for each in (self._chosen, self._rates, *self._masks))
        images, labels = self.splits.batch(chosen)
        if self.configs[0].augmentation != "none":
            images = moved(images, self._current(self._maps), self.configs[0])
        self._place.add_(1)
        return self.splits.folded(images), labels, masks, rates

    def _current(self, buffer: Tensor) -> Tensor:
        return buffer.index_select(0, self._place).squeeze(0)


def _copy(buffer: Tensor, drawn: Sequence[Tensor]) -> None:
    """From pinned memory, so that the host need not wait until the GPU has used what was there before."""
    host = torch.stack(list(drawn))
    if buffer.is_cuda:
        host = host.pin_memory()
    buffer[: len(host)].copy_(host, non_blocking=True)
