"""Marks: which test images a run reads right, out of the predictions that it was exported to and the labels.

One bit an image is kept of each run that was asked for, so that a page that asks again reads no file again."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from core.dataset_store import DatasetBroken, DatasetMissing, materialised
from core.datasets import DATASETS
from core.run_files import folder_of_run
from core.settings import Settings
from core.tables import Artifact, Run

MOST_KEPT = 4096  # runs: 5 MiB where there are 10,000 test images
Marks = NDArray[Any]  # (images,), 1 where it is right


class Missing(str):
    """Why a run has no marks, as the end of "the predictions of run 7 ..."."""


def read_marks(session: Session, runs: Sequence[Run], settings: Settings) -> dict[int, Marks | Missing]:
    """By run id, of all of the runs."""
    kinds = select(Artifact).where(Artifact.kind == "predictions", col(Artifact.run_id).in_([run.id for run in runs]))
    files = {file.run_id: file for file in session.exec(kinds)}
    digests = {name: _labels_digest(settings.materialised_dir, name) for name in {run.dataset for run in runs}}
    return {run.id: _of_run(run, files, digests[run.dataset], settings) for run in runs if run.id is not None}


def num_test_images(dataset: str, settings: Settings) -> int | None:
    """Of the catalogue, or as they were found; None where neither knows."""
    if (known := DATASETS.get(dataset)) and known.num_test:
        return known.num_test
    try:
        return materialised(settings.materialised_dir, dataset).manifest.num_test
    except (DatasetMissing, DatasetBroken):
        return None


def _of_run(run: Run, files: Mapping[int, Artifact], labels: str | None, settings: Settings) -> Marks | Missing:
    assert run.id is not None
    file = files.get(run.id)
    if file is None:
        return Missing("are still being exported" if run.export_tries_left else "could not be exported")
    if labels is None:
        return Missing("cannot be judged: the labels of the test images are no longer there")
    path = folder_of_run(settings.runs_dir, run.id) / file.file_name
    try:
        packed, count = _packed(path, file.sha256, settings.materialised_dir, run.dataset, labels)
    except (OSError, ValueError, LookupError):
        return Missing("are no longer there, or do not fit the test images that are")
    marks = np.unpackbits(packed, count=count)
    if file.facts and int(marks.sum()) != file.facts["num_correct"]:
        return Missing("do not fit the test images that are there now")
    return marks


def _labels_digest(folder: Path, name: str) -> str | None:
    try:
        return materialised(folder, name).manifest.sha256["test_labels"]
    except (DatasetMissing, DatasetBroken):
        return None


@lru_cache(maxsize=MOST_KEPT)
def _packed(file: Path, _sha256: str, folder: Path, dataset: str, _labels: str) -> tuple[NDArray[np.uint8], int]:
    """The digests are there to tell one content of the files from another."""
    classes = np.load(file, mmap_mode="r", allow_pickle=False)["class"]
    labels = materialised(folder, dataset).labels("test")
    if classes.shape != labels.shape:
        raise ValueError(f"{file.name} has {len(classes)} images, not {len(labels)}")
    return np.packbits(classes == labels), len(labels)
