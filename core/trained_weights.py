"""The newest weights of a run: those of its selected epoch once it has completed, until then its last checkpoint."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from sqlmodel import Session, col, select

from core.architectures.layers import LAYERS, Layers
from core.architectures.shapes import trace_classifier
from core.architectures.tensors import tensors_of
from core.datasets import ImageShape
from core.run_files import folder_of_run
from core.run_state import ENDED
from core.run_tables import Artifact
from core.tables import Run
from core.weights_files import read_weights

_KINDS = ("checkpoint", "weights")  # the later one goes before


class WeightsMissing(LookupError):
    """A run has no weights yet, or no more; the message is fit for the page."""


class WeightsReplaced(LookupError):
    """The file is gone or another: a running run has written its next epoch, or it is damaged."""


@dataclass(frozen=True)
class StoredWeights:
    """A file with the weights of a run, as it was recorded; `epoch`: of which they are."""

    run: Run
    kind: str
    epoch: int
    sha256: str
    file: Path

    @property
    def layers(self) -> Layers:
        return LAYERS.validate_python(self.run.layers)

    def read(self, image_shape: ImageShape, num_classes: int) -> dict[str, NDArray[Any]]:
        """Every tensor of the network, by name; raises WeightsReplaced, also where the dataset is not the one that the
        run was trained on: its images have another shape, or other classes."""
        try:
            with self.file.open("rb") as opened:
                is_it = hashlib.file_digest(opened, "sha256").hexdigest() == self.sha256
            if not is_it:
                raise WeightsReplaced(f"{self.file.name} of run {self.run.id} is not the file that was written.")
            trace_classifier(self.layers, image_shape, num_classes)
            shapes = tensors_of(self.layers, image_shape)
            weights = read_weights(self.file, shapes)
            if any(tensor.shape != shapes[name] for name, tensor in weights.items()):
                raise WeightsReplaced(f"Run {self.run.id} was trained on images of another shape.")
            return weights
        except (OSError, ValueError) as error:
            raise WeightsReplaced(f"The weights of run {self.run.id} cannot be read: {error}") from error


def stored_weights(session: Session, runs_dir: Path, runs: Sequence[Run]) -> dict[int, StoredWeights]:
    """By run, in one query; without those that have none."""
    run_by_id = {run.id: run for run in runs}
    listed = select(Artifact).where(col(Artifact.run_id).in_(run_by_id), col(Artifact.kind).in_(_KINDS))
    found: dict[int, StoredWeights] = {}
    for artifact in sorted(session.exec(listed), key=lambda artifact: _KINDS.index(artifact.kind)):
        file = folder_of_run(runs_dir, artifact.run_id) / artifact.file_name
        stored = StoredWeights(run_by_id[artifact.run_id], artifact.kind, artifact.epoch, artifact.sha256, file)
        found[artifact.run_id] = stored
    return found


def why_no_weights(run: Run) -> str:
    if run.state in ENDED:
        return f"Run {run.id} ended before its first epoch, so it has nothing to answer with."
    return f"Run {run.id} is {run.state.value}; it can be tried after its first epoch."
