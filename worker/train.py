"""The recipe, readable top to bottom: one run config, from its first or next epoch to its last.

Knows no queue, no database and no web. All randomness is a pure function of (seed, purpose, epoch, step).
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from core.architectures.layers import Layers
from core.records import TrainedEpoch
from core.run_config import RunConfig
from core.schedules import learning_rate_at
from worker.answers import answers_of, packed, says_probabilities
from worker.batches import Split, Splits, train_batches
from worker.device import forget_peak_memory, peak_memory_bytes
from worker.models import build
from worker.optimizers import build_optimizer, restore_state, state_tensors
from worker.randomness import derived_seed

# A cancel is promised within 0.5 s, and a progress row at most twice a second; both happen at a report.
REPORT_SECONDS = 0.4
# CPU, measured: lenet5's test split of MNIST in 0.15 s against 0.41 s at 1000, as activations stay in the cache, and
# the peak of lenet5-moon2 125 MiB lower. GPU: a guess, untuned; there the overhead of each call is what counts.
EVALUATION_BATCH = {"cpu": 100, "cuda": 1000}


class TrainingDiverged(ArithmeticError):
    """The training loss is no longer a number."""

    def __init__(self, epoch: int, step: int) -> None:
        super().__init__(f"The training loss became NaN or infinite in epoch {epoch}, by step {step}.")


@dataclass(frozen=True)
class StepReport:
    """Where training stands. `loss` is the mean over the images since the report before; None while evaluating."""

    phase: str
    epoch: int
    step: int
    steps_per_epoch: int
    images_per_second: float | None
    loss: float | None


class Training:
    """The model and optimizer of one run, and the epochs they have behind them."""

    def __init__(self, config: RunConfig, layers: Layers, splits: Splits) -> None:
        self.config, self.splits, self.epochs_done = config, splits, 0
        self.device = splits.train.labels.device
        torch.manual_seed(derived_seed(config.seed, "initialisation"))
        self.model = build(layers, tuple(splits.train.images.shape[1:])).to(self.device)
        self.optimizer = build_optimizer(config, self.model)
        self._says_probabilities = says_probabilities(layers)
        self._has_dropout = any(isinstance(module, nn.Dropout) for module in self.model.modules())

    def tensors(self) -> dict[str, torch.Tensor]:
        """Weights and optimizer state by name: all that a checkpoint holds."""
        return self.model.state_dict() | state_tensors(self.optimizer)

    def restore(self, tensors: dict[str, torch.Tensor], epochs_done: int) -> None:
        """Goes on from a checkpoint as if never interrupted."""
        weights = self.model.state_dict().keys()
        self.model.load_state_dict({name: tensor for name, tensor in tensors.items() if name in weights})
        restore_state(self.optimizer, tensors)
        self.epochs_done = epochs_done

    def start_from(self, weights: dict[str, torch.Tensor]) -> None:
        """Another run's weights in place of fresh ones, before the first epoch."""
        self.model.load_state_dict(weights)

    def epochs(self, report: Callable[[StepReport], None]) -> Iterator[TrainedEpoch]:
        """Trains epoch after epoch. What `report` raises ends the training; raises TrainingDiverged."""
        for epoch in range(self.epochs_done + 1, self.config.epochs + 1):
            forget_peak_memory(self.device)
            started = time.perf_counter()
            train_loss, train_accuracy = self._train_epoch(epoch, report)
            trained = time.perf_counter()
            report(StepReport("evaluating", epoch, self.steps_per_epoch, self.steps_per_epoch, None, None))
            val = self._evaluate(self.splits.val) if self.splits.val is not None else (None, None)
            answers: list[torch.Tensor] = []
            test = self._evaluate(self.splits.test, answers)
            self.epochs_done = epoch
            yield TrainedEpoch(
                epoch=epoch,
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                val_loss=val[0],
                val_accuracy=val[1],
                test_loss=test[0],
                test_accuracy=test[1],
                learning_rate=learning_rate_at(self.config, epoch * self.steps_per_epoch, self.steps_per_epoch),
                train_seconds=trained - started,
                evaluation_seconds=time.perf_counter() - trained,
                images_per_second=len(self.splits.train) / (trained - started),
                peak_memory_bytes=peak_memory_bytes(self.device),
                test_answers=packed(answers),
            )

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.splits.train) / self.config.batch_size)

    def _train_epoch(self, epoch: int, report: Callable[[StepReport], None]) -> tuple[float, float]:
        """Mean loss and accuracy over the epoch's images, as they were met. Sums stay on the device."""
        self.model.train()
        loss_sum = torch.zeros((), device=self.device, dtype=torch.float64)
        num_correct = torch.zeros((), device=self.device, dtype=torch.int64)
        reported_at, reported_loss, reported_images, num_images = time.perf_counter(), 0.0, 0, 0
        for step, (images, labels) in enumerate(train_batches(self.splits, self.config, epoch), start=1):
            loss, outputs = self._step(images, labels, epoch, step)
            loss_sum += loss.detach() * len(labels)
            num_correct += (outputs.detach().argmax(1) == labels).sum()
            num_images += len(labels)
            now = time.perf_counter()
            if now - reported_at >= REPORT_SECONDS or step == self.steps_per_epoch:
                total = float(loss_sum)
                if not math.isfinite(total):
                    raise TrainingDiverged(epoch, step)
                fresh = num_images - reported_images
                speed, mean_loss = fresh / (now - reported_at), (total - reported_loss) / fresh
                report(StepReport("training", epoch, step, self.steps_per_epoch, speed, mean_loss))
                reported_at, reported_loss, reported_images = now, total, num_images
        return float(loss_sum) / num_images, int(num_correct) / num_images

    def _step(
        self, images: torch.Tensor, labels: torch.Tensor, epoch: int, step: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One optimizer update. (B, C, H, W), (B,) -> mean loss (), outputs (B, classes)."""
        if self.config.schedule != "constant":
            step_of_run = (epoch - 1) * self.steps_per_epoch + step
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate_at(self.config, step_of_run, self.steps_per_epoch)
        if self._has_dropout:
            torch.manual_seed(derived_seed(self.config.seed, "dropout", epoch, step))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            outputs = self.model(images)
            loss = functional.cross_entropy(outputs, labels, label_smoothing=self.config.label_smoothing)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        return loss, outputs

    @torch.inference_mode()
    def _evaluate(self, split: Split, answers: list[torch.Tensor] | None = None) -> tuple[float, float]:
        """Mean cross-entropy (without label smoothing) and accuracy over a split; adds to `answers` those to it."""
        loss_sum, num_correct = 0.0, 0
        for outputs, labels in evaluated(self.model, self.splits, split, self.config.precision):
            loss_sum += float(functional.cross_entropy(outputs.float(), labels, reduction="sum"))
            num_correct += int((outputs.argmax(1) == labels).sum())
            if answers is not None:
                answers.append(answers_of(outputs, labels, are_probabilities=self._says_probabilities))
        return loss_sum / len(split), num_correct / len(split)


@torch.inference_mode()
def evaluated(
    model: nn.Module, splits: Splits, split: Split, precision: str
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Outputs (B, classes) and labels (B,) of every batch of one of the splits."""
    model.eval()
    device = split.labels.device.type
    size = EVALUATION_BATCH[device]
    for images, labels in zip(torch.split(split.images, size), torch.split(split.labels, size), strict=True):
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            outputs = model(splits.normalised(images))
        yield outputs, labels
