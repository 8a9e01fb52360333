"""The page of one dataset: its images by class, its figures, where it lies; and the pictures on it."""

from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from app.dependencies import LARGEST_ID, CurrentSettings, Reading
from app.pages.images import FOR_EVER
from app.templating import render
from core.dataset_places import place_of
from core.dataset_statistics import statistics_of
from core.dataset_store import DatasetBroken, DatasetMissing, ImageNotFound, MaterialisedDataset, materialised
from core.dataset_tables import ImportedDataset
from core.dataset_tasks import num_runs_on
from core.events import newest_event_id
from core.known_datasets import known_dataset
from core.png import png_bytes, sprite_sheet
from core.settings import Settings

SAMPLES_PER_CLASS = 8

router = APIRouter(prefix="/datasets")

Name = Annotated[str, Path(max_length=64)]
Label = Annotated[int, Path(ge=0, lt=256)]
Number = Annotated[int, Path(ge=0, le=LARGEST_ID)]


@router.get("/{name}", name="dataset_page")
def dataset_page(request: Request, name: Name, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    place = place_of(session, settings, known_dataset(session, name))
    try:
        dataset: MaterialisedDataset | None = materialised(settings.materialised_dir, name)
        statistics = statistics_of(dataset) if dataset else None
    except (DatasetMissing, DatasetBroken):
        dataset, statistics = None, None
    return render(
        request, "pages/dataset.html", event_id=newest_event_id(session), place=place, dataset=dataset,
        statistics=statistics, row=session.get(ImportedDataset, name), num_runs=num_runs_on(session, name),
        most=max((*statistics.num_train, *statistics.num_test)) if statistics else 0,
        most_pixels=max(statistics.histogram) if statistics else 0, num_samples=SAMPLES_PER_CLASS,
    )  # fmt: skip


@router.get("/{name}/images/train/{number}.png", name="train_image")
def train_image(name: Name, number: Number, session: Reading, settings: CurrentSettings) -> Response:
    dataset = _here(session, settings, name)
    return Response(png_bytes(dataset.image("train", number)), media_type="image/png")


@router.get("/{name}/classes/{label}/{what}.png", name="class_image")
def class_image(
    name: Name, label: Label, what: Literal["mean", "samples"], session: Reading, settings: CurrentSettings, v: str = ""
) -> Response:
    """The mean of a class's train images, or its first ones in a row. With `v`, the version, it never changes."""
    dataset = _here(session, settings, name)
    if label >= len(dataset.manifest.classes):
        raise ImageNotFound(f"{name} has classes 0 to {len(dataset.manifest.classes) - 1}.")
    if what == "mean":
        pixels = statistics_of(dataset).mean_images[label]
    else:
        numbers = dataset.numbers_of_class("train", label, SAMPLES_PER_CLASS)
        row = np.zeros((1, SAMPLES_PER_CLASS, *dataset.manifest.image_shape), np.uint8)
        row[0, : len(numbers)] = dataset.images("train")[numbers]
        pixels = sprite_sheet(row)
    headers = {"Cache-Control": FOR_EVER} if v == dataset.version else {}
    return Response(png_bytes(pixels), media_type="image/png", headers=headers)


def _here(session: Session, settings: Settings, name: str) -> MaterialisedDataset:
    """Raises UnknownDataset, DatasetMissing, DatasetBroken."""
    return materialised(settings.materialised_dir, known_dataset(session, name).name)
