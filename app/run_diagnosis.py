"""The diagnosis of a run, from what is recorded of it: for its page and the API."""

from collections.abc import Sequence

import numpy as np
from sqlmodel import Session

from core.confusion import confusion
from core.dataset_store import DatasetBroken, DatasetMissing, materialised
from core.diagnosis import Finding, Said, diagnose
from core.known_datasets import datasets_here
from core.predictions import PredictionsMissing, predictions_of
from core.run_state import RunState
from core.run_tables import Epoch
from core.settings import Settings
from core.tables import Run


def findings_of(session: Session, settings: Settings, run: Run, epochs: Sequence[Epoch]) -> list[Finding]:
    return diagnose(run, epochs, _said_of(session, settings, run), datasets_here(session))


def _said_of(session: Session, settings: Settings, run: Run) -> Said | None:
    if run.state is not RunState.COMPLETED:
        return None
    try:
        dataset = materialised(settings.materialised_dir, run.dataset)
        predictions = predictions_of(session, settings.runs_dir, run, dataset)
    except (DatasetMissing, DatasetBroken, PredictionsMissing):
        return None
    names = dataset.manifest.classes
    counts = confusion(dataset.labels("test"), [predictions.classes], names).counts
    return Said(names, np.sum(counts, 1).tolist(), np.sum(counts, 0).tolist())
