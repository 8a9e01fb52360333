"""The Storage page: what takes room, the clean-up of old checkpoints, and the bin."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.dependencies import CurrentDatabase, CurrentSettings, Reading, RunId, TurnToWrite
from app.templating import render
from core.bin import count_in_bin, empty_bin, goes_at, purge_run, runs_in_bin
from core.disk import bytes_in_bin, bytes_of_runs, disk_use, free_space, largest_runs
from core.spent_checkpoints import MOST_DAYS, remove_spent_checkpoints, spent_checkpoints

MOST_LARGEST, MOST_IN_BIN = 10, 100  # rows
AGES = {0: "All of them", 7: "Completed a week ago or before", 30: "Completed 30 days ago or before"}

router = APIRouter()


@router.get("/storage", name="storage_page")
def storage_page(
    request: Request,
    session: Reading,
    settings: CurrentSettings,
    freed: Annotated[int | None, Query(ge=0, le=2**63, description="Bytes that were just freed.")] = None,
) -> HTMLResponse:
    binned = runs_in_bin(session, limit=MOST_IN_BIN)
    sizes = bytes_of_runs(session, [run.id for run in binned if run.id is not None])
    return render(
        request, "pages/storage.html", freed=freed, use=disk_use(session, settings), space=free_space(settings),
        largest=largest_runs(session, limit=MOST_LARGEST), num_in_bin=count_in_bin(session),
        binned=[(run, sizes[run.id or 0], goes_at(run)) for run in binned],
        ages=[(days, words, spent_checkpoints(session, completed_days_ago=days)) for days, words in AGES.items()],
    )  # fmt: skip


@router.post("/storage/clean-checkpoints", name="clean_checkpoints_form")
def clean_checkpoints(
    request: Request,
    database: CurrentDatabase,
    settings: CurrentSettings,
    _: TurnToWrite,
    completed_days_ago: Annotated[int, Form(ge=0, le=MOST_DAYS)] = 0,
) -> RedirectResponse:
    removed = remove_spent_checkpoints(database, settings.runs_dir, completed_days_ago=completed_days_ago)
    return _back(request, removed.num_bytes)


@router.post("/bin/empty", name="empty_bin_form")
def empty(request: Request, database: CurrentDatabase, settings: CurrentSettings, _: TurnToWrite) -> RedirectResponse:
    with database.reading() as session:
        freed = bytes_in_bin(session)
    empty_bin(database, settings.runs_dir)
    return _back(request, freed)


@router.post("/bin/{run_id}/purge", name="purge_form")
def purge(
    request: Request, run_id: RunId, database: CurrentDatabase, settings: CurrentSettings, _: TurnToWrite
) -> RedirectResponse:
    with database.reading() as session:
        freed = bytes_of_runs(session, [run_id])[run_id]
    purge_run(database, settings.runs_dir, run_id)
    return _back(request, freed)


def _back(request: Request, freed: int) -> RedirectResponse:
    return RedirectResponse(f"{request.app.url_path_for('storage_page')}?freed={freed}", status_code=303)
