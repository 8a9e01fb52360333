"""A run's tags and notes on its page: shown in a part that is fetched again, changed by forms that stay."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.dependencies import Reading, RunId, Writing
from app.pages.run_actions import back
from app.templating import render
from core.run_changes import annotate
from core.runs import run_by_id
from core.tags import tag_run, tags_of_runs, untag_run

router = APIRouter(prefix="/runs/{run_id}")


@router.get("/labels", name="run_labels")
def run_labels(request: Request, run_id: RunId, session: Reading) -> HTMLResponse:
    run = run_by_id(session, run_id)
    return render(request, "partials/run/labels.html", run=run, tags=tags_of_runs(session, [run_id])[run_id])


@router.post("/notes", name="note_run")
def note_run(request: Request, run_id: RunId, session: Writing, notes: Annotated[str, Form()] = "") -> RedirectResponse:
    annotate(session, run_id, notes)
    return back(request, run_id, "")


@router.post("/tag", name="tag_run")
def add_tag(request: Request, run_id: RunId, session: Writing, tag: Annotated[str, Form()] = "") -> RedirectResponse:
    tag_run(session, run_id, tag)
    return back(request, run_id, "")


@router.post("/untag", name="untag_run")
def take_tag(request: Request, run_id: RunId, session: Writing, tag: Annotated[str, Form()] = "") -> RedirectResponse:
    untag_run(session, run_id, tag)
    return back(request, run_id, "")
