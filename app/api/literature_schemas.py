"""The shape of a group beside a published figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from app.api.schemas import Shape
from app.api.verdict_schemas import IntervalOut, interval_out

if TYPE_CHECKING:  # it brings SciPy along, which the server imports with the first comparison
    from app.compare_literature import Beside

OURS = "seeds and images, crossed random effects"
BOUNDED = "seeds and images, the images' noise an upper bound for want of predictions"
WILSON = "Wilson's, of the test images alone"


class PublishedFigureOut(Shape):
    """One number of the literature; `interval` is of its test images alone."""

    title: str = Field(examples=["LeNet-5"])
    authors: str
    accuracy: float
    num_images: int
    interval: IntervalOut
    network: str
    is_distorted: bool = Field(description="whether it was trained on distorted images")
    epochs: int | None = Field(description="null: not stated here")
    source: str


class LiteratureOut(Shape):
    """A group of MNIST beside a published figure of the same kind of network, in fractions."""

    group: str = Field(description="config hash")
    published: PublishedFigureOut
    outcome: str = Field(description="agrees, better, worse, waiting, too few seeds")
    sentence: str
    n: int = Field(description="completed seeds")
    mean: float = Field(description="test accuracy at the epoch whose weights were kept")
    interval: IntervalOut | None
    difference: float = Field(description="ours less theirs")
    difference_interval: IntervalOut | None = Field(description="null of fewer than 3 seeds")
    caveat: str = Field(description="where the seed noise of their one training would change the outcome")
    trained_how: str = Field(description="ours, to be held against the published network and its training")


def literature_out(row: Beside) -> LiteratureOut:
    told, ours, theirs = row.told, row.told.ours, row.told.published
    method = WILSON if ours.num_seeds == 1 else BOUNDED if ours.side.missing else OURS
    published = PublishedFigureOut(
        title=theirs.title, authors=theirs.authors, accuracy=theirs.accuracy, num_images=theirs.num_images,
        interval=interval_out(told.theirs, 0.95, WILSON), network=theirs.network, is_distorted=theirs.is_distorted,
        epochs=theirs.epochs, source=theirs.source,
    )  # fmt: skip
    apart = told.interval and interval_out(told.interval, 0.95, "Newcombe's method 10, taken as independent")
    return LiteratureOut(
        group=row.group.config_hash, published=published, outcome=told.outcome, sentence=row.sentence,
        n=ours.num_seeds, mean=ours.mean, interval=ours.interval and interval_out(ours.interval, 0.95, method),
        difference=told.difference, difference_interval=apart, caveat=row.caveat, trained_how=row.ours_in_training,
    )  # fmt: skip
