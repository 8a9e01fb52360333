"""What a run left behind: its epochs, events, log and files."""

import csv
import io
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import FileResponse

from app.api.record_schemas import (
    ArtifactOut,
    EpochOut,
    EventOut,
    FindingOut,
    LogLineOut,
    ReproductionOut,
    artifact_out,
    epoch_row,
    finding_out,
    reproduction_out,
)
from app.api.schemas import from_row
from app.dependencies import LARGEST_ID, CurrentSettings, Id, Reading, RunId
from app.errors import problems
from app.run_diagnosis import findings_of
from core.events import events_of_run
from core.metrics import epochs_of_run
from core.reproduction_answers import answers_about
from core.run_files import artifact_of_run
from core.runs import artifacts_of_run, log_of_run, run_by_id

router = APIRouter(prefix="/runs/{run_id}", tags=["runs"], responses=problems(404))

Responses = dict[int | str, dict[str, Any]]  # Any: FastAPI's own type for what it puts into OpenAPI
CSV: Responses = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
BYTES: Responses = {200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


@router.get("/epochs", response_model=list[EpochOut], responses=CSV)
def get_epochs(
    run_id: RunId,
    session: Reading,
    format: Annotated[Literal["json", "csv"] | None, Query(description="Goes before the Accept header.")] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> list[EpochOut] | Response:
    """The metrics of every recorded epoch, as JSON or as a CSV file."""
    run_by_id(session, run_id)
    epochs = epochs_of_run(session, run_id)
    if format == "csv" or (format is None and accept.startswith("text/csv")):
        lines = io.StringIO()
        table = csv.DictWriter(lines, fieldnames=list(EpochOut.model_fields), lineterminator="\n")
        table.writeheader()
        table.writerows(epoch_row(epoch) for epoch in epochs)
        return Response(lines.getvalue(), media_type="text/csv", headers=as_file(f"run-{run_id}-epochs.csv"))
    return [from_row(EpochOut, epoch) for epoch in epochs]


@router.get("/events")
def get_events(run_id: RunId, session: Reading) -> list[EventOut]:
    """What happened to the run, oldest first: moves between states, epochs, changes."""
    run_by_id(session, run_id)
    return [from_row(EventOut, event) for event in events_of_run(session, run_id)]


@router.get("/log")
def get_log(
    run_id: RunId,
    session: Reading,
    after: Annotated[int, Query(ge=0, le=LARGEST_ID, description="Only lines with a higher id.")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> list[LogLineOut]:
    """The newest lines that the trainer said, oldest first."""
    run_by_id(session, run_id)
    return [from_row(LogLineOut, line) for line in log_of_run(session, run_id, after=after, limit=limit)]


@router.get("/reproductions")
def get_reproductions(run_id: RunId, session: Reading, settings: CurrentSettings) -> list[ReproductionOut]:
    """Whether this run came out as the run it reproduces, and the newest five that reproduce it as itself."""
    return [
        reproduction_out(answer) for answer in answers_about(session, settings.runs_dir, run_by_id(session, run_id))
    ]


@router.get("/diagnosis")
def get_diagnosis(run_id: RunId, session: Reading, settings: CurrentSettings) -> list[FindingOut]:
    """What its curves, network and predictions say, with the evidence and run configs that may mend it; empty where
    nothing was found."""
    run = run_by_id(session, run_id)
    return [
        finding_out(finding, run) for finding in findings_of(session, settings, run, epochs_of_run(session, run_id))
    ]


@router.get("/artifacts")
def get_artifacts(run_id: RunId, session: Reading) -> list[ArtifactOut]:
    """The run's files: checkpoints, the selected epoch's weights, and what it was exported to (see `kind`)."""
    run_by_id(session, run_id)
    return [
        artifact_out(artifact, f"/api/v1/runs/{run_id}/artifacts/{artifact.id}")
        for artifact in artifacts_of_run(session, run_id)
    ]


@router.get("/artifacts/{artifact_id}", response_class=FileResponse, responses=BYTES, name="download_artifact")
def download_artifact(run_id: RunId, artifact_id: Id, session: Reading, settings: CurrentSettings) -> FileResponse:
    """The bytes of a file, whole or a range of them."""
    artifact, file = artifact_of_run(session, settings.runs_dir, run_id, artifact_id)
    headers = {"ETag": f'"{artifact.sha256}"', "X-Content-SHA256": artifact.sha256}
    name = f"run-{run_id}-{artifact.file_name}"
    return FileResponse(file, media_type="application/octet-stream", filename=name, headers=headers)


def as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
