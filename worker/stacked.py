"""Several runs trained as one model: they differ only in seed, learning rate, momentum, weight decay, dropout rates
or label smoothing. The recipe of `worker.train`, member by member the same numbers within float tolerance.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from core.architectures.layers import Layers
from core.dataset_store import MaterialisedDataset
from core.records import TrainedEpoch
from core.run_config import RunConfig
from core.schedules import learning_rate_at
from core.stacking import stack_key
from worker.answers import packed, says_probabilities
from worker.batches import Splits
from worker.device import forget_peak_memory, peak_memory_bytes
from worker.stack import Stack
from worker.stack_evaluation import Evaluation, evaluated, test_batches, val_batches
from worker.stack_inputs import stacked_splits_of
from worker.train import REPORT_SECONDS, StepReport, TrainingDiverged

Report = Callable[[dict[int, StepReport]], None]
News = dict[int, TrainedEpoch | TrainingDiverged]


class StackedTraining:
    """The stacked model and optimizer, and the epochs they have behind them.

    A member is named by its position in `configs`; all have one `core.stacking.stack_key`. `members`: the positions
    still trained, in order; shrunk by `drop` only. Those that left stay as rows of the model until the epoch's end.
    """

    def __init__(
        self,
        configs: Sequence[RunConfig],
        layers: Sequence[Layers],
        dataset: MaterialisedDataset,
        device: torch.device,
    ) -> None:
        """Images lie on the device once for all members; which of them are held out is each seed's choice.

        Raises TooFewImages.
        """
        assert len({stack_key(*each) for each in zip(configs, layers, strict=True)}) == 1
        self.configs, self.device, self.epochs_done = list(configs), device, 0
        self.members = list(range(len(configs)))
        self._rows = list(self.members)  # whose row of the stack it is
        self._says_probabilities = says_probabilities(layers[0])
        self._done = dict.fromkeys(self.members, 0)
        self._stack = Stack(configs, layers, stacked_splits_of(dataset, configs, device), device)

    @property
    def splits(self) -> Splits:
        """All of train, and no val: what is held out is each member's own."""
        return self._stack.splits.splits

    @property
    def steps_per_epoch(self) -> int:
        return self._stack.steps_per_epoch

    def tensors(self, member: int) -> dict[str, Tensor]:
        """Names, shapes and meaning of Training.tensors(): a stacked run's checkpoint is that of a lone run."""
        return self._stack.tensors(self._rows.index(member))

    def model_state(self, member: int) -> dict[str, Tensor]:
        """The weights alone, as Training.model.state_dict()."""
        return self._stack.model.state(self._rows.index(member))

    def restore(self, member: int, tensors: dict[str, Tensor], epochs_done: int) -> None:
        """Before `epochs`. Every member must have the same number of epochs done when training begins."""
        self._stack.restore(self._rows.index(member), tensors)
        self._done[member] = epochs_done

    def start_from(self, member: int, weights: dict[str, Tensor]) -> None:
        """Another run's weights in place of fresh ones, before the first epoch."""
        self._stack.model.load(self._rows.index(member), weights)

    def drop(self, member: int) -> None:
        """Leaves the stack: cancelled, paused, ended early. The others' numbers do not change."""
        self.members.remove(member)

    def epochs(self, report: Report) -> Iterator[News]:
        """Trains epoch after epoch until the last, or until no member is left.

        `report` comes at least every 0.5 s with what each member does; it may `drop`, and what it raises ends all.
        A member whose loss is no longer finite at a report is dropped and handed over at once as {member:
        TrainingDiverged}, in the middle of an epoch; the epochs of the others come together at its end. Between two
        of them `tensors`, `model_state` and `drop` may be called, also for a member dropped in this epoch.
        Seconds and peak memory are those of the whole stack, images per second those of one member.
        """
        [self.epochs_done] = {self._done[member] for member in self.members}
        for epoch in range(self.epochs_done + 1, self.configs[0].epochs + 1):
            self._leave_out_dropped()
            forget_peak_memory(self.device)
            started = time.perf_counter()
            yield from self._train_epoch(epoch, report)
            if not self.members:
                return
            trained = time.perf_counter()
            say = partial(self._say, report, "evaluating", epoch, self.steps_per_epoch, None, [None] * len(self._rows))
            say()
            evaluations = self.evaluate(say)
            if not self.members:
                return
            self.epochs_done = epoch
            yield self._figures(epoch, evaluations, trained - started, time.perf_counter() - trained)
            if not self.members:
                return

    def _leave_out_dropped(self) -> None:
        rows = [row for row, member in enumerate(self._rows) if member in self.members]
        if len(rows) < len(self._rows):
            self._rows = list(self.members)
            self._stack.keep(rows)

    def _train_epoch(self, epoch: int, report: Report) -> Iterator[News]:
        """Yields those that diverged."""
        stack, batch_size = self._stack, self.configs[0].batch_size
        stack.forget_sums()
        reported_at, reported, reported_images = time.perf_counter(), [0.0] * len(self._rows), 0
        for step in stack.steps(epoch):
            if time.perf_counter() - reported_at < REPORT_SECONDS and step < self.steps_per_epoch:
                continue
            sums: list[float] = stack.loss_sum.tolist()
            now, images = time.perf_counter(), min(step * batch_size, stack.num_images)
            if diverged := self._diverged(sums, epoch, step):
                yield diverged
            fresh = images - reported_images
            losses = [(total - before) / fresh for total, before in zip(sums, reported, strict=True)]
            self._say(report, "training", epoch, step, fresh / (now - reported_at), losses)
            if not self.members:
                return
            reported_at, reported, reported_images = now, sums, images

    def _diverged(self, sums: list[float], epoch: int, step: int) -> News:
        lost = [member for row, member in self._present() if not math.isfinite(sums[row])]
        for member in lost:
            self.drop(member)
        return {member: TrainingDiverged(epoch, step) for member in lost}

    def _present(self) -> list[tuple[int, int]]:
        """Row and member of those still trained."""
        return [(row, member) for row, member in enumerate(self._rows) if member in self.members]

    def _say(
        self, report: Report, phase: str, epoch: int, step: int, speed: float | None, losses: Sequence[float | None]
    ) -> None:
        if self.members:
            steps = self.steps_per_epoch
            report({each: StepReport(phase, epoch, step, steps, speed, losses[row]) for row, each in self._present()})

    def evaluate(self, say: Callable[[], None] = lambda: None) -> list[Evaluation]:
        """Row by row, on the images held out, if any are, and on the test split; `say` is called now and then."""
        stack, config = self._stack, self.configs[0]
        batches = [val_batches(stack.splits)] if config.num_validation_images else []
        return [
            evaluated(stack.model, each, config.precision, say, are_probabilities=self._says_probabilities)
            for each in (*batches, test_batches(stack.splits))
        ]

    def _figures(
        self, epoch: int, evaluations: list[Evaluation], train_seconds: float, evaluation_seconds: float
    ) -> News:
        stack, steps = self._stack, self.steps_per_epoch
        loss_sum, num_correct = stack.loss_sum.tolist(), stack.num_correct.tolist()
        val, test = evaluations[0] if len(evaluations) > 1 else None, evaluations[-1]
        return {
            member: TrainedEpoch(
                epoch=epoch,
                train_loss=loss_sum[row] / stack.num_images,
                train_accuracy=num_correct[row] / stack.num_images,
                val_loss=val.losses[row] if val is not None else None,
                val_accuracy=val.accuracies[row] if val is not None else None,
                test_loss=test.losses[row],
                test_accuracy=test.accuracies[row],
                learning_rate=learning_rate_at(self.configs[member], epoch * steps, steps),
                train_seconds=train_seconds,
                evaluation_seconds=evaluation_seconds,
                images_per_second=stack.num_images / train_seconds,
                peak_memory_bytes=peak_memory_bytes(self.device),
                test_answers=packed([test.answers[row]]),
            )
            for row, member in self._present()
        }
