"""The Run page: one run's state, curves, epochs, config, network, time and log; each partial is written once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic_core import PydanticUndefined
from sqlmodel import Session, col, select

from app.charts import Panel, epoch_panels, gaps, step_panel
from app.dependencies import CurrentSettings, Reading, RunId
from app.formatting import group_words
from app.network_cards import card_of
from app.pages.run_diagnosis import diagnosis_of
from app.pages.run_files import files_of
from app.palette import look_of
from app.run_costs import costs_of
from app.run_face import Face, face_of, tab_title
from app.run_origin import epochs_inherited, origin_of
from app.templating import render
from core.events import events_of_run, newest_event_id
from core.experiment_words import value_words
from core.experiments import varied_of
from core.invalid_run_config import InvalidRunConfig
from core.known_datasets import datasets_here
from core.known_networks import network_of_run
from core.metrics import epochs_of_run
from core.reproduction_answers import answers_about
from core.run_config import DEPENDENT_FIELDS, RunConfig, parse_run_config, resolve_run
from core.run_state import ENDED, RunState
from core.run_tables import Epoch
from core.runs import artifacts_of_run, log_of_run, run_by_id
from core.tables import Experiment, Run
from core.tags import tags_in_use, tags_of_runs

NUM_LOG_LINES = 60
MAX_LOG_LINES = 100_000  # of 2,000 characters at most; a run of 10,000 epochs says fewer. Guess, untuned
NUM_EPOCH_ROWS = 200  # the newest; all of them are in the CSV

router = APIRouter()


@dataclass(frozen=True)
class ConfigRow:
    title: str
    value: Any  # whatever the config's JSON holds: text, number, bool, None
    differs: bool  # from the default

    @property
    def words(self) -> str:
        return value_words(self.value)


@dataclass(frozen=True)
class PhaseTime:
    """Mean seconds per epoch of one phase, and its share of all three."""

    name: str
    seconds: float
    share: float


@router.get("/runs/{run_id}", name="run_page")
def run_page(request: Request, run_id: RunId, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    run = run_by_id(session, run_id)
    epochs = epochs_of_run(session, run_id)
    face = face_of(session, run)
    return render(
        request, "pages/run.html", **_header(session, run, face), **_record(run, epochs), **_journal(session, run_id),
        **files_of(session, run), **costs_of(run), panels=_panels(run, epochs, face), gaps=gaps(epochs),
        tags=tags_of_runs(session, [run_id])[run_id], known_tags=tags_in_use(session),
        config_rows=config_rows(run.config), card=card_of(network_of_run(session, run)),
        answers=answers_about(session, settings.runs_dir, run), **diagnosis_of(session, settings, run, epochs),
    )  # fmt: skip


@router.get("/runs/{run_id}/header", name="run_header")
def run_header(request: Request, run_id: RunId, session: Reading, launch_key: str = "") -> HTMLResponse:
    """`launch_key` is that of the page, which launches the run again once, however often its head is fetched."""
    run = run_by_id(session, run_id)
    context = _header(session, run, face_of(session, run)) | {"launch_key": launch_key}
    return render(request, "partials/run/header.html", **context)


@router.get("/runs/{run_id}/record", name="run_record")
def run_record(request: Request, run_id: RunId, session: Reading) -> HTMLResponse:
    run = run_by_id(session, run_id)
    told = _record(run, epochs_of_run(session, run_id)) | origin_of(session, run)
    return render(request, "partials/run/record.html", run=run, **told)


@router.get("/runs/{run_id}/journal", name="run_journal")
def run_journal(request: Request, run_id: RunId, session: Reading) -> HTMLResponse:
    run_by_id(session, run_id)
    return render(request, "partials/run/journal.html", **_journal(session, run_id))


@router.get("/runs/{run_id}/costs", name="run_costs")
def run_costs(request: Request, run_id: RunId, session: Reading) -> HTMLResponse:
    return render(request, "partials/run/costs.html", **costs_of(run_by_id(session, run_id)))


@router.get("/runs/{run_id}/log", name="run_log")
def run_log(run_id: RunId, session: Reading) -> PlainTextResponse:
    run_by_id(session, run_id)
    lines = log_of_run(session, run_id, limit=MAX_LOG_LINES)
    return PlainTextResponse("".join(f"{line.recorded_at:%Y-%m-%d %H:%M:%S} {line.line}\n" for line in lines))


def _header(session: Session, run: Run, face: Face) -> dict[str, Any]:  # what the template names
    assert run.id is not None
    weights = next((file for file in artifacts_of_run(session, run.id) if file.kind == "weights"), None)
    return {
        "run": run, "face": face, "tab_title": tab_title(run, face), "weights": weights,
        "event_id": newest_event_id(session), "launch_key": secrets.token_urlsafe(16),
        "works_on_suggested": run.suggested_dataset is not None and _works_on(session, run, run.suggested_dataset),
        **_belonging(session, run), **origin_of(session, run),
    }  # fmt: skip


def _belonging(session: Session, run: Run) -> dict[str, Any]:
    """Its experiment, what its group is called there, and the group's seeds in the order of launch."""
    experiment = None if run.experiment_id is None else session.get(Experiment, run.experiment_id)
    if experiment is None:
        return {"experiment": None}
    own = select(Run.seed).where(Run.experiment_id == experiment.id, Run.config_hash == run.config_hash)
    return {
        "experiment": experiment, "seeds": list(dict.fromkeys(session.exec(own.order_by(col(Run.id))))),
        "group_words": group_words(varied_of(experiment, run), run.architecture),
    }  # fmt: skip


def _record(run: Run, epochs: Sequence[Epoch]) -> dict[str, Any]:
    return {
        "epochs": epochs[::-1][:NUM_EPOCH_ROWS], "num_epochs_hidden": max(0, len(epochs) - NUM_EPOCH_ROWS),
        "phase_times": phase_times(epochs),
        "splits": ("train", "test") if run.config["validation"] == "none" else ("train", "val", "test"),
    }  # fmt: skip


def _journal(session: Session, run_id: int) -> dict[str, Any]:
    happened = [event for event in events_of_run(session, run_id) if event.kind != "epoch"]
    return {"events": happened[::-1], "log": log_of_run(session, run_id, limit=NUM_LOG_LINES)}


def _panels(run: Run, epochs: Sequence[Epoch], face: Face) -> list[Panel]:
    look = look_of(run.architecture)
    panels = epoch_panels(
        epochs, num_epochs=max(1, run.epochs_done) if run.state is RunState.COMPLETED else run.epochs,
        selected_epoch=run.selected_epoch, has_validation=run.config["validation"] != "none", look=look,
        num_inherited=epochs_inherited(run),
    )  # fmt: skip
    if run.state in ENDED:
        return panels
    losses = face.progress.losses if face.progress is not None else []
    return [*panels, step_panel(losses, face.progress.steps_per_epoch if face.progress is not None else 0, look)]


def config_rows(config: dict[str, Any]) -> list[ConfigRow]:
    """The config field by field, in its own order; what means nothing beside the other choices is left out."""
    rows = [
        ConfigRow("Network", config["architecture"]["name"], False),
        *(ConfigRow(f"Network: {name}", value, True) for name, value in config["architecture"]["parameters"].items()),
        ConfigRow("Dataset", config["dataset"], False),
    ]
    for name, field in RunConfig.model_fields.items():
        is_absent = name in (*DEPENDENT_FIELDS, "source") and config.get(name) is None
        if name in ("name", "architecture", "dataset") or is_absent:
            continue
        default = DEPENDENT_FIELDS[name][2] if name in DEPENDENT_FIELDS else field.default
        assert default is not PydanticUndefined
        rows.append(ConfigRow(field.title or name, config.get(name), config.get(name) != default))
    return rows


def phase_times(epochs: Sequence[Epoch]) -> list[PhaseTime]:
    """Where an epoch's time goes, on average; empty before the first."""
    if not epochs:
        return []
    means = {
        name: sum(getattr(epoch, f"{name}_seconds") for epoch in epochs) / len(epochs)
        for name in ("train", "evaluation", "checkpoint")
    }
    total = sum(means.values()) or 1.0
    return [PhaseTime(name, seconds, seconds / total) for name, seconds in means.items()]


def _works_on(session: Session, run: Run, dataset: str) -> bool:
    """Whether the same config could be launched on another dataset: its validation images may be too many there."""
    try:
        resolve_run(parse_run_config(run.config | {"dataset": dataset}), datasets_here(session))
    except InvalidRunConfig:
        return False
    return True
