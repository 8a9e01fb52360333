"""Where two groups of a comparison disagree: class by class, image by image."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.compare import Which
from app.api.prediction_schemas import ClassDifferenceOut, ComparedGroupOut, DisagreementOut, DisagreementsOut
from app.api.predictions import Offset
from app.dependencies import CurrentSettings, Reading
from app.errors import problems
from core.chosen_predictions import ReadGroup, choose_predictions, pair_of
from core.readings import class_differences, disagreeing, disagreement

router = APIRouter(prefix="/compare", tags=["compare"], responses=problems(404))

Hash = Annotated[
    str,
    Query(pattern=r"^([0-9a-f]{4,64})?$", description="How its config hash begins; empty: the first of the others."),
]


@router.get("/disagreements")
def get_disagreements(
    which: Which,
    session: Reading,
    settings: CurrentSettings,
    first: Hash = "",
    second: Hash = "",
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DisagreementsOut:
    """The test images that two of the chosen groups read differently, those first in which the share of seeds
    that are right differs most, and the recall of each class. A config and seed that was trained again is read once."""
    folders = settings.runs_dir, settings.materialised_dir
    pair = pair_of(choose_predictions(session, which.choice, *folders, (first, second)).groups, first, second)
    dataset, both = pair[0].dataset, (pair[0].readings, pair[1].readings)
    classes, labels = dataset.manifest.classes, dataset.labels("test")
    images = disagreeing(*both, labels)
    told = [disagreement(*both, labels, image) for image in images[offset : offset + limit]]
    return DisagreementsOut(
        dataset=dataset.manifest.name, groups=(_group(pair[0]), _group(pair[1])), num_disagreements=len(images),
        disagreements=tuple(
            DisagreementOut(
                image=one.image, label=classes[one.label], predicted=classes[one.said], votes=one.votes,
                right=one.right, distance=one.distance,
            )
            for one in told
        ),
        next_offset=offset + limit if offset + limit < len(images) else None,
        of_classes=tuple(
            ClassDifferenceOut(
                name=one.name, num_images=one.num_images, recalls=one.recalls, difference=one.difference
            )
            for one in class_differences(*both, labels, classes)
        ),
    )  # fmt: skip


def _group(read: ReadGroup) -> ComparedGroupOut:
    runs = tuple(one.run.id for one in read.predictions if one.run.id is not None)
    return ComparedGroupOut(config_hash=read.group.config_hash, label=read.group.label, runs=runs)
