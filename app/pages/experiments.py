"""The Experiments page: every experiment with how far it is."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from app.dependencies import LARGEST_ID, Reading
from app.templating import render
from core.events import newest_event_id
from core.experiments import list_experiments

PAGE_SIZE = 30
Before = Annotated[int | None, Query(ge=1, le=LARGEST_ID)]

router = APIRouter()


@router.get("/experiments", name="experiments_page")
def experiments_page(request: Request, session: Reading, before: Before = None) -> HTMLResponse:
    return render(request, "pages/experiments.html", **_listed(session, before))


@router.get("/experiments/list", name="experiments_list")
def experiments_list(request: Request, session: Reading, before: Before = None) -> HTMLResponse:
    """The list alone, for htmx."""
    return render(request, "partials/experiments_list.html", **_listed(session, before))


def _listed(session: Session, before: int | None) -> dict[str, Any]:  # what the template names
    found = list_experiments(session, limit=PAGE_SIZE + 1, before=before)
    page = found[:PAGE_SIZE]
    return {
        "event_id": newest_event_id(session), "summaries": page, "before": before,
        "next_before": page[-1].experiment.id if len(found) > PAGE_SIZE else None,
    }  # fmt: skip
