"""The shapes of what runs said of the test images, and how they become them."""

from pydantic import Field

from app.api.schemas import Fraction, Shape
from core.confusion import Confusion


class PredictionOut(Shape):
    image: int = Field(description="its number in the test split, from 0", examples=[0])
    label: str = Field(description="the class that it is of", examples=["7"])
    predicted: str = Field(description="the class that the run says", examples=["1"])
    confidence: Fraction


class PredictionsOut(Shape):
    """A page of a run's answers to the test images, in their order."""

    run: int = Field(description="the run's id")
    dataset: str
    epoch: int = Field(description="whose weights answered")
    num_images: int
    num_right: int
    predictions: tuple[PredictionOut, ...]
    next_offset: int | None = Field(description="where the next page begins; null at the end")


class ClassFiguresOut(Shape):
    """A quotient of nothing is null."""

    name: str
    num_images: int = Field(description="of this class")
    num_right: int
    num_predicted: int = Field(description="how often the run says this class")
    precision: float | None
    recall: float | None
    f1: float | None


class ConfusionOut(Shape):
    run: int = Field(description="the run's id")
    dataset: str
    epoch: int = Field(description="whose weights answered")
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...] = Field(description="counts[true class][predicted class]")
    of_classes: tuple[ClassFiguresOut, ...]


class DisagreementOut(Shape):
    """`votes` and `right` are of the first group and of the second."""

    image: int = Field(description="its number in the test split, from 0")
    label: str
    predicted: str = Field(description="the wrong class in which the groups differ most")
    votes: tuple[int, int] = Field(description="how many seeds of each group say that class")
    right: tuple[int, int] = Field(description="how many say the label")
    distance: Fraction = Field(description="what share of the answers would have to change for both to answer alike")


class ClassDifferenceOut(Shape):
    name: str
    num_images: int
    recalls: tuple[float, float] = Field(description="of the first group and of the second, over images and seeds")
    difference: float = Field(description="the second's recall less the first's")


class ComparedGroupOut(Shape):
    config_hash: str
    label: str
    runs: tuple[int, ...] = Field(description="ids of the runs that have predictions, one for each seed")


class DisagreementsOut(Shape):
    """The images on which two groups disagree, most first, and their classes."""

    dataset: str
    groups: tuple[ComparedGroupOut, ComparedGroupOut]
    num_disagreements: int
    disagreements: tuple[DisagreementOut, ...]
    next_offset: int | None
    of_classes: tuple[ClassDifferenceOut, ...]


def class_figures_out(matrix: Confusion) -> tuple[ClassFiguresOut, ...]:
    return tuple(
        ClassFiguresOut(
            name=told.name, num_images=told.num_images, num_right=told.num_right, num_predicted=told.num_said,
            precision=told.precision, recall=told.recall, f1=told.f1,
        )
        for told in matrix.of_classes()
    )  # fmt: skip
