"""Several runs trained as one model: they differ only in seed, learning rate, momentum, weight decay, dropout rates
or label smoothing. The recipe of `worker.train`, member by member the same numbers within float tolerance.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from core.architectures.layers import Layers
from core.dataset_store import MaterialisedDataset
from core.records import TrainedEpoch
from core.run_config import RunConfig
from worker.train import StepReport, TrainingDiverged


class StackedTraining:
    """The stacked model and optimizer, and the epochs they have behind them.

    A member is named by its position in `configs`. What belongs to all alike (epochs, batch size, optimizer, schedule,
    augmentation, number of validation images, precision, layers but for their dropout rates) is asserted to be equal.
    `members`: the positions still trained, in order; may be shrunk by `drop` only.
    """

    members: list[int]
    epochs_done: int

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
        raise NotImplementedError

    def tensors(self, member: int) -> dict[str, Tensor]:
        """Names, shapes and meaning of Training.tensors(): a stacked run's checkpoint is that of a lone run."""
        raise NotImplementedError

    def model_state(self, member: int) -> dict[str, Tensor]:
        """The weights alone, as Training.model.state_dict()."""
        raise NotImplementedError

    def restore(self, member: int, tensors: dict[str, Tensor], epochs_done: int) -> None:
        """Before `epochs`. Every member must have the same number of epochs done when training begins."""
        raise NotImplementedError

    def drop(self, member: int) -> None:
        """Leaves the stack: cancelled, paused, ended early. The others' numbers do not change."""
        raise NotImplementedError

    def epochs(
        self, report: Callable[[dict[int, StepReport]], None]
    ) -> Iterator[dict[int, TrainedEpoch | TrainingDiverged]]:
        """Trains epoch after epoch until the last, or until no member is left.

        `report` comes at least every 0.5 s with what each member does; it may `drop`, and what it raises ends all.
        A member whose loss is no longer finite at a report is dropped and handed over at once as {member:
        TrainingDiverged}, in the middle of an epoch; the epochs of the others come together at its end. Between two
        of them `tensors`, `model_state` and `drop` may be called, also for a member dropped in this epoch.
        Seconds and peak memory are those of the whole stack, images per second those of one member.
        """
        raise NotImplementedError


def members_that_fit(config: RunConfig, layers: Layers, dataset: MaterialisedDataset, device: torch.device) -> int:
    """How many runs like this one the memory free on the GPU holds at once, measured by stacks of one and two.

    1 on a CPU, where stacking does not pay (docs/performance.md).
    """
    raise NotImplementedError
