"""A run alone: on a CPU as `train` says it; on a GPU a stack of one, whose steps are replayed as a CUDA graph."""

from collections.abc import Callable, Iterator

import torch

from core.architectures.layers import Layers
from core.dataset_store import MaterialisedDataset
from core.records import TrainedEpoch
from core.run_config import RunConfig
from worker.batches import splits_of
from worker.models import build
from worker.stacked import StackedTraining
from worker.train import StepReport, Training, TrainingDiverged


def training_of(
    config: RunConfig, layers: Layers, dataset: MaterialisedDataset, device: torch.device
) -> "Training | StackOfOne":
    """Raises TooFewImages."""
    if device.type == "cuda":
        return StackOfOne(config, layers, dataset, device)
    return Training(config, layers, splits_of(dataset, config, device))


class StackOfOne:
    """What Training is, by the steps of a stack: the same draws, so the same numbers within float tolerance.

    `model` has the weights of the last epoch's end; `splits` holds all of train, and no val.
    """

    def __init__(self, config: RunConfig, layers: Layers, dataset: MaterialisedDataset, device: torch.device) -> None:
        self._stacked = StackedTraining([config], [layers], dataset, device)
        self.config, self.splits = config, self._stacked.splits
        self.model = build(layers, tuple(self.splits.train.images.shape[1:])).to(device)
        self._take_over()

    @property
    def epochs_done(self) -> int:
        return self._stacked.epochs_done

    def _take_over(self) -> None:
        self.model.load_state_dict(self._stacked.model_state(0))

    def tensors(self) -> dict[str, torch.Tensor]:
        return self._stacked.tensors(0)

    def restore(self, tensors: dict[str, torch.Tensor], epochs_done: int) -> None:
        self._stacked.restore(0, tensors, epochs_done)
        self._take_over()

    def start_from(self, weights: dict[str, torch.Tensor]) -> None:
        self._stacked.start_from(0, weights)
        self._take_over()

    def epochs(self, report: Callable[[StepReport], None]) -> Iterator[TrainedEpoch]:
        """Raises TrainingDiverged."""
        for news in self._stacked.epochs(lambda reports: report(reports[0])):
            epoch = news[0]
            if isinstance(epoch, TrainingDiverged):
                raise epoch
            self._take_over()
            yield epoch
