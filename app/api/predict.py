"""An image in, every chosen model's answer out: of one run, or of many at once."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.api.compare import Which
from app.api.predict_schemas import PredictOut, predict_out
from app.dependencies import CurrentPredictor, CurrentSettings, Reading, RunId, SentImage, TurnToPredict
from app.errors import problems
from app.trying import Handling, seen_by, try_image
from core.dataset_store import materialised
from core.runs import run_by_id
from core.trained_weights import WeightsMissing
from core.tried_models import ChosenModels, Line, choose_models

router = APIRouter(tags=["runs"], responses=problems(404, 409, 413))

IMAGE_BODY: dict[str, Any] = {  # FastAPI's own type for what it puts into OpenAPI
    "requestBody": {
        "required": True,
        "description": "A PNG, JPEG or WebP: of an animated one the first frame. At most 1 MiB and 2,097,152 pixels.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/runs/{run_id}/predict", openapi_extra=IMAGE_BODY)
def predict(
    run_id: RunId, image: SentImage, handling: Annotated[Handling, Query()], session: Reading,
    settings: CurrentSettings, predictor: CurrentPredictor, _: TurnToPredict,
) -> PredictOut:  # fmt: skip
    """What a run says of an image, by its newest weights: of a completed run those of its selected epoch, else of its
    last checkpoint, also while it is trained."""
    run = run_by_id(session, run_id)
    dataset = materialised(settings.materialised_dir, run.dataset)
    seen = seen_by(dataset, image, handling)
    chosen = ChosenModels(dataset, [Line(run.name, [run])], [])
    tried = try_image(predictor, dataset, chosen, seen)
    if not tried.lines:
        raise WeightsMissing(*tried.missing)
    return predict_out(tried)


@router.post("/predict", openapi_extra=IMAGE_BODY)
def predict_by_many(
    image: SentImage, which: Which, handling: Annotated[Handling, Query()], session: Reading,
    settings: CurrentSettings, predictor: CurrentPredictor, _: TurnToPredict,
) -> PredictOut:  # fmt: skip
    """What each of the chosen runs says of an image; without a choice, the newest of each network. Runs on other images
    than the first are left out."""
    chosen = choose_models(session, which.choice, settings.materialised_dir)
    if chosen.dataset is None:
        raise WeightsMissing(" ".join(chosen.left_out) or "There is no trained run yet.")
    return predict_out(try_image(predictor, chosen.dataset, chosen, seen_by(chosen.dataset, image, handling)))
