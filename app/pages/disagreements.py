"""Where two groups of a comparison disagree: class by class, and image by image in sentences."""

from collections.abc import Sequence
from math import ceil
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from app.dependencies import CurrentSettings, Reading
from app.image_views import DisagreementsView
from app.templating import render
from core.chosen_predictions import ReadGroup, choose_predictions, pair_of
from core.comparison import LEAST_SEEDS
from core.dataset_store import MaterialisedDataset
from core.events import newest_event_id
from core.more_seeds import looks_at
from core.predictions import PredictionsMissing
from core.readings import ClassDifference, class_differences, disagreeing, disagreement

PAGE_SIZE = 40

router = APIRouter()


@router.get("/compare/disagreements", name="disagreements_page")
def disagreements_page(
    request: Request, view: Annotated[DisagreementsView, Query()], session: Reading, settings: CurrentSettings
) -> HTMLResponse:
    event_id = newest_event_id(session)
    asked, folders = (view.first, view.second), (settings.runs_dir, settings.materialised_dir)
    chosen = choose_predictions(session, view.choice, *folders, asked)
    pair, why_not = None, None
    try:
        pair = pair_of(chosen.groups, *asked)
    except PredictionsMissing as error:
        why_not = error if any(asked) else None
    shown = _disagreements(session, view, *pair, pair[0].dataset) if pair is not None else {}
    return render(
        request, "pages/disagreements.html",
        view=view, chosen=chosen, event_id=event_id, pair=pair, why_not=why_not, **shown,
    )  # fmt: skip


def _disagreements(
    session: Session, view: DisagreementsView, first: ReadGroup, second: ReadGroup, dataset: MaterialisedDataset
) -> dict[str, Any]:
    """What the template names. While a run of either group is open nothing is told from chance, as on Compare."""
    from app.verdict_words import interval_words
    from core import class_verdicts  # with the first disagreement: it brings SciPy along
    from core.verdicts import Side

    classes, labels = dataset.manifest.classes, dataset.labels("test")
    both = first.readings, second.readings
    label = None if view.label is None or view.label >= len(classes) else view.label
    images = disagreeing(*both, labels, label=label, better=view.better)
    start = (view.page - 1) * PAGE_SIZE
    of_classes = class_differences(*both, labels, classes)
    is_open = any(Side(read.group, {}).num_open for read in (first, second))
    ours, theirs = (read.group.config_hash for read in (second, first))
    look = looks_at(session, theirs, [ours])[ours]
    told = (first.predictions, second.predictions, labels, len(classes), look)
    verdicts = {} if is_open else class_verdicts.class_verdicts(*told)
    intervals = {number: interval_words(one.interval) for number, one in verdicts.items()}
    return {
        "classes": classes, "dataset": dataset, "label": label, "num_meant": len(images),
        "num_pages": ceil(len(images) / PAGE_SIZE), "of_classes": of_classes,
        "shown": [disagreement(*both, labels, image) for image in images[start : start + PAGE_SIZE]],
        "verdicts": verdicts, "told": {classes[number] for number, one in verdicts.items() if one.is_told},
        "least_seeds": LEAST_SEEDS, "least_images": class_verdicts.LEAST_IMAGES,
        "is_open": is_open, "intervals": intervals,
        "has_seeds": min(len(first.predictions), len(second.predictions)) >= LEAST_SEEDS,
        "better": _most(of_classes, 1), "worse": _most(of_classes, -1),
        "largest": max(abs(one.difference) for one in of_classes) or 1,
    }  # fmt: skip


def _most(of_classes: Sequence[ClassDifference], sign: int) -> list[ClassDifference]:
    """Classes of which the second group reads more (or fewer) rightly, the largest difference first."""
    return sorted(
        (one for one in of_classes if sign * one.difference > 0), key=lambda one: -abs(one.difference)
    )  # fmt: skip
