"""Reproduce the report: which dataset, how many seeds, and the launch of its networks."""

import secrets
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session

from app.dependencies import CurrentSettings, Reading, Writing
from app.pages.launch_outlook import manifest_of
from app.pages.launch_words import in_plain_words
from app.templating import render
from core.benchmark_mode import DEFAULT_REPEATS
from core.datasets import is_fetched
from core.estimates import seconds_of_launch
from core.events import newest_event_id
from core.experiment_plan import ExperimentPlan
from core.experiments import launch_experiment_once
from core.invalid_run_config import InvalidRunConfig
from core.known_datasets import datasets_here
from core.report import BASE, DATASET, ROWS, published_rows, reproduction
from core.settings import Settings

router = APIRouter(prefix="/experiments/report")


@dataclass(frozen=True)
class Asked:
    """What was typed, with its plan or the reasons why there is none."""

    dataset: str
    seeds: str
    benchmark: str  # empty where the box is not ticked
    plan: ExperimentPlan | None
    problems: dict[str, str]


def _asked(session: Session, dataset: str, seeds: str, benchmark: str) -> Asked:
    repeats = DEFAULT_REPEATS if benchmark else None
    try:
        return Asked(dataset, seeds, benchmark, reproduction(dataset, int(seeds), repeats, datasets_here(session)), {})
    except InvalidRunConfig as error:
        reasons = {"seeds" if field == "grid" else field: why for field, why in error.problems.items()}
        return Asked(dataset, seeds, benchmark, None, {field: in_plain_words(why) for field, why in reasons.items()})
    except ValueError:
        return Asked(dataset, seeds, benchmark, None, {"seeds": "must be a whole number"})


@router.get("", name="report_page")
def report_page(
    request: Request,
    session: Reading,
    settings: CurrentSettings,
    dataset: Annotated[str, Query(max_length=64)] = DATASET,
    seeds: Annotated[str, Query(max_length=20)] = "3",
    benchmark: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    return _page(request, session, settings, _asked(session, dataset, seeds, benchmark), key=secrets.token_urlsafe(16))


@router.post("", name="launch_report", response_model=None)
def launch_report(
    request: Request,
    session: Writing,
    settings: CurrentSettings,
    dataset: Annotated[str, Form(max_length=64)] = DATASET,
    seeds: Annotated[str, Form(max_length=20)] = "3",
    benchmark: Annotated[str, Form(max_length=20)] = "",
    launch_key: Annotated[str, Form(max_length=64)] = "",
) -> RedirectResponse | HTMLResponse:
    asked, key = _asked(session, dataset, seeds, benchmark), launch_key or secrets.token_urlsafe(16)
    if asked.plan is None:
        return _page(request, session, settings, asked, key=key, status_code=422)
    what = f"report {key} {dataset} {asked.plan.seeds}{benchmark and ' benchmark'}"
    experiment, _ = launch_experiment_once(session, asked.plan, what)
    return RedirectResponse(request.app.url_path_for("experiment_page", experiment_id=experiment.id), status_code=303)


def _page(
    request: Request, session: Session, settings: Settings, asked: Asked, *, key: str, status_code: int = 200
) -> HTMLResponse:
    shown: dict[str, Any] = {  # Any: what the template names
        "asked": asked, "launch_key": key, "base": BASE, "rows": ROWS, "published": published_rows(),
        "repeats": DEFAULT_REPEATS,
        "datasets": [
            (dataset, manifest_of(settings.materialised_dir, name), is_fetched(name, settings.datasets_dir))
            for name, dataset in datasets_here(session).items()
        ],
        "seconds": None if asked.plan is None else seconds_of_launch(session, asked.plan),
    }  # fmt: skip
    return render(request, "pages/reproduce.html", status_code=status_code, event_id=newest_event_id(session), **shown)
