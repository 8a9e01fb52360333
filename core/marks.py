"""Marks: which test images a run reads right, out of its predictions. One bit an image is kept of each run that was
asked for, so that a page that asks again reads no file again."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from core.dataset_store import DatasetBroken, DatasetMissing, MaterialisedDataset, materialised
from core.datasets import DATASETS
from core.predictions import PredictionsMissing, predictions_of_runs
from core.run_tables import Artifact
from core.settings import Settings
from core.tables import Run

MOST_KEPT = 4096  # runs: 5 MiB where there are 10,000 test images
Marks = NDArray[Any]  # (images,), 1 where it is right
_Key = tuple[str, str]  # digests of the file and of the labels

_kept: dict[_Key, NDArray[np.uint8]] = {}


def read_marks(session: Session, runs: Sequence[Run], settings: Settings) -> dict[int, Marks | PredictionsMissing]:
    """By run id, of all of the runs."""
    told: dict[int, Marks | PredictionsMissing] = {}
    for name in {run.dataset for run in runs}:
        own = [run for run in runs if run.dataset == name]
        try:
            told |= _of_dataset(session, own, materialised(settings.materialised_dir, name), settings)
        except (DatasetMissing, DatasetBroken):
            gone = PredictionsMissing(
                f"The test images of {name} are no longer there.", "A run on them brings them back."
            )
            told |= {run.id: gone for run in own if run.id is not None}
    return told


def num_images(dataset: str, split: Literal["train", "test"], settings: Settings) -> int | None:
    """Of the catalogue, or as they were found; None where neither knows."""
    name = f"num_{split}"
    if known := getattr(DATASETS.get(dataset), name, None):
        return int(known)
    try:
        return int(getattr(materialised(settings.materialised_dir, dataset).manifest, name))
    except (DatasetMissing, DatasetBroken):
        return None


def _of_dataset(
    session: Session, runs: Sequence[Run], dataset: MaterialisedDataset, settings: Settings
) -> dict[int, Marks | PredictionsMissing]:
    labels, digest = dataset.labels("test"), dataset.manifest.sha256["test_labels"]
    listed = select(Artifact.run_id, Artifact.sha256).where(
        Artifact.kind == "predictions", col(Artifact.run_id).in_([run.id for run in runs])
    )
    keys = {run_id: (sha256, digest) for run_id, sha256 in session.exec(listed)}
    packed = {run_id: _kept[key] for run_id, key in keys.items() if key in _kept}
    read = predictions_of_runs(session, settings.runs_dir, [run for run in runs if run.id not in packed], dataset)
    for run_id, predictions in read.found.items():
        packed[run_id] = np.packbits(predictions.classes == labels)
        if run_id in keys:
            _kept[keys[run_id]] = packed[run_id]
    while len(_kept) > MOST_KEPT:
        _kept.pop(next(iter(_kept)), None)
    marks: dict[int, Marks | PredictionsMissing] = {
        run_id: np.unpackbits(bits, count=len(labels)) for run_id, bits in packed.items()
    }
    return marks | read.missing
