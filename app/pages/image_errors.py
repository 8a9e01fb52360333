"""The Errors page of a run, a group or any chosen runs: confusion matrix, classes, and the images that were misread."""

from math import ceil
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from app.dependencies import CurrentSettings, Reading
from app.image_views import ErrorsView
from app.templating import render
from core.chosen_predictions import ChosenPredictions, choose_predictions
from core.confusion import confusion
from core.dataset_store import MaterialisedDataset
from core.events import newest_event_id
from core.readings import in_order, readings_of, told, wrong_readings

PAGE_SIZE = 60  # images of a gallery: rows of 4, 5, 6, 10 and 12 are full

router = APIRouter()


@router.get("/errors", name="errors_page")
def errors_page(
    request: Request, view: Annotated[ErrorsView, Query()], session: Reading, settings: CurrentSettings
) -> HTMLResponse:
    event_id = newest_event_id(session)
    chosen = choose_predictions(session, view.choice, settings.runs_dir, settings.materialised_dir)
    shown = _errors(view, chosen, chosen.dataset) if chosen.dataset is not None and chosen.groups else {}
    return render(
        request, "pages/image_errors.html", view=view, chosen=chosen, event_id=event_id,
        **heading(chosen), **shown,
    )  # fmt: skip


def _errors(view: ErrorsView, chosen: ChosenPredictions, dataset: MaterialisedDataset) -> dict[str, Any]:
    """What the template names."""
    classes, labels = dataset.manifest.classes, dataset.labels("test")
    readings = readings_of(chosen.predictions, len(labels), len(classes))
    label, said = (None if one is None or one >= len(classes) else one for one in (view.label, view.said))
    is_suspects = view.show == "suspects"
    meant = in_order(readings, wrong_readings(readings, labels, label, said, only_suspects=is_suspects), view.order)
    start = (view.page - 1) * PAGE_SIZE
    matrix = confusion(labels, [one.classes for one in chosen.predictions], classes)
    return {
        "matrix": matrix, "of_classes": matrix.of_classes(), "classes": classes, "dataset": dataset,
        "label": label, "said": said, "num_meant": len(meant), "num_pages": ceil(len(meant) / PAGE_SIZE),
        "shown": [told(readings, labels, *one) for one in meant[start : start + PAGE_SIZE]], "start": start,
        "num_runs": readings.num_runs, "epochs": sorted({one.epoch for one in chosen.predictions}),
    }  # fmt: skip


def heading(chosen: ChosenPredictions) -> dict[str, Any]:
    """Whose predictions they are, in words: of one run, of the seeds of one group, or of many."""
    runs, groups = chosen.runs, [one.group for one in chosen.groups]
    if len(runs) == 1:
        return {"whose": runs[0].name, "only_run": runs[0]}
    if len(groups) == 1:
        return {"whose": f"{groups[0].label}, {len(runs)} seeds", "only_run": None}
    return {"whose": f"{len(runs)} runs in {len(groups)} groups" if runs else "", "only_run": None}
