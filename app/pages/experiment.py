"""The Experiment page: what it asks, how far it is, its groups over their seeds, and what can be done with it."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session

from app.dependencies import ExperimentId, Reading, Writing
from app.experiment_face import GroupRow, face_of_experiment, tab_title
from app.pages.run import ConfigRow, config_rows
from app.templating import render
from core import experiment_changes as changes
from core.benchmark_mode import stage
from core.events import newest_event_id
from core.experiments import experiment_by_id
from core.more_seeds import looks_of_experiment
from core.queue_order import is_paused
from core.workers import disk_is_low, live_workers

router = APIRouter(prefix="/experiments/{experiment_id}")


@router.get("", name="experiment_page")
def experiment_page(request: Request, experiment_id: ExperimentId, session: Reading) -> HTMLResponse:
    shown = _shown(session, experiment_id)
    return render(request, "pages/experiment.html", config_rows=shared_rows(shown["face"].groups), **shown)


@router.get("/now", name="experiment_now")
def experiment_now(request: Request, experiment_id: ExperimentId, session: Reading) -> HTMLResponse:
    return render(request, "partials/experiment/now.html", **_shown(session, experiment_id))


@router.post("/cancel", name="cancel_experiment")
def cancel_experiment(request: Request, experiment_id: ExperimentId, session: Writing) -> RedirectResponse:
    changes.cancel_experiment(session, experiment_id)
    return _back(request, experiment_id)


@router.post("/hold", name="hold_experiment")
def hold_experiment(request: Request, experiment_id: ExperimentId, session: Writing) -> RedirectResponse:
    changes.hold_experiment(session, experiment_id, held=True)
    return _back(request, experiment_id)


@router.post("/release", name="release_experiment")
def release_experiment(request: Request, experiment_id: ExperimentId, session: Writing) -> RedirectResponse:
    changes.hold_experiment(session, experiment_id, held=False)
    return _back(request, experiment_id)


@router.post("/rename", name="rename_experiment")
def rename_experiment(
    request: Request, experiment_id: ExperimentId, session: Writing, name: Annotated[str, Form()]
) -> RedirectResponse:
    changes.change_experiment(session, experiment_id, name=name)
    return _back(request, experiment_id)


@router.post("/notes", name="note_experiment")
def note_experiment(
    request: Request, experiment_id: ExperimentId, session: Writing, notes: Annotated[str, Form()] = ""
) -> RedirectResponse:
    changes.change_experiment(session, experiment_id, notes=notes)
    return _back(request, experiment_id)


@router.post("/delete", name="delete_experiment")
def delete_experiment(request: Request, experiment_id: ExperimentId, session: Writing) -> RedirectResponse:
    """To its own page, which says where its runs are and takes them back."""
    changes.bin_experiment(session, experiment_id)
    return _back(request, experiment_id)


@router.post("/restore", name="restore_experiment")
def restore_experiment(request: Request, experiment_id: ExperimentId, session: Writing) -> RedirectResponse:
    changes.restore_experiment(session, experiment_id)
    return _back(request, experiment_id)


def shared_rows(groups: Sequence[GroupRow]) -> list[ConfigRow]:
    """What the configs of all groups have in common."""
    first, *others = [config_rows(group.runs[0].config) for group in groups] or [[]]
    return [row for row in first if row.title != "Seed" and all(row in rows for rows in others)]


def _shown(session: Session, experiment_id: int) -> dict[str, Any]:  # what the template names
    face, workers = face_of_experiment(session, experiment_by_id(session, experiment_id)), live_workers(session)
    return {
        "face": face, "experiment": face.experiment, "tab_title": tab_title(face),
        "event_id": newest_event_id(session), "is_paused": is_paused(session),
        "looks": looks_of_experiment(session, experiment_id),
        "benchmark": stage(session), "has_worker": bool(workers), "disk_is_low": disk_is_low(workers),
    }  # fmt: skip


def _back(request: Request, experiment_id: int) -> RedirectResponse:
    return RedirectResponse(request.app.url_path_for("experiment_page", experiment_id=experiment_id), status_code=303)
