"""The Run page's answer to Reproduce: fetched again whenever one of the two runs moves."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.dependencies import CurrentSettings, Reading, RunId
from app.templating import render
from core.reproduction_answers import answers_about
from core.runs import run_by_id

router = APIRouter()


@router.get("/runs/{run_id}/reproductions", name="run_reproductions")
def run_reproductions(request: Request, run_id: RunId, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    run = run_by_id(session, run_id)
    answers = answers_about(session, settings.runs_dir, run)
    return render(request, "partials/run/reproductions.html", run=run, answers=answers)
