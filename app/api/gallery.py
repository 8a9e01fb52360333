"""The gallery over REST: keep an image with its class, list them with what was said, delete one."""

import base64
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from app.api.compare import Which
from app.api.predict import IMAGE_BODY
from app.api.schemas import Fraction, Shape
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
from app.errors import problems
from app.gallery_answers import answers_then
from app.trying import Handling, seen_by, try_image
from core.gallery import KeptImage, delete_image, keep_image, kept_images
from core.image_files import ImageRefused
from core.png import png_bytes
from core.trained_weights import WeightsMissing
from core.tried_models import choose_models

router = APIRouter(prefix="/gallery", tags=["runs"])

Label = Annotated[str, Query(min_length=1, max_length=200, description="the class that it is", examples=["7"])]


class KeptAnswerOut(Shape):
    run: int = Field(description="the run's id; it may have been deleted since")
    model: str = Field(examples=["LeNet-5, seed 0"])
    epoch: int = Field(description="whose weights answered")
    said: str = Field(examples=["1"])
    confidence: Fraction


class KeptImageOut(Shape):
    """An image of the gallery, and what was said of it when it was sent."""

    id: int
    dataset: str = Field(description="whose images it was made like")
    label: str = Field(description="the class that its maker meant", examples=["7"])
    png: str = Field(description="base64 of what the networks saw")
    answers: tuple[KeptAnswerOut, ...]
    created_at: AwareDatetime


@router.get("")
def list_gallery(session: Reading) -> list[KeptImageOut]:
    """Every image that was kept, the newest first."""
    return [_out(kept) for kept in kept_images(session)]


@router.post("", status_code=201, openapi_extra=IMAGE_BODY, responses=problems(404, 409, 413))
def keep_in_gallery(
    image: SentImage, label: Label, which: Which, handling: Annotated[Handling, Query()], database: CurrentDatabase,
    settings: CurrentSettings, predictor: CurrentPredictor, _: TurnToPredict, __: TurnToWrite,
) -> KeptImageOut:  # fmt: skip
    """Keeps an image as the networks see it, with its class and what the chosen runs say of it."""
    with database.reading() as session:
        chosen = choose_models(session, which.choice, settings.materialised_dir)
    if chosen.dataset is None:
        raise WeightsMissing(" ".join(chosen.left_out) or "There is no trained run yet.")
    if label not in chosen.dataset.manifest.classes:
        raise ImageRefused(f"Its class is none of {', '.join(chosen.dataset.manifest.classes)}.")
    tried = try_image(predictor, chosen.dataset, chosen, seen_by(chosen.dataset, image, handling))
    with database.writing() as session:
        name = chosen.dataset.manifest.name
        return _out(keep_image(session, name, label, tried.seen.image, answers_then(tried)))


@router.delete("/{image_id}", status_code=204, responses=problems(404))
def delete_from_gallery(image_id: Id, session: Writing) -> Response:
    """Deletes it for good."""
    delete_image(session, image_id)
    return Response(status_code=204)


def _out(kept: KeptImage) -> KeptImageOut:
    return KeptImageOut(
        id=kept.id or 0, dataset=kept.dataset, label=kept.label,
        png=base64.b64encode(png_bytes(kept.pixels)).decode(),
        answers=tuple(KeptAnswerOut.model_validate(answer) for answer in kept.answers), created_at=kept.created_at,
    )  # fmt: skip
