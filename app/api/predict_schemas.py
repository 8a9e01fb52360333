"""The shapes of an image that was tried, and how it becomes them."""

import base64

from pydantic import Field

from app.api.schemas import Fraction, Shape
from app.trying import LineAnswer, Seen, Tried
from core.png import png_bytes


class SeenOut(Shape):
    """What every network got."""

    png: str = Field(description="base64 of a PNG of the dataset's size", examples=["iVBORw0KGgo="])
    inverted: bool = Field(description="whether dark and light changed places")
    blank: bool = Field(description="whether nothing stands out from the ground")
    notes: tuple[str, ...] = Field(description="what was done with the image, in sentences")


class AnswerOut(Shape):
    run: int = Field(description="the run's id")
    epoch: int = Field(description="whose weights answered")
    weights: str = Field(description="weights: of its selected epoch; checkpoint: of its last", examples=["weights"])
    predicted: str = Field(description="the most probable class", examples=["7"])
    confidence: Fraction
    probabilities: tuple[float, ...] = Field(description="in the order of `classes`; their sum is 1")


class PredictOut(Shape):
    """What each model says of one image."""

    dataset: str = Field(description="whose images it was made like")
    classes: tuple[str, ...]
    seen: SeenOut
    answers: tuple[AnswerOut, ...]
    agreement: str = Field(description="in words", examples=["Of 4 models 3 say 7, 1 says 1."])
    left_out: tuple[str, ...] = Field(description="which models do not answer, and why, in sentences")


def predict_out(tried: Tried) -> PredictOut:
    classes = tried.dataset.manifest.classes
    return PredictOut(
        dataset=tried.dataset.manifest.name, classes=classes, seen=_seen_out(tried.seen), agreement=tried.agreement,
        answers=tuple(answer for line in tried.lines for answer in _answers_out(line, classes)),
        left_out=tuple(tried.missing),
    )  # fmt: skip


def _answers_out(line: LineAnswer, classes: tuple[str, ...]) -> list[AnswerOut]:
    return [
        AnswerOut(
            run=answer.run.id or 0, epoch=answer.network.stored.epoch, weights=answer.network.stored.kind,
            predicted=classes[answer.said], confidence=min(1.0, float(answer.probabilities.max())),
            probabilities=tuple(map(float, answer.probabilities)),
        )
        for answer in line.answers
    ]  # fmt: skip


def _seen_out(seen: Seen) -> SeenOut:
    prepared = seen.prepared
    return SeenOut(
        png=base64.b64encode(png_bytes(seen.image)).decode(), inverted=prepared.inverted, blank=prepared.is_blank,
        notes=tuple(seen.notes),
    )  # fmt: skip
