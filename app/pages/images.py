"""A test image: as a PNG file, which the browser keeps as long as the dataset stays the same; and its own page."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from app.dependencies import LARGEST_ID, CurrentSettings, Reading
from app.image_views import ImageView
from app.templating import render
from core.chosen_predictions import choose_predictions
from core.chosen_runs import Choice
from core.dataset_store import materialised
from core.epoch_answers import history_of_image
from core.events import newest_event_id
from core.known_datasets import known_dataset
from core.png import png_bytes
from core.run_state import RunState
from core.runs import RunFilter, list_runs

router = APIRouter()

ImageNumber = Annotated[int, Path(ge=0, le=LARGEST_ID)]
NUM_NEWEST = 20  # runs that answer where none are chosen
MOST_HISTORIES = 30  # runs whose epochs are shown
FOR_EVER = "private, max-age=31536000, immutable"


@router.get("/datasets/{name}/images/test/{number}.png", name="test_image")
def image_file(name: str, number: ImageNumber, session: Reading, settings: CurrentSettings, v: str = "") -> Response:
    """`v` is the dataset's version: with it the address means these pixels and no others."""
    dataset = materialised(settings.materialised_dir, known_dataset(session, name).name)
    headers = {"Cache-Control": FOR_EVER} if v == dataset.version else {}
    return Response(png_bytes(dataset.image("test", number)), media_type="image/png", headers=headers)


@router.get("/datasets/{name}/images/test/{number}", name="image_page")
def image_page(
    request: Request, name: str, number: ImageNumber, view: Annotated[ImageView, Query()], session: Reading,
    settings: CurrentSettings,
) -> HTMLResponse:  # fmt: skip
    """What each chosen run says of one image; without a choice, the newest completed runs on its dataset."""
    dataset = materialised(settings.materialised_dir, known_dataset(session, name).name)
    dataset.image("test", number)  # or it is not found
    event_id = newest_event_id(session)
    choice = view.choice or _newest(session, name)
    chosen = choose_predictions(session, choice, settings.runs_dir, settings.materialised_dir)
    groups = chosen.groups if chosen.dataset is not None and chosen.dataset.manifest.name == name else []
    labels, classes = dataset.labels("test"), dataset.manifest.classes
    runs = [one.run for group in groups for one in group.predictions][:MOST_HISTORIES]
    told = [(run, history_of_image(session, run, number, labels, len(classes))) for run in runs]
    return render(
        request, "pages/image.html", view=view, chosen=chosen, event_id=event_id, dataset=dataset, number=number,
        classes=classes, label=int(labels[number]), groups=groups, histories=[one for one in told if one[1]],
    )  # fmt: skip


def _newest(session: Session, dataset: str) -> Choice:
    wanted = RunFilter(states=(RunState.COMPLETED,), datasets=(dataset,))
    runs = list_runs(session, wanted, limit=NUM_NEWEST).runs
    return Choice(runs=tuple(run.id for run in runs if run.id is not None))
