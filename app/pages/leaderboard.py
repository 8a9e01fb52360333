"""The Leaderboard: groups on one dataset by their mean test accuracy, and how sure their order is."""

from math import ceil
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from app.dependencies import CurrentSettings, Reading
from app.formatting import architecture_title, dataset_title
from app.leaderboard_view import LEAST_SEEDS_OFFERED, PAGE_SIZE, LeaderboardView
from app.templating import render
from core.events import newest_event_id
from core.experiments import experiment_names
from core.known_networks import architectures_trained
from core.marks import num_images
from core.run_state import RunState
from core.seed_results import datasets_with_results
from core.settings import Settings
from core.tags import tags_in_use

View = Annotated[LeaderboardView, Query()]

router = APIRouter()


@router.get("/leaderboard", name="leaderboard_page")
def leaderboard_page(request: Request, view: View, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    told = _told(session, settings, view)
    choices = {
        "dataset": [(name, dataset_title(name)) for name in told["datasets"]],
        "architecture": [(name, architecture_title(name)) for name in architectures_trained(session)],
        "experiment": list(experiment_names(session).items()),
        "tag": [(tag, tag) for tag in tags_in_use(session)],
        "min_seeds": [(number, f"{number} seeds or more") for number in LEAST_SEEDS_OFFERED],
    }
    return render(request, "pages/leaderboard.html", choices=choices, **told)


@router.get("/leaderboard/table", name="leaderboard_table")
def leaderboard_table(request: Request, view: View, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    """The board alone, for htmx; what the user asked for goes into the address bar, what the page fetched does not."""
    answer = render(request, "partials/leaderboard_table.html", **_told(session, settings, view))
    if request.headers.get("HX-Trigger") != "board":
        answer.headers["HX-Push-Url"] = request.app.url_path_for("leaderboard_page") + view.link(page=view.page)
    return answer


def _told(session: Session, settings: Settings, view: LeaderboardView) -> dict[str, Any]:  # what the templates name
    from app import leaderboard_face as face  # with the first leaderboard: it brings SciPy along
    from app.verdict_words import points
    from core.leaderboard import read_board

    datasets = datasets_with_results(session)
    dataset = view.dataset or next(iter(datasets), "")
    images = num_images(dataset, "test", settings) if dataset else None
    board = read_board(
        session, view.filter_on(dataset), least_seeds=view.min_seeds, baseline=view.baseline, num_images=images
    )
    num_pages = max(1, ceil(len(board) / PAGE_SIZE))
    start = (min(view.page, num_pages) - 1) * PAGE_SIZE
    rows = face.rows_of(session, board, board.standings(start, start + PAGE_SIZE))
    baseline = board.pinned or board.leader
    num_without, states = board.states_without_result()
    return {
        "event_id": newest_event_id(session), "view": view, "dataset": dataset, "datasets": datasets, "board": board,
        "rows": rows, "scale": face.scale_of(rows), "start": start, "page": start // PAGE_SIZE + 1,
        "num_pages": num_pages, "num_without": num_without, "num_failed": states[RunState.FAILED],
        "baseline": baseline, "baseline_label": face.name_of(session, baseline),
        "leader_label": face.name_of(session, board.leader), "method": face.METHOD, "points": points,
    }  # fmt: skip
