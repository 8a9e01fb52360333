"""Model, optimizer and sums of a stack, row by row, and the steps of an epoch; whose they are, `stacked` knows."""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from core.architectures.layers import Layers
from core.run_config import RunConfig
from worker.stack_evaluation import autocast, smoothed_cross_entropy
from worker.stack_graph import Pace, Replayed
from worker.stack_inputs import Inputs, StackedSplits
from worker.stack_model import StackedModel
from worker.stack_optimizer import StackedOptimizer


class Stack:
    """`loss_sum` and `num_correct`: (K,), of the images met since `forget_sums`, on the device."""

    def __init__(
        self, configs: Sequence[RunConfig], layers: Sequence[Layers], splits: StackedSplits, device: torch.device
    ) -> None:
        self.configs, self.splits, self.device = list(configs), splits, device
        self.model = StackedModel(configs, layers, tuple(splits.splits.train.images.shape[1:]), device)
        self._optimizer = StackedOptimizer(configs, self.model)
        self._prepare()

    def _prepare(self) -> None:
        count, configs, size = len(self.configs), self.configs, self.configs[0].batch_size
        num_full, num_rest = divmod(self.num_images, size)
        self.steps_per_epoch = num_full + (num_rest > 0)
        self._smoothing = torch.tensor([[config.label_smoothing] for config in configs], device=self.device)
        self.loss_sum = torch.zeros(count, dtype=torch.float64, device=self.device)
        self.num_correct = torch.zeros(count, dtype=torch.int64, device=self.device)
        self._full = Inputs(configs, self.splits, self.model.dropouts, size, num_full)
        self._rest = Inputs(configs, self.splits, self.model.dropouts, num_rest, 1)
        self._full_step = Replayed(self.device)

    @property
    def num_images(self) -> int:
        """That each member is trained on."""
        return self.splits.kept.shape[1]

    def keep(self, rows: list[int]) -> None:
        """Leaves out the other rows: nothing more is computed for them."""
        self.configs = [self.configs[row] for row in rows]
        self.splits = self.splits.keep(rows)
        self.model.keep(rows)
        self._optimizer.keep(rows)
        self._prepare()

    def tensors(self, row: int) -> dict[str, Tensor]:
        """As a lone run's, `worker.train.Training.tensors`."""
        return self.model.state(row) | self._optimizer.state(row)

    def restore(self, row: int, tensors: dict[str, Tensor]) -> None:
        self.model.load(row, tensors)
        self._optimizer.load(row, tensors)

    def forget_sums(self) -> None:
        self.loss_sum.zero_()
        self.num_correct.zero_()

    def steps(self, epoch: int) -> Iterator[int]:
        """Computes, or has the GPU compute, one step after the other of an epoch; yields the number of each."""
        order, pace = self.splits.order(self.configs, epoch), Pace(self.device)
        full_step = partial(self._step, self._full)
        num_full = self.num_images // self.configs[0].batch_size
        for first in range(1, num_full + 1, self._full.num_ahead):
            steps = range(first, min(first + self._full.num_ahead, num_full + 1))
            self._full.fill(order, epoch, steps)
            for step in steps:
                self._full_step(full_step)
                pace.after_step()
                yield step
        if num_full < self.steps_per_epoch:
            self._rest.fill(order, epoch, range(self.steps_per_epoch, self.steps_per_epoch + 1))
            self._step(self._rest)
            yield self.steps_per_epoch

    def _step(self, inputs: Inputs) -> None:
        """One optimizer update of every row. The host learns nothing of it, so that a graph can hold it."""
        images, labels, masks, rates = inputs.next()
        with autocast(self.device, self.configs[0].precision):
            outputs = self.model(images, masks)  # (K, B, classes)
        losses = smoothed_cross_entropy(outputs, labels, self._smoothing).mean(1)
        # Members share no weight, so the sum's gradient is to each that of its own loss.
        gradients = torch.autograd.grad(losses.sum(), list(self.model.parameters.values()))
        self._optimizer.step(gradients, rates)
        self.loss_sum.add_(losses.detach() * inputs.size)
        self.num_correct.add_((outputs.detach().argmax(2) == labels).sum(1))
