"""What a run said of the test images, and where it was wrong: as JSON, CSV and .npy."""

import csv
import io
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Header, Query, Response
from sqlmodel import Session

from app.api.prediction_schemas import ConfusionOut, PredictionOut, PredictionsOut, class_figures_out
from app.api.run_records import Responses, as_file
from app.dependencies import CurrentSettings, Reading, RunId
from app.errors import problems
from core.confusion import confusion
from core.dataset_store import MaterialisedDataset, materialised
from core.predictions import PREDICTION, Predictions, predictions_of
from core.runs import run_by_id
from core.settings import Settings

router = APIRouter(prefix="/runs/{run_id}", tags=["runs"], responses=problems(404, 409))

MOST_IMAGES = 2**31
Offset = Annotated[int, Query(ge=0, le=MOST_IMAGES, description="of the first of the page")]
Format = Literal["json", "csv", "npy"]
MEDIA_TYPES = {"text/csv": "csv", "application/octet-stream": "npy"}
DOWNLOADS: Responses = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        }
    }
}


@router.get("/predictions", response_model=PredictionsOut, responses=DOWNLOADS)
def get_predictions(
    run_id: RunId,
    session: Reading,
    settings: CurrentSettings,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    format: Annotated[Format | None, Query(description="csv and npy are of all images. Goes before Accept.")] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> PredictionsOut | Response:
    """The class that a completed run says of each test image, and how sure it is; a page as JSON, or all as a file."""
    predictions, dataset = _of_run(session, settings, run_id)
    wanted = format or MEDIA_TYPES.get(accept.split(";")[0], "json")
    if wanted == "npy":
        return _npy(predictions)
    names, labels = dataset.manifest.classes, dataset.labels("test")
    end = min(offset + limit, len(labels)) if wanted == "json" else len(labels)
    rows = [
        PredictionOut(
            image=image, label=names[labels[image]], predicted=names[predictions.classes[image]],
            confidence=float(predictions.confidences[image]),
        )
        for image in range(offset if wanted == "json" else 0, end)
    ]  # fmt: skip
    if wanted == "csv":
        return _csv(run_id, rows)
    return PredictionsOut(
        run=run_id, dataset=predictions.run.dataset, epoch=predictions.epoch, num_images=len(labels),
        num_right=int(np.count_nonzero(predictions.classes == labels)), predictions=tuple(rows),
        next_offset=end if end < len(labels) else None,
    )  # fmt: skip


@router.get("/confusion")
def get_confusion(run_id: RunId, session: Reading, settings: CurrentSettings) -> ConfusionOut:
    """How often a completed run says each class of each class, on the test images; precision, recall, F1 by class."""
    predictions, dataset = _of_run(session, settings, run_id)
    matrix = confusion(dataset.labels("test"), [predictions.classes], dataset.manifest.classes)
    return ConfusionOut(
        run=run_id, dataset=predictions.run.dataset, epoch=predictions.epoch, classes=dataset.manifest.classes,
        counts=tuple(map(tuple, matrix.counts.tolist())), of_classes=class_figures_out(matrix),
    )  # fmt: skip


def _of_run(session: Session, settings: Settings, run_id: int) -> tuple[Predictions, MaterialisedDataset]:
    run = run_by_id(session, run_id)
    dataset = materialised(settings.materialised_dir, run.dataset)
    return predictions_of(session, settings.runs_dir, run, dataset), dataset


def _npy(predictions: Predictions) -> Response:
    rows = np.empty(len(predictions.classes), PREDICTION)
    rows["class"], rows["confidence"] = predictions.classes, predictions.confidences
    content = io.BytesIO()
    np.save(content, rows, allow_pickle=False)
    name = f"run-{predictions.run.id}-predictions.npy"
    return Response(content.getvalue(), media_type="application/octet-stream", headers=as_file(name))


def _csv(run_id: int, rows: list[PredictionOut]) -> Response:
    lines = io.StringIO()
    table = csv.DictWriter(lines, fieldnames=list(PredictionOut.model_fields), lineterminator="\n")
    table.writeheader()
    table.writerows(row.model_dump() for row in rows)
    headers = as_file(f"run-{run_id}-predictions.csv")
    return Response(lines.getvalue(), media_type="text/csv", headers=headers)
