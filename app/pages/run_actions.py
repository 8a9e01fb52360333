"""What a user does to a run, as plain forms that lead back to where they came from."""

import hashlib
import secrets
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from app.dependencies import CurrentSettings, RunId, Writing
from app.security import own_path
from core import queue, run_changes
from core.bin import move_to_bin, restore
from core.exports import export_again
from core.idempotency import continue_once, enqueue_once
from core.inheritance import take_over
from core.reproductions import reproduce_once
from core.run_config import parse_run_config
from core.run_state import RunState
from core.runs import run_by_id
from core.settings import Settings
from core.tables import Run

Next = Annotated[str, Form()]

router = APIRouter()


@router.post("/runs/{run_id}/cancel", name="cancel_run")
def cancel_run(request: Request, run_id: RunId, session: Writing, next: Next = "") -> RedirectResponse:
    queue.cancel(session, run_id)
    return back(request, run_id, next)


@router.post("/runs/{run_id}/requeue", name="requeue_run")
def requeue_run(request: Request, run_id: RunId, session: Writing, next: Next = "") -> RedirectResponse:
    queue.requeue(session, run_id)
    return back(request, run_id, next)


@router.post("/runs/{run_id}/hold", name="hold_run")
def hold_run(request: Request, run_id: RunId, session: Writing, next: Next = "") -> RedirectResponse:
    queue.hold(session, run_id, held=True)
    return back(request, run_id, next)


@router.post("/runs/{run_id}/release", name="release_run")
def release_run(request: Request, run_id: RunId, session: Writing, next: Next = "") -> RedirectResponse:
    queue.hold(session, run_id, held=False)
    return back(request, run_id, next)


@router.post("/runs/{run_id}/front", name="front_run")
def front_run(request: Request, run_id: RunId, session: Writing, next: Next = "") -> RedirectResponse:
    run_changes.move_to_front(session, run_id)
    return back(request, run_id, next)


@router.post("/runs/{run_id}/rename", name="rename_run")
def rename_run(
    request: Request, run_id: RunId, session: Writing, name: Annotated[str, Form()], next: Next = ""
) -> RedirectResponse:
    run_changes.rename(session, run_id, name)
    return back(request, run_id, next)


@router.post("/runs/{run_id}/again", name="launch_again")
def launch_again(
    request: Request,
    run_id: RunId,
    session: Writing,
    settings: CurrentSettings,
    dataset: Annotated[str | None, Form()] = None,
    launch_key: Annotated[str, Form(max_length=64)] = "",
) -> RedirectResponse:
    """A new run with the same config, or with the same but for the dataset; a name given since is kept.

    Pressed twice on one page it is one run.
    """
    run = run_by_id(session, run_id)
    renamed = {} if run.name == parse_run_config(run.config).display_name() else {"name": run.name}
    changed = renamed if dataset is None else renamed | {"dataset": dataset}
    config = parse_run_config(run.config | changed)
    asked = hashlib.sha256(config.model_dump_json().encode()).hexdigest()
    made = enqueue_once(session, config, f"again {launch_key or secrets.token_urlsafe(16)} {asked}")
    return _to_new(request, session, settings, *made)


@router.post("/runs/{run_id}/continue", name="continue_run")
def continue_run(
    request: Request, run_id: RunId, session: Writing, settings: CurrentSettings,
    epochs: Annotated[int, Form()], launch_key: Annotated[str, Form(max_length=64)] = "",
) -> RedirectResponse:  # fmt: skip
    """A new run that goes on where this one stopped, up to `epochs` in all."""
    key = f"continue {run_id} {epochs} {launch_key or secrets.token_urlsafe(16)}"
    return _to_new(request, session, settings, *continue_once(session, run_id, epochs, key))


@router.post("/runs/{run_id}/reproduce", name="reproduce_run")
def reproduce_run(
    request: Request, run_id: RunId, session: Writing, settings: CurrentSettings,
    launch_key: Annotated[str, Form(max_length=64)] = "",
) -> RedirectResponse:  # fmt: skip
    """To the page of the run that trains this one again; pressed twice on one page it is one run."""
    made = reproduce_once(session, run_id, f"reproduce {run_id} {launch_key or secrets.token_urlsafe(16)}")
    return _to_new(request, session, settings, *made)


@router.post("/runs/{run_id}/export", name="export_run")
def export_run(request: Request, run_id: RunId, session: Writing, next: Next = "") -> RedirectResponse:
    export_again(session, run_id)
    return back(request, run_id, next)


@router.post("/runs/{run_id}/delete", name="delete_run")
def delete_run(request: Request, run_id: RunId, session: Writing, next: Next = "") -> RedirectResponse:
    """Back to the list, which offers to undo it: in its address stands what the run was."""
    run = run_by_id(session, run_id)
    was = {"waited": run.state is RunState.QUEUED, "held": run.held_at is not None}
    move_to_bin(session, run_id)
    undo = urlencode({"deleted": run_id} | {name: 1 for name, is_so in was.items() if is_so})
    return RedirectResponse(own_path(next) or f"{request.app.url_path_for('runs_page')}?{undo}", status_code=303)


@router.post("/runs/{run_id}/restore", name="restore_run")
def restore_run(request: Request, run_id: RunId, session: Writing, next: Next = "") -> RedirectResponse:
    restore(session, run_id)
    return back(request, run_id, next)


def _to_new(request: Request, session: Session, settings: Settings, run: Run, is_new: bool) -> RedirectResponse:
    if is_new:
        take_over(session, settings.runs_dir, run)
    assert run.id is not None
    return back(request, run.id, "")


def back(request: Request, run_id: int, next_path: str) -> RedirectResponse:
    """303 to the path that the form named, if it is one of ours, else to the run's page."""
    return RedirectResponse(own_path(next_path) or request.app.url_path_for("run_page", run_id=run_id), status_code=303)
