"""Try it: an image is drawn, sent or taken from the test images, and every chosen model answers at once."""

import base64
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import Field
from sqlmodel import Session

from app.compare_view import Compared
from app.dependencies import LARGEST_ID, CurrentPredictor, CurrentSettings, Reading, SentImage, TurnToPredict
from app.prediction import Predictor
from app.templating import render
from app.trying import Handling, Seen, Tried, framing_of, kept_as_seen_by, seen_by, try_image
from core.activations import layer_pictures
from core.architectures.shapes import trace
from core.dataset_store import MaterialisedDataset
from core.events import newest_event_id
from core.gallery import kept_image
from core.image_files import ImageRefused
from core.png import png_bytes
from core.preprocessing import Prepared
from core.run_state import ENDED
from core.trained_weights import WeightsMissing, WeightsReplaced
from core.tried_models import ChosenModels, choose_models, triable_runs

router = APIRouter()

NUM_SAMPLES = 20  # test images that are one press away
MOST_CLASSES = 12  # whose bars are shown; of more, the most probable
Number = Annotated[int | None, Field(ge=0, le=LARGEST_ID)]


class TryView(Compared, Handling):
    """Which models, which image where none was sent, how it is handled, and whose layers are shown."""

    sample: Number = None  # a test image
    kept: Number = None  # an image of the gallery
    layers: Number = None  # a run


View = Annotated[TryView, Query()]


@router.get("/try", name="try_page")
def try_page(
    request: Request, view: View, session: Reading, settings: CurrentSettings, predictor: CurrentPredictor,
    _: TurnToPredict,
) -> HTMLResponse:  # fmt: skip
    chosen = choose_models(session, view.choice, settings.materialised_dir)
    shown: dict[str, Any] = {}
    if chosen.dataset is not None:
        shown = _answers(view, chosen, chosen.dataset, predictor, b"", session) | {
            "samples": _samples(chosen.dataset, view)
        }
        shown["can_draw"] = framing_of(chosen.dataset) is not None
    return render(
        request, "pages/try.html", view=view, chosen=chosen, event_id=newest_event_id(session),
        offered=triable_runs(session), chosen_ids={run.id for run in chosen.runs},
        open_runs=[run.id for run in chosen.runs if run.state not in ENDED], **shown,
    )  # fmt: skip


@router.post("/try/answers", name="try_answers")
def try_answers(
    request: Request, view: View, image: SentImage, session: Reading, settings: CurrentSettings,
    predictor: CurrentPredictor, _: TurnToPredict,
) -> HTMLResponse:  # fmt: skip
    """To the image in the body; without one, to the test image of the view."""
    chosen = choose_models(session, view.choice, settings.materialised_dir)
    if chosen.dataset is None:
        raise WeightsMissing(" ".join(chosen.left_out) or "There is no trained run yet.")
    try:
        shown = _answers(view, chosen, chosen.dataset, predictor, image, session)
    except ImageRefused as refusal:
        return render(request, "partials/try/refused.html", status_code=422, reason=str(refusal))
    return render(request, "partials/try/answers.html", view=view, **shown)


def _answers(
    view: TryView, chosen: ChosenModels, dataset: MaterialisedDataset, predictor: Predictor, image: bytes,
    session: Session,
) -> dict[str, Any]:  # fmt: skip  # what the template names
    if image:
        seen, label, title = seen_by(dataset, image, view), None, "Your image"
    else:
        seen, label, title = _of_gallery(view, dataset, session) or _of_test_split(view, dataset)
    tried = try_image(predictor, dataset, chosen, seen)
    return {
        "tried": tried, "dataset": dataset, "label": label, "title": title, "seen_png": data_url(seen.image),
        "order": _order(tried), "num_classes": len(dataset.manifest.classes),
        "layers_of": next((answer.run for answer in tried.answers if answer.run.id == view.layers), None),
        "pictures": _pictures(view, tried, predictor),
    }  # fmt: skip


def _of_gallery(view: TryView, dataset: MaterialisedDataset, session: Session) -> tuple[Seen, int | None, str] | None:
    """Raises ImageGone."""
    if not view.kept:
        return None
    kept, classes = kept_image(session, view.kept), dataset.manifest.classes
    label = classes.index(kept.label) if kept.label in classes else None
    return kept_as_seen_by(dataset, kept), label, f"Image {kept.id} of the gallery"


def _of_test_split(view: TryView, dataset: MaterialisedDataset) -> tuple[Seen, int | None, str]:
    number = min(view.sample or 0, dataset.manifest.num_test - 1)
    seen = Seen(Prepared(dataset.image("test", number)), [])
    return seen, int(dataset.labels("test")[number]), f"Test image {number:,}"


def _order(tried: Tried) -> list[int]:
    """All classes in their order; of many, those that any model holds probable, the most probable first."""
    num_classes = len(tried.dataset.manifest.classes)
    if num_classes <= MOST_CLASSES or not tried.lines:
        return list(range(min(num_classes, MOST_CLASSES)))
    mean = np.sum([line.mean for line in tried.lines], axis=0)
    return sorted(range(num_classes), key=lambda number: -mean[number])[:MOST_CLASSES]


def _pictures(view: TryView, tried: Tried, predictor: Predictor) -> list[tuple[Any, str]] | None:
    """Each layer of the run whose layers are shown, and its picture."""
    answer = next((answer for answer in tried.answers if answer.run.id == view.layers), None)
    if answer is None:
        return None
    try:
        network = predictor.with_every_layer(answer.run, tried.dataset.manifest)
    except (WeightsMissing, WeightsReplaced):  # it has answered a moment ago; the next stroke tells
        return None
    traced = trace(network.stored.layers, tried.dataset.manifest.image_shape)
    pictures = layer_pictures(traced, network.layers(tried.seen.image))
    return [(picture, data_url(picture.picture)) for picture in pictures]


def _samples(dataset: MaterialisedDataset, view: TryView) -> list[tuple[int, int]]:
    """(number, label) of test images, those around the one that is shown."""
    start = (view.sample or 0) // NUM_SAMPLES * NUM_SAMPLES
    start = min(start, max(0, dataset.manifest.num_test - 1) // NUM_SAMPLES * NUM_SAMPLES)
    labels = dataset.labels("test")[start : start + NUM_SAMPLES]
    return [(start + place, int(label)) for place, label in enumerate(labels)]


def data_url(image: Any) -> str:  # (H, W) or (C, H, W) uint8
    return f"data:image/png;base64,{base64.b64encode(png_bytes(image)).decode()}"
