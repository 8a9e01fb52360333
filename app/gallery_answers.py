"""What models say of the images of the gallery: then, when they were sent, and now."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.prediction import Predictor
from app.trying import Answer, LineAnswer, Tried, kept_as_seen_by
from core.gallery import KeptImage
from core.tables import Run
from core.tried_models import ChosenModels, Line


@dataclass(frozen=True)
class Now:
    """What a line of models says of one image: a class and its mean probability."""

    line: Line
    said: str
    confidence: float


def answers_then(tried: Tried) -> list[dict[str, object]]:
    """As the gallery keeps them."""
    classes = tried.dataset.manifest.classes
    return [
        {
            "run": answer.run.id, "model": _named(line.line, answer.run), "epoch": answer.network.stored.epoch,
            "said": classes[answer.said], "confidence": round(float(answer.probabilities.max()), 6),
        }
        for line in tried.lines
        for answer in line.answers
    ]  # fmt: skip


def answers_now(
    predictor: Predictor, chosen: ChosenModels, images: Sequence[KeptImage]
) -> tuple[dict[int, list[Now]], list[str]]:
    """By image, for those whose class the models know; and in sentences which models do not answer."""
    dataset = chosen.dataset
    fitting = [image for image in images if dataset and image.label in dataset.manifest.classes]
    if dataset is None or not fitting:
        return {}, list(chosen.left_out)
    networks, missing = predictor.networks(chosen.runs, dataset.manifest)
    pixels = np.stack([kept_as_seen_by(dataset, image).image for image in fitting])
    answered = [(network, network.answer(pixels)) for network in networks]
    said = {network.stored.run.id: (network, found) for network, found in answered if np.isfinite(found).all()}
    told: dict[int, list[Now]] = {}
    for place, image in enumerate(fitting):
        for line in chosen.lines:
            answers = [Answer(said[run.id][0], said[run.id][1][place]) for run in line.runs if run.id in said]
            if answers:
                of_line = LineAnswer(line, answers)
                now = Now(line, dataset.manifest.classes[of_line.said], float(of_line.mean.max()))
                told.setdefault(image.id or 0, []).append(now)
    return told, [*chosen.left_out, *missing]


def _named(line: Line, run: Run) -> str:
    return line.label if len(line.runs) == 1 else f"{line.label}: seed {run.seed}"
