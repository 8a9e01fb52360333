"""A group beside a published figure, as a person would say it; for the page, the report and the API alike."""

import json
from functools import lru_cache
from typing import Any

from app.formatting import NOTHING, percent
from app.formatting import points as with_unit
from app.verdict_words import interval_words, points
from core.architectures.layers import LAYERS, AvgPool2d, BatchNorm2d, Conv2d, Dropout, Linear, MaxPool2d, Softmax
from core.comparison import LEAST_SEEDS
from core.literature_verdicts import AgainstPublished, Ours
from core.spreads import Interval
from core.tables import Run

ACTIVATIONS = {"ReLU": "ReLU", "Tanh": "tanh", "Sigmoid": "sigmoid", "GELU": "GELU"}


def percent_interval(interval: Interval | None) -> str:
    """ "[98.21, 99.02]", in percent."""
    return interval_words(interval) if interval else NOTHING


def verdict(told: AgainstPublished) -> str:
    """Whether they agree, in a few words."""
    match told.outcome:
        case "agrees":
            return "agrees within the interval"
        case "better" | "worse":
            which = "that one training" if caveat(told) else "published"
            return f"{told.outcome} than {which} by {points(abs(told.difference))} pp"
        case "waiting":
            number = told.ours.side.num_open
            return f"waits for {'1 run that has' if number == 1 else f'{number} runs that have'} not ended"
        case "too few seeds":
            return f"cannot tell: {seeds(told.ours)}, and a verdict needs {LEAST_SEEDS}"


def seeds(ours: Ours) -> str:
    return "one seed" if ours.num_seeds == 1 else f"{ours.num_seeds} seeds"


def difference(told: AgainstPublished) -> str:
    """ "−0.43 pp [−0.83, −0.03]" """
    return with_unit(told.difference) + (f" {percent_interval(told.interval)}" if told.interval else "")


def sentence(told: AgainstPublished) -> str:
    """All of it, for who sees no table."""
    ours, theirs = told.ours, told.published
    own = f"{ours.group.label} ({percent(ours.mean)} {percent_interval(ours.interval)}, {seeds(ours)})"
    other = f"{theirs.title}{f' of {theirs.authors}' if theirs.kind else ''} ({percent(theirs.accuracy)})"
    match told.outcome:
        case "agrees":
            return f"{own} agrees within the interval with {other}: {difference(told)}."
        case "better" | "worse":
            return f"{own} is {told.outcome} than {other}: {difference(told)}."
        case _:
            return f"{own} beside {other}: {verdict(told)}."


def caveat(told: AgainstPublished) -> str:
    """What their one training leaves open, where it would change the verdict; empty where it would not."""
    wider, s = told.interval_with_their_seeds, told.ours.deviation
    if told.outcome not in ("better", "worse") or wider is None or s is None or not wider.low <= 0 <= wider.high:
        return ""
    return (
        f"Theirs is one training: if it varied as ours do (s = {points(s)} pp), the interval would be "
        f"{interval_words(wider)} and hold zero."
    )


def ours_in_training(run: Run) -> str:
    """What a reader has to hold beside the source's own description."""
    config, distorted = run.config, run.config.get("augmentation", "none")
    network = ", ".join(filter(None, (_sizes(run), _parts(run))))
    how = [
        f"{config['epochs']} {'epoch' if config['epochs'] == 1 else 'epochs'}",
        f"{config['optimizer']} at {config['learning_rate']:g}",
        "images not distorted" if distorted == "none" else f"images distorted ({distorted})",
    ]  # fmt: skip
    return f"{network}; {', '.join(how)}"


def theirs_in_training(told: AgainstPublished) -> str:
    known = told.published
    epochs = f"{known.epochs} epochs" if known.epochs else "epochs not stated here"
    return f"{known.network}; {epochs}, images {'distorted' if known.is_distorted else 'not distorted'}"


def _sizes(run: Run) -> str:
    layers = _layers(run)
    maps = [layer.out_channels for layer in layers if isinstance(layer, Conv2d)]
    hidden = [layer.out_features for layer in layers if isinstance(layer, Linear)][:-1]
    told = [f"{_and(maps)} maps"] if maps else []
    return ", ".join([*told, *([f"{_and(hidden)} hidden units"] if hidden else [])])


def _parts(run: Run) -> str:
    layers = _layers(run)
    kinds = {type(layer).__name__ for layer in layers}
    told = [words for name, words in ACTIVATIONS.items() if name in kinds]
    for layer, words in ((MaxPool2d, "max pooling"), (AvgPool2d, "average pooling"), (BatchNorm2d, "batch norm"),
                         (Dropout, "dropout"), (Softmax, "softmax before the cross-entropy")):  # fmt: skip
        told += [words] if any(isinstance(one, layer) for one in layers) else []
    return ", ".join(told)


def _layers(run: Run) -> Any:  # the tagged union of layers
    return _parsed(json.dumps(run.layers))


@lru_cache(maxsize=256)  # groups of one network have the same
def _parsed(layers: str) -> Any:
    return tuple(LAYERS.validate_json(layers))


def _and(numbers: list[int]) -> str:
    return " and ".join(filter(None, (", ".join(map(str, numbers[:-1])), str(numbers[-1]))))
