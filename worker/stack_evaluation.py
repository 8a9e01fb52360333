"""Losses of a stack, and the figures of each member on a split."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from worker.answers import answers_of
from worker.stack_graph import Pace
from worker.stack_inputs import StackedSplits
from worker.stack_model import StackedModel
from worker.train import EVALUATION_BATCH, REPORT_SECONDS

MIN_BATCH = 50  # images of each member: they share the memory of a lone run's batch. Guess, untuned


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy, without label smoothing, and accuracy of each row; its answers, (rows, N, 2)."""

    losses: list[float]
    accuracies: list[float]
    answers: Tensor


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """No cache: a graph would keep weights as they were when it was captured."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)


def smoothed_cross_entropy(outputs: Tensor, labels: Tensor, smoothing: Tensor) -> Tensor:
    """(K, B, classes), (K, B), (K, 1) -> (K, B): torch's, each row with its own label smoothing."""
    log = outputs.float().log_softmax(2)
    # One row an image: for more dimensions, and for gather, CUDA has no deterministic way.
    of_label = functional.nll_loss(log.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)
    return (1 - smoothing) * of_label - smoothing * log.mean(2)


@torch.inference_mode()
def evaluated(
    model: StackedModel,
    batches: Iterator[tuple[Tensor, Tensor]],
    precision: str,
    say: Callable[[], None],
    *,
    are_probabilities: bool,
) -> Evaluation:
    """Over images (B, K·C, H, W) and labels (K, B). Calls `say` at least every half second."""
    device = model.values.device
    loss_sum = torch.zeros(len(model), dtype=torch.float64, device=device)
    num_correct, num_images = torch.zeros(len(model), dtype=torch.int64, device=device), 0
    answers: list[Tensor] = []
    pace, said_at = Pace(device), time.perf_counter()
    for images, labels in batches:
        with autocast(device, precision):
            outputs = model(images, None).float()
        loss_sum += smoothed_cross_entropy(outputs, labels, loss_sum.new_zeros(1)).sum(1)
        num_correct += (outputs.argmax(2) == labels).sum(1)
        num_images += labels.shape[1]
        answers.append(answers_of(outputs, labels, are_probabilities=are_probabilities))
        pace.after_step()
        if time.perf_counter() - said_at >= REPORT_SECONDS:
            say()
            said_at = time.perf_counter()
    # Divided here: the device would divide whole numbers as float32.
    losses, accuracies = ([each / num_images for each in sums.tolist()] for sums in (loss_sum, num_correct))
    return Evaluation(losses, accuracies, torch.cat(answers, 1))


def val_batches(splits: StackedSplits) -> Iterator[tuple[Tensor, Tensor]]:
    """Of the images that each member holds out."""
    for chosen in torch.split(splits.held_out.t(), _size(splits)):
        images, labels = splits.batch(chosen)
        yield splits.folded(images), labels


def test_batches(splits: StackedSplits) -> Iterator[tuple[Tensor, Tensor]]:
    """Of the test split, for every member the same."""
    test, count = splits.splits.test, len(splits.kept)
    for images, labels in zip(*(torch.split(each, _size(splits)) for each in (test.images, test.labels)), strict=True):
        yield splits.splits.normalised(images).repeat(1, count, 1, 1), labels.expand(count, -1)


def _size(splits: StackedSplits) -> int:
    return max(MIN_BATCH, EVALUATION_BATCH[splits.kept.device.type] // len(splits.kept))
