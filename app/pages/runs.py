"""The Runs page: the list, the queue's switch, and what the workers are at."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from sqlmodel import Session

from app.bulk_words import words_of
from app.dependencies import CurrentSettings, Reading, Writing
from app.early_heads import render_in_two
from app.formatting import architecture_title
from app.pages.runs_view import RunsView
from app.run_rows import rows_of
from app.templating import render
from app.vitals import Vitals, vitals_of
from core.benchmark_mode import stage
from core.bulk import BulkResult
from core.disk import free_space
from core.events import newest_event_id
from core.experiments import experiment_names
from core.known_datasets import datasets_here
from core.known_networks import architectures_trained
from core.queue_order import is_paused, stops_running
from core.queue_order import pause_queue as pause
from core.run_state import RunState
from core.runs import check_cursor, count_by_state, list_runs
from core.settings import Settings
from core.tables import Run, Worker
from core.tags import tags_in_use
from core.workers import disk_is_low, live_workers

View = Annotated[RunsView, Query()]

router = APIRouter()


@dataclass(frozen=True)
class Column:
    """`sort` is None where the list cannot be put in its order; figures are looked at from the best."""

    title: str
    sort: str | None = None
    descending_first: bool = False

    @property
    def first_order(self) -> str:
        return f"-{self.sort}" if self.descending_first else str(self.sort)

    @property
    def other_order(self) -> str:
        return str(self.sort) if self.descending_first else f"-{self.sort}"


COLUMNS = (
    Column("State", "state"),
    Column("Run", "name"),
    Column("Network", "architecture"),
    Column("Dataset", "dataset"),
    Column("Progress"),
    Column("Test accuracy", "test_accuracy", descending_first=True),
    Column("Epoch takes", "seconds_per_epoch"),
    Column("Added", "id", descending_first=True),
)


@router.get("/", include_in_schema=False)
def start(request: Request) -> RedirectResponse:
    return RedirectResponse(request.app.url_path_for("runs_page"))


@router.get("/runs", name="runs_page")
def runs_page(request: Request, view: View, settings: CurrentSettings) -> StreamingResponse:
    def now(session: Session) -> dict[str, Any]:
        return {
            "families": [(name, architecture_title(name)) for name in architectures_trained(session)],
            "datasets": [(dataset.name, dataset.title) for dataset in datasets_here(session).values()],
            **_table(session, settings, view), **_workers(session, settings), **_undo(session, request.query_params),
        }  # fmt: skip

    check_cursor(view.as_filter(), view.cursor)
    return render_in_two(request, "pages/runs.html", now)


@router.get("/runs/table", name="runs_table")
def runs_table(request: Request, view: View, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    """The list alone, for htmx; what the user asked for goes into the address bar, what the page fetched does not."""
    answer = render(request, "partials/runs_table.html", **_table(session, settings, view))
    if request.headers.get("HX-Trigger") not in ("runs", "show-more"):
        shown = request.headers.get("HX-Current-URL", "")
        answer.headers.update(view.history_header(shown, request.app.url_path_for("runs_page")))
    return answer


@router.get("/runs/workers", name="workers_panel")
def workers_panel(request: Request, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    return render(request, "partials/workers.html", **_workers(session, settings))


@router.post("/queue/pause", name="pause_queue")
def pause_queue(
    request: Request, session: Writing, view: Annotated[str, Form()] = "", with_running: Annotated[bool, Form()] = False
) -> RedirectResponse:
    pause(session, paused=True, with_running=with_running)
    return _back(request, view)


@router.post("/queue/resume", name="resume_queue")
def resume_queue(request: Request, session: Writing, view: Annotated[str, Form()] = "") -> RedirectResponse:
    pause(session, paused=False)
    return _back(request, view)


def _back(request: Request, view: str) -> RedirectResponse:
    """To the list as it was: `view` is its query string."""
    query = view if view.startswith("?") else ""
    return RedirectResponse(request.app.url_path_for("runs_page") + query, status_code=303)


def _table(session: Session, settings: Settings, view: RunsView) -> dict[str, Any]:  # what the template names
    counts, workers = count_by_state(session), live_workers(session)
    page = list_runs(session, view.as_filter(), limit=view.limit, cursor=view.cursor or None)
    experiments, tags = experiment_names(session), tags_in_use(session)
    choices = {"experiment": list(experiments.items()), "tag": [(tag, tag) for tag in tags]}  # (value, title)
    return {
        "event_id": newest_event_id(session), "view": view, "columns": COLUMNS, "page": page,
        "rows": rows_of(session, page.runs), "counts": counts, "has_runs": any(counts.values()),
        "is_paused": is_paused(session), "stops_running": stops_running(session), "has_worker": bool(workers),
        "tab_title": _tab_title(counts), "experiments": experiments, "choices": choices,
        "disk_is_low": disk_is_low(workers), "space": free_space(settings), "benchmark": stage(session),
    }  # fmt: skip


def _undo(session: Session, query: Mapping[str, str]) -> dict[str, Any]:
    """What partials/bulk_said.html tells of a run that was just deleted on its own page, and is in the bin yet."""
    deleted = query.get("deleted", "")
    run = session.get(Run, int(deleted)) if re.fullmatch("[0-9]{1,18}", deleted) else None
    if run is None or run.id is None or run.deleted_at is None:
        return {}
    result = BulkResult([run], [], *([run.id] if was in query else [] for was in ("waited", "held")))
    return {"words": words_of("delete", result, ""), "action": "delete", "result": result}


def _tab_title(counts: dict[RunState, int]) -> str:
    """ "2 running, 5 queued · Trainyard": what the browser's tab can tell of a page that is not looked at."""
    busy = [f"{counts[state]} {state}" for state in (RunState.RUNNING, RunState.QUEUED) if counts[state]]
    return f"{', '.join(busy) or 'Runs'} · Trainyard"


def _workers(session: Session, settings: Settings) -> dict[str, Any]:
    workers: list[tuple[Worker, Vitals]] = [(worker, vitals_of(worker)) for worker in live_workers(session)]
    return {"workers": workers, "space": free_space(settings)}
