"""The gallery's page: images that users made, what they are, what was said of them then and what is said now."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import Field

from app.dependencies import (
    CurrentDatabase,
    CurrentPredictor,
    CurrentSettings,
    Id,
    Reading,
    SentImage,
    TurnToPredict,
    TurnToWrite,
    Writing,
)
from app.gallery_answers import answers_now, answers_then
from app.pages.try_it import TryView, data_url
from app.templating import render
from app.trying import seen_by, try_image
from core.events import newest_event_id
from core.gallery import MOST_IMAGES, GalleryFull, delete_image, keep_image, kept_images
from core.image_files import ImageRefused
from core.trained_weights import WeightsMissing
from core.tried_models import choose_models

router = APIRouter(prefix="/try/gallery")


class KeepView(TryView):
    """Which class the image is meant to be, by its number."""

    label: int = Field(ge=0, le=255)


@router.get("", name="gallery_page")
def gallery_page(
    request: Request, view: Annotated[TryView, Query()], session: Reading, settings: CurrentSettings,
    predictor: CurrentPredictor, _: TurnToPredict,
) -> HTMLResponse:  # fmt: skip
    images = kept_images(session)
    chosen = choose_models(session, view.choice, settings.materialised_dir)
    now, left_out = answers_now(predictor, chosen, images)
    return render(
        request, "pages/gallery.html", view=view, images=[(image, data_url(image.pixels)) for image in images], now=now,
        left_out=left_out if images else [], chosen=chosen, most_images=MOST_IMAGES,
        event_id=newest_event_id(session),
    )  # fmt: skip


@router.post("", name="keep_image")
def keep(
    request: Request, view: Annotated[KeepView, Query()], image: SentImage, database: CurrentDatabase,
    settings: CurrentSettings, predictor: CurrentPredictor, _: TurnToPredict, __: TurnToWrite,
) -> HTMLResponse:  # fmt: skip
    """Answered before anything is written: nobody else who writes waits for a network."""
    with database.reading() as session:
        chosen = choose_models(session, view.choice, settings.materialised_dir)
    if chosen.dataset is None:
        raise WeightsMissing("There is no trained run yet.")
    classes = chosen.dataset.manifest.classes
    try:
        if view.label >= len(classes):
            raise ImageRefused(f"There are {len(classes)} classes.")
        tried = try_image(predictor, chosen.dataset, chosen, seen_by(chosen.dataset, image, view))
        with database.writing() as session:
            name, label = chosen.dataset.manifest.name, classes[view.label]
            kept = keep_image(session, name, label, tried.seen.image, answers_then(tried))
    except (ImageRefused, GalleryFull) as refusal:
        return render(request, "partials/try/refused.html", status_code=422, reason=str(refusal))
    return render(request, "partials/try/kept.html", kept=kept)


@router.post("/{image_id}/delete", name="delete_kept_image")
def delete(
    request: Request, image_id: Id, view: Annotated[TryView, Query()], session: Writing
) -> RedirectResponse:  # fmt: skip
    """Back to the gallery, where the same models answer."""
    delete_image(session, image_id)
    return RedirectResponse(f"{request.app.url_path_for('gallery_page')}{view.query()}", status_code=303)
