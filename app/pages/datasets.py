"""The Datasets page: what there is and lies here, imports under way, and the form that starts one."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError
from sqlmodel import Session

from app.dependencies import LARGEST_ID, CurrentDatabase, CurrentSettings, Reading, TurnToWrite, Writing
from app.templating import render
from core.dataset_files import cancel_and_remove, entries, entry_named
from core.dataset_places import delete_dataset, places_of_datasets
from core.dataset_tasks import OPEN, enqueue_fetch, enqueue_import, newest_tasks
from core.events import newest_event_id
from core.import_wishes import MAX_SIDE, ImportWishes
from core.invalid_run_config import problems_of
from core.settings import Settings
from core.workers import live_workers

MOST_TASKS, MOST_ENDED = 24, 3  # shown; those that ended before are told by the API alone
SEE_OTHER = 303
FIELDS = frozenset({"entry", *ImportWishes.model_fields})
SHOWN_FIELDS = frozenset({"entry", "name", "licence"})  # the others fold away
DATASETS_CHANGED = {"HX-Trigger": "datasets-changed"}

router = APIRouter(prefix="/datasets")

Name = Annotated[str, Path(max_length=64)]
TaskId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form()
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


@router.get("", name="datasets_page")
def datasets_page(request: Request, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    return _page(request, session, settings, {}, {})


@router.get("/cards", name="dataset_cards")
def dataset_cards(request: Request, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    return render(request, "partials/datasets/cards.html", places=places_of_datasets(session, settings))


@router.get("/tasks", name="dataset_tasks_part")
def dataset_tasks(
    request: Request, session: Reading, open_tasks: Annotated[str, Query(max_length=400)] = ""
) -> HTMLResponse:
    """Asked for each second while one is open; the cards are told where one has come or gone since."""
    shown = _tasks(session)
    response = render(request, "partials/datasets/tasks.html", **shown)
    if shown["open_tasks"] != open_tasks:
        response.headers.update(DATASETS_CHANGED)
    return response


@router.post("/import", name="import_dataset_form", response_model=None)
def import_dataset(
    request: Request, typed: Annotated[dict[str, str], Depends(_typed)], session: Writing, settings: CurrentSettings
) -> RedirectResponse | HTMLResponse:
    """From the import folder; an upload goes to the API (static/datasets.js), which never holds it in memory."""
    problems = {} if typed.get("entry") else {"entry": "choose a file to upload, or what lies in the import folder"}
    try:
        wishes = wishes_of(typed)
    except ValidationError as error:
        problems |= problems_of(error.errors())
    if problems:
        return _page(request, session, settings, typed, problems, status_code=422)
    entry = entry_named(settings, typed["entry"]).name
    enqueue_import(session, wishes, {"entry": entry, "shown": entry})
    return _back(request)


@router.post("/tasks/{task_id}/cancel", name="cancel_dataset_task_form")
def cancel_task(
    request: Request, task_id: TaskId, database: CurrentDatabase, settings: CurrentSettings, _: TurnToWrite
) -> RedirectResponse:
    cancel_and_remove(database, settings, task_id)
    return _back(request)


@router.post("/{name}/fetch", name="fetch_dataset_form")
def fetch(request: Request, name: Name, session: Writing) -> RedirectResponse:
    enqueue_fetch(session, name)
    return _back(request)


@router.post("/{name}/delete", name="delete_dataset_form")
def delete(
    request: Request, name: Name, typed: Annotated[dict[str, str], Depends(_typed)], database: CurrentDatabase,
    settings: CurrentSettings, _: TurnToWrite,
) -> RedirectResponse:  # fmt: skip
    delete_dataset(database, settings, name, with_files="files" in typed)
    return _back(request)


def wishes_of(typed: dict[str, str]) -> ImportWishes:
    """What is left empty is not said. Raises ValidationError."""
    known = {name: typed[name].strip() for name in ImportWishes.model_fields if typed.get(name, "").strip()}
    values: dict[str, Any] = known | {"name": typed.get("name", "")}  # Any: texts, for pydantic to read
    if "class_names" in known:
        values["class_names"] = [part.strip() for part in known["class_names"].split(",")]
    return ImportWishes.model_validate(values)


def _page(
    request: Request, session: Session, settings: Settings, typed: dict[str, str], problems: dict[str, str],
    *, status_code: int = 200,
) -> HTMLResponse:  # fmt: skip
    return render(
        request, "pages/datasets.html", status_code=status_code, event_id=newest_event_id(session),
        places=places_of_datasets(session, settings), entries=entries(settings),
        typed={name: typed.get(name, "") for name in FIELDS}, problems={name: problems.get(name) for name in FIELDS},
        are_details_wrong=bool(problems.keys() - SHOWN_FIELDS),
        import_folder=settings.import_folder, max_upload_mib=settings.max_upload_mib, max_side=MAX_SIDE,
        **_tasks(session),
    )  # fmt: skip


def _tasks(session: Session) -> dict[str, Any]:  # what the template names
    tasks = newest_tasks(session, MOST_TASKS)
    is_open = [task for task in tasks if task.state in OPEN]
    ended = [task for task in tasks if task.state not in OPEN][:MOST_ENDED]
    return {
        "tasks": [*is_open, *ended], "open_tasks": ",".join(f"{task.id}{task.state.value[0]}" for task in is_open),
        "has_worker": bool(live_workers(session)),
    }  # fmt: skip


def _back(request: Request) -> RedirectResponse:
    return RedirectResponse(request.app.url_path_for("datasets_page"), SEE_OTHER)
