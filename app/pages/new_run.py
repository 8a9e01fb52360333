"""The New run page: the launch form, its live outlook, and the launch."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session
from starlette.datastructures import URL

from app.dependencies import CurrentSettings, Reading, Writing
from app.pages.launch_asked import Asked
from app.pages.launch_form import (
    ADVANCED,
    DEFAULT_TEXTS,
    config_fields,
    differing_texts,
    family_fields,
    split,
    texts_from,
    texts_typed,
)
from app.pages.launch_networks import own_networks
from app.pages.launch_outlook import Outlook, manifest_of, outlook_of
from app.pages.launch_sources import texts_of_experiment, texts_of_run
from app.templating import render
from core.architectures.catalogue import FAMILIES
from core.dataset_store import Manifest, materialised
from core.datasets import Dataset
from core.events import newest_event_id
from core.experiments import experiment_by_id, launch_experiment_once
from core.idempotency import enqueue_once, is_known
from core.inheritance import take_over, take_over_all
from core.known_datasets import datasets_here, known_dataset
from core.png import png_bytes, sprite_sheet
from core.run_config import DEPENDENT_FIELDS
from core.runs import run_by_id
from core.settings import Settings

SAMPLES_PER_CLASS, MOST_CLASSES = 3, 10  # of a card
UNPROCESSABLE = 422
SEE_OTHER = 303

router = APIRouter()


@dataclass(frozen=True)
class DatasetCard:
    """`manifest` is None until the worker has made the images ready."""

    dataset: Dataset
    manifest: Manifest | None


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form()
    return texts_typed((name, value) for name, value in form.multi_items() if isinstance(value, str))


@router.get("/runs/new", name="new_run_page")
def new_run_page(
    request: Request,
    session: Reading,
    settings: CurrentSettings,
    run: Annotated[int | None, Query(alias="from", description="a run to begin with")] = None,
    experiment: Annotated[int | None, Query(description="an experiment to begin with")] = None,
) -> HTMLResponse:
    """Whatever the query names is filled in; what it does not name is as in the run or experiment, or the default."""
    source: dict[str, str] | None = None
    if experiment is not None:
        source = texts_of_experiment(session, experiment_by_id(session, experiment), datasets_here(session))
    elif run is not None:
        source = texts_of_run(session, run_by_id(session, run))
    texts = texts_from(texts_typed(request.query_params.multi_items()), source)
    key = secrets.token_urlsafe(16)
    return _page(request, session, settings, texts, key=key, source_run=run, source_experiment=experiment)


@router.get("/runs/new/outlook", name="new_run_outlook")
def new_run_outlook(request: Request, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    """The parts of the page that follow from what is typed, each for its place; the address bar follows too."""
    texts = texts_from(texts_typed(request.query_params.multi_items()))
    response = render(
        request, "partials/new_run/outlook.html", outlook=_outlook(request, session, settings, texts), texts=texts
    )
    page = URL(request.app.url_path_for("new_run_page")).include_query_params(**differing_texts(texts))
    response.headers["HX-Replace-Url"] = str(page)
    return response


@router.post("/runs", name="launch_run", response_model=None)
def launch_run(
    request: Request,
    session: Writing,
    settings: CurrentSettings,
    typed: Annotated[dict[str, str], Depends(_typed)],
) -> RedirectResponse | HTMLResponse:
    texts = texts_from(typed)
    key = typed.get("launch_key", "")[:64] or secrets.token_urlsafe(16)
    outlook = _outlook(request, session, settings, texts)
    own_key = _key_of(key, outlook.asked)
    if outlook.launched is None or (outlook.plan is None and not is_known(session, own_key)):
        return _page(request, session, settings, texts, key=key, refused=outlook)
    if outlook.single is not None:
        run, is_new = enqueue_once(session, outlook.single, own_key)
        if is_new:
            take_over(session, settings.runs_dir, run)
        return RedirectResponse(request.app.url_path_for("run_page", run_id=run.id), SEE_OTHER)
    experiment, is_new = launch_experiment_once(session, outlook.launched, own_key)
    if is_new:
        take_over_all(session, settings.runs_dir, experiment)
    return RedirectResponse(request.app.url_path_for("experiment_page", experiment_id=experiment.id), SEE_OTHER)


@router.get("/datasets/{name}/samples.png", name="dataset_samples")
def dataset_samples(request: Request, name: str, session: Reading, settings: CurrentSettings) -> Response:
    """The first images of each of the first classes of train, a class to a column."""
    dataset = materialised(settings.materialised_dir, known_dataset(session, name).name)
    version = f'"{dataset.manifest.sha256["train_images"][:32]}"'
    if request.headers.get("if-none-match") == version:
        return Response(status_code=304, headers={"ETag": version})
    samples = dataset.samples(SAMPLES_PER_CLASS)[:MOST_CLASSES].swapaxes(0, 1)  # -> (per class, classes, C, H, W)
    return Response(png_bytes(sprite_sheet(samples)), media_type="image/png", headers={"ETag": version})


def _key_of(key: str, asked: Asked) -> str:
    """The same form sent twice is one launch; sent again after a change it is another."""
    return f"page {key} {hashlib.sha256(json.dumps(vars(asked), sort_keys=True).encode()).hexdigest()}"


def _outlook(request: Request, session: Session, settings: Settings, texts: dict[str, str]) -> Outlook:
    return outlook_of(
        session,
        texts,
        materialised_dir=settings.materialised_dir,
        api_url=f"{request.base_url}api/v1",
        needs_token=settings.token is not None,
    )


def _page(
    request: Request, session: Session, settings: Settings, texts: dict[str, str],
    *, key: str, source_run: int | None = None, source_experiment: int | None = None, refused: Outlook | None = None,
) -> HTMLResponse:  # fmt: skip
    outlook = refused or _outlook(request, session, settings, texts)
    fields, families = config_fields(texts, outlook.problems), family_fields(texts, outlook.problems)
    named = {
        field.name: field for field in (*fields.values(), *(field for group in families.values() for field in group))
    }
    datasets = datasets_here(session).values()
    context: dict[str, Any] = {  # Any: what the template names
        "texts": texts, "outlook": outlook, "fields": fields, "family_fields": families, "launch_key": key,
        "cards": [DatasetCard(d, manifest_of(settings.materialised_dir, d.name)) for d in datasets],
        "own_networks": own_networks(session, split(texts["architecture"])), "families": FAMILIES.values(),
        "dependent_fields": DEPENDENT_FIELDS, "advanced": ADVANCED,
        "chosen": {name: split(texts[name]) for name in ("dataset", "architecture")},
        "advanced_open": any(name in outlook.problems or texts[name] != DEFAULT_TEXTS[name] for name in ADVANCED),
        "named": named, "source_run": source_run, "source_experiment": source_experiment,
        "was_refused": refused is not None, "origin": (*texts["source"].split(), "", "")[:2],
    }  # fmt: skip
    return render(
        request, "pages/new_run.html", status_code=UNPROCESSABLE if refused else 200,
        event_id=newest_event_id(session), **context,
    )  # fmt: skip
