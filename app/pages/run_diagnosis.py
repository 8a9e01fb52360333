"""What the curves say: the panel of the run page, each launch that may mend it a link to the launch form."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from app.dependencies import CurrentSettings, Reading, RunId
from app.pages.launch_sources import texts_changed
from app.run_diagnosis import findings_of
from app.templating import render
from core.metrics import epochs_of_run
from core.run_tables import Epoch
from core.runs import run_by_id
from core.settings import Settings
from core.tables import Run

router = APIRouter()


@router.get("/runs/{run_id}/diagnosis", name="run_diagnosis")
def run_diagnosis(request: Request, run_id: RunId, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    told = diagnosis_of(session, settings, run_by_id(session, run_id), epochs_of_run(session, run_id))
    return render(request, "partials/run/diagnosis.html", **told)


def diagnosis_of(
    session: Session, settings: Settings, run: Run, epochs: Sequence[Epoch]
) -> dict[str, Any]:  # what the template names
    """Each finding with its launches: their words, and what the launch form's URL must say."""
    told = []
    for finding in findings_of(session, settings, run, epochs):
        start = {"from": str(run.id), "name": ""}
        launches = [(remedy.words, start | texts_changed(run, remedy.changes)) for remedy in finding.remedies]
        told.append((finding, launches))
    return {"findings": told}
