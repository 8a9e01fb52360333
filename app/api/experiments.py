"""Experiments: launch, list, look at, change, cancel."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response
from sqlmodel import Session

from app.api.experiment_schemas import (
    ExperimentChange,
    ExperimentIn,
    ExperimentListOut,
    ExperimentOut,
    ReportIn,
    experiment_out,
    listed_experiment,
)
from app.dependencies import LARGEST_ID, CurrentSettings, ExperimentId, IdempotencyKey, Reading, Writing
from app.errors import problems
from core import experiment_changes
from core.experiment_plan import ExperimentPlan, plan_experiment
from core.experiments import (
    experiment_by_id,
    launch_experiment,
    launch_experiment_once,
    list_experiments,
    runs_of_experiment,
    summaries,
)
from core.inheritance import take_over_all
from core.known_datasets import datasets_here
from core.named_networks import with_layers_of_each
from core.report import reproduction
from core.settings import Settings
from core.tables import Experiment

router = APIRouter(prefix="/experiments", tags=["experiments"])

EXAMPLES = {
    "learning rates": {
        "summary": "Two learning rates, three seeds each: six runs",
        "value": {
            "base": {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 5},
            "grid": {"learning_rate": [0.1, 0.01]}, "seeds": 3,
        },
    },
    "networks": {
        "summary": "Networks, one with other parameters, over seeds of your own",
        "value": {
            "name": "What are convolutions worth?", "base": {"dataset": "mnist", "epochs": 10},
            "grid": {"architecture": ["lenet5", {"name": "custom-mlp", "parameters": {"dropout": 0.2}}]},
            "seeds": [0, 1, 5],
        },
    },
    "benchmark": {
        "summary": "What two networks cost: alone, five times each, in turn",
        "value": {
            "base": {"dataset": "digits", "epochs": 5}, "grid": {"architecture": ["lenet5", "custom-mlp"]},
            "seeds": 1, "benchmark": True, "repeats": 5,
        },
    },
}  # fmt: skip
KNOWN_KEY: dict[int | str, dict[str, Any]] = {
    200: {"model": ExperimentOut, "description": "Known key"}
}  # Any: FastAPI's own type


@router.post("", status_code=201, responses=problems(400, 404) | KNOWN_KEY)
def launch_many(
    asked: Annotated[ExperimentIn, Body(openapi_examples=EXAMPLES)],
    session: Writing,
    settings: CurrentSettings,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> ExperimentOut:
    """Add an experiment and all of its runs to the queue: each combination of the grid, seed by seed. A `source` in
    the base has each of them start from the same weights.

    A benchmark's runs wait until nothing else is trained or exported, and while one is trained nothing else starts."""
    base, grid = with_layers_of_each(session, asked.base, asked.grid)
    plan = plan_experiment(
        name=asked.name, base=base, grid=grid, seeds=asked.seeds,
        repeats=asked.chosen_repeats, datasets=datasets_here(session),
    )  # fmt: skip
    return _launched(session, settings, response, plan, idempotency_key)


@router.post("/report", status_code=201, responses=problems(400, 404) | KNOWN_KEY)
def launch_report(
    asked: ReportIn, session: Writing, settings: CurrentSettings, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> ExperimentOut:  # fmt: skip
    """Reproduce the report: its four networks and a real MLP as it trained them, over seeds."""
    plan = reproduction(asked.dataset, asked.seeds, asked.chosen_repeats, datasets_here(session))
    return _launched(session, settings, response, plan, idempotency_key)


@router.get("")
def get_experiments(
    session: Reading,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="`next_before` of the page before.")] = None,
) -> ExperimentListOut:
    """Experiments, newest first, page by page; those whose runs are all in the bin are left out."""
    found = list_experiments(session, limit=limit + 1, before=before)
    page = found[:limit]
    next_before = page[-1].experiment.id if len(found) > limit else None
    return ExperimentListOut(experiments=tuple(map(listed_experiment, page)), next_before=next_before)


@router.get("/{experiment_id}", responses=problems(404))
def get_experiment(experiment_id: ExperimentId, session: Reading) -> ExperimentOut:
    """One experiment: what it asks, how far it is, its groups and their runs."""
    return _told(session, experiment_by_id(session, experiment_id))


@router.patch("/{experiment_id}", responses=problems(400, 404))
def change_experiment(experiment_id: ExperimentId, change: ExperimentChange, session: Writing) -> ExperimentOut:
    """Rename it, or change its notes: all of it or nothing."""
    changed = experiment_changes.change_experiment(session, experiment_id, name=change.name, notes=change.notes)
    return _told(session, changed)


@router.post("/{experiment_id}/cancel", responses=problems(404))
def cancel_experiment(experiment_id: ExperimentId, session: Writing) -> ExperimentOut:
    """Cancel each of its runs that is queued or running."""
    return _told(session, experiment_changes.cancel_experiment(session, experiment_id))


def _launched(
    session: Session, settings: Settings, response: Response, plan: ExperimentPlan, key: str | None
) -> ExperimentOut:
    made = (launch_experiment(session, plan), True) if key is None else launch_experiment_once(session, plan, key)
    experiment, is_new = made
    if is_new:
        take_over_all(session, settings.runs_dir, experiment)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/api/v1/experiments/{experiment.id}"
    return _told(session, experiment)


def _told(session: Session, experiment: Experiment) -> ExperimentOut:
    session.flush()
    assert experiment.id is not None
    return experiment_out(summaries(session, [experiment])[0], runs_of_experiment(session, experiment.id))
