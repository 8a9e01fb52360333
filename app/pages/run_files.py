"""The files of the Run page: what the run left, and what it is still to be exported to."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from app.dependencies import Reading, RunId
from app.templating import render
from core.exports import EXPORTED_KINDS
from core.run_state import RunState
from core.runs import artifacts_of_run, run_by_id
from core.tables import Run

router = APIRouter()


@router.get("/runs/{run_id}/files", name="run_files")
def run_files(request: Request, run_id: RunId, session: Reading) -> HTMLResponse:
    run = run_by_id(session, run_id)
    return render(request, "partials/run/files.html", run=run, **files_of(session, run))


def files_of(session: Session, run: Run) -> dict[str, Any]:  # what the template names
    assert run.id is not None
    files = artifacts_of_run(session, run.id)
    missing = [words for kind, words in EXPORTED_KINDS.items() if kind not in {file.kind for file in files}]
    return {"files": files, "not_exported": missing if run.state is RunState.COMPLETED else []}
