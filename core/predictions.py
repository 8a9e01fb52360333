"""What runs said of each test image: the predictions that a completed run is exported to, read and checked.

A file counts only if it is the one that was written and belongs to the labels that lie here: its SHA-256, its length,
and how many of its answers are right must be those that were recorded. Until it is written, what the run said after its
selected epoch stands for it: the same classes, and confidences to a 255th.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from core.dataset_store import MaterialisedDataset
from core.epoch_answers import selected_answers, unpacked
from core.run_files import folder_of_run
from core.run_state import ENDED, RunState
from core.run_tables import Artifact
from core.tables import Run

# Of each image: the class that the network says and its probability. float32: a float16 has but ten values above 0.995.
PREDICTION = np.dtype([("class", np.uint8), ("confidence", np.float32)])
RESTORE = "A backup may have it; or launch the run again."
LAUNCH = "Launch it again to see what it says of the images that are there now."


class PredictionsMissing(LookupError):
    """A run's predictions are not there, not yet or no more; reason and suggestion are fit for the page."""

    def __init__(self, reason: str, suggestion: str) -> None:
        super().__init__(reason)
        self.reason, self.suggestion = reason, suggestion


@dataclass(frozen=True)
class Predictions:
    """Classes (N,) uint8 and the probability of each (N,) float32, of the test images in their order."""

    run: Run
    epoch: int
    classes: NDArray[np.uint8]
    confidences: NDArray[np.float32]


@dataclass(frozen=True)
class FoundPredictions:
    """Of the runs that have them; and of the others, by their id, why not."""

    found: dict[int, Predictions]
    missing: dict[int, PredictionsMissing]


def predictions_of(session: Session, runs_dir: Path, run: Run, dataset: MaterialisedDataset) -> Predictions:
    """Of one run; raises PredictionsMissing."""
    told = predictions_of_runs(session, runs_dir, [run], dataset)
    for missing in told.missing.values():
        raise missing
    (found,) = told.found.values()
    return found


def predictions_of_runs(
    session: Session, runs_dir: Path, runs: Sequence[Run], dataset: MaterialisedDataset
) -> FoundPredictions:
    """Of many, in one query; `dataset` is what all of them were trained on."""
    artifacts = _artifacts(session, [run.id for run in runs])
    answers = selected_answers(session, [run.id for run in runs if run.id not in artifacts])
    labels, num_classes = dataset.labels("test"), len(dataset.manifest.classes)
    told = FoundPredictions({}, {})
    for run in runs:
        assert run.id is not None
        try:
            if run.id in answers and run.state is RunState.COMPLETED:
                told.found[run.id] = _said(run, answers[run.id], labels, num_classes)
            else:
                told.found[run.id] = _read(runs_dir, run, artifacts.get(run.id), labels, num_classes)
        except PredictionsMissing as missing:
            told.missing[run.id] = missing
    return told


def _artifacts(session: Session, run_ids: Iterable[int | None]) -> dict[int, Artifact]:
    listed = select(Artifact).where(col(Artifact.run_id).in_(run_ids), Artifact.kind == "predictions")
    return {artifact.run_id: artifact for artifact in session.exec(listed)}


def _read(
    runs_dir: Path, run: Run, artifact: Artifact | None, labels: NDArray[np.uint8], num_classes: int
) -> Predictions:
    assert run.id is not None
    if artifact is None:
        raise PredictionsMissing(*_why_not(run))
    file = folder_of_run(runs_dir, run.id) / artifact.file_name
    try:
        content = file.read_bytes()
    except OSError:
        raise PredictionsMissing(f"The file {file.name} of run {run.id} is no longer there.", RESTORE) from None
    if hashlib.sha256(content).hexdigest() != artifact.sha256:
        raise PredictionsMissing(f"{file.name} of run {run.id} is not the file that was written.", RESTORE)
    rows = np.load(BytesIO(content), allow_pickle=False)
    num_right = (artifact.facts or {}).get("num_correct")
    belongs = rows.dtype == PREDICTION and len(rows) == len(labels) and rows["class"].max(initial=0) < num_classes
    if not belongs or np.count_nonzero(rows["class"] == labels) != num_right:
        raise _of_other_images(run)
    return Predictions(run, artifact.epoch, rows["class"].copy(), rows["confidence"].copy())


def _said(run: Run, content: bytes, labels: NDArray[np.uint8], num_classes: int) -> Predictions:
    ahead, shares = unpacked(content)
    if len(ahead) != len(labels) or np.count_nonzero(ahead == 0) != round((run.test_accuracy or 0) * len(labels)):
        raise _of_other_images(run)
    classes = ahead + labels  # modulo 256, as they were packed
    if classes.max(initial=0) >= num_classes:
        raise _of_other_images(run)
    return Predictions(run, run.selected_epoch or 0, classes, shares.astype(np.float32) / 255)


def _of_other_images(run: Run) -> PredictionsMissing:
    told = f"The test images of {run.dataset} are not those that run {run.id} was tested on."
    return PredictionsMissing(told, LAUNCH)


def _why_not(run: Run) -> tuple[str, str]:
    """The reason, and what to do about it."""
    if run.state is RunState.COMPLETED and run.export_tries_left:
        come = "They come by themselves, when a worker has time for it."
        return f"Run {run.id} has completed; its predictions are still to be written.", come
    if run.state is RunState.COMPLETED:
        return f"The predictions of run {run.id} could not be written.", "The run's log says why."
    if run.state in ENDED:
        told = "was cancelled" if run.state is RunState.CANCELLED else "failed"
        return f"Run {run.id} {told}, so it has no predictions.", "Requeue it: a run that completes has them."
    return f"Run {run.id} is {run.state.value}.", "Its predictions come when it has completed."
