"""What a run's curves, network and predictions say, in plain words, each with its evidence and the launches that may
mend it. Pure; nothing is said where nothing was found. Overfitting is told by the held-out loss where there is one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from core.architectures.layers import LAYERS, Linear, Softmax
from core.datasets import DATASETS, Dataset
from core.remedies import Remedy, against_overfitting, longer, smaller_learning_rate, without_softmax
from core.run_state import RunState
from core.run_tables import Epoch
from core.tables import Run
from core.trends import end, falls, level, lowest, rises_after

Kind = Literal["learning_rate", "overfitting", "still_improving", "class_never_said", "softmax"]
RISE = 1.05  # Prechelt 1998, "Early stopping - but when?": generalisation loss of 5 %
OF_FALL = 0.05  # how much of what it had fallen a train loss must rise again. Guess, untuned
OVER_GUESSING = 1.05  # of ln C, near which an untrained network is. Guess, untuned
FALL = 0.95  # from the first half of the last third to its second. Guess, untuned
LEAST_EPOCHS = 5  # in that third: with fewer no fall is beyond noise; a shorter run is looked at whole
DIVERGED = "became NaN or infinite"  # of worker.train.TrainingDiverged


@dataclass(frozen=True)
class Finding:
    """`evidence` holds the figures of `words`, unrounded."""

    kind: Kind
    title: str
    words: str
    evidence: Mapping[str, JsonValue]
    remedies: Sequence[Remedy]


@dataclass(frozen=True)
class Said:
    """Of each class: its name, how many test images show it, how many are said to."""

    names: Sequence[str]
    num_images: Sequence[int]
    num_said: Sequence[int]


def diagnose(
    run: Run, epochs: Sequence[Epoch], said: Said | None, datasets: Mapping[str, Dataset] = DATASETS
) -> list[Finding]:
    """`said`: after the selected epoch; None where that is not known."""
    dataset = datasets.get(run.dataset)
    overfits = _overfitting(run, epochs, dataset.num_train if dataset else None)
    found = [_softmax(run), _learning_rate(run, epochs), overfits, _still_improving(run, epochs)]
    return [one for one in (*found, _never_said(run, epochs, said)) if one is not None]


def softmax_floor(num_classes: int) -> float:
    """The cross-entropy of a network that is sure and right but ends in softmax: -log(e / (e + C - 1))."""
    return math.log(math.e + num_classes - 1) - 1


def _softmax(run: Run) -> Finding | None:
    layers = LAYERS.validate_python(run.layers)
    if not isinstance(layers[-1], Softmax) or not isinstance(layers[-2], Linear):
        return None
    num_classes = layers[-2].out_features
    floor = softmax_floor(num_classes)
    words = (
        f"The network ends in a softmax, and the cross-entropy applies another. With {num_classes} classes its loss "
        f"cannot fall below {floor:.4f}, however sure and right it is, and it learns more slowly."
    )
    remedy = without_softmax(run, layers)
    evidence: dict[str, JsonValue] = {"num_classes": num_classes, "lowest_possible_loss": floor}
    return Finding("softmax", "Softmax twice", words, evidence, [remedy] if remedy else [])


def _learning_rate(run: Run, epochs: Sequence[Epoch]) -> Finding | None:
    rate = run.config["learning_rate"]
    evidence: dict[str, JsonValue] = {"learning_rate": rate}
    if run.state is RunState.FAILED and DIVERGED in (run.failure_reason or ""):
        what = run.failure_reason
    elif lost := [epoch.epoch for epoch in epochs if "train_loss" in epoch.non_finite]:
        what, evidence["epoch"] = f"The train loss was NaN or infinite in epoch {lost[0]}.", lost[0]
    else:
        losses = [epoch.train_loss for epoch in epochs if epoch.train_loss is not None]
        what = _train_loss_rose(losses, evidence) or _worse_than_guessing(run, losses, evidence)
    if not what:
        return None
    words = f"{what} The learning rate is {rate:g}."
    return Finding("learning_rate", "Learning rate too high", words, evidence, [smaller_learning_rate(run)])


def _train_loss_rose(losses: Sequence[float], evidence: dict[str, JsonValue]) -> str | None:
    if not losses:
        return None
    at = lowest(losses)
    low, now = level(losses, at), end(losses)
    if not rises_after(losses, at) or now < max(RISE * low, low + OF_FALL * (losses[0] - low)):
        return None
    evidence |= {"epoch": at + 1, "lowest_train_loss": low, "train_loss": now}
    return f"The train loss rose from {low:.4g} around epoch {at + 1} to {now:.4g} at the end."


def _worse_than_guessing(run: Run, losses: Sequence[float], evidence: dict[str, JsonValue]) -> str | None:
    linear = [layer for layer in LAYERS.validate_python(run.layers) if isinstance(layer, Linear)]
    guessing = math.log(linear[-1].out_features) if linear else math.inf
    if not losses or end(losses) <= OVER_GUESSING * guessing:
        return None
    evidence |= {"train_loss": end(losses), "loss_of_guessing": guessing}
    return f"The train loss ends at {end(losses):.4g}; saying every class alike would cost {guessing:.4g}."


def _overfitting(run: Run, epochs: Sequence[Epoch], num_train: int | None) -> Finding | None:
    split, rows = _held_out(epochs)
    if not rows:
        return None
    train, held_out = [row[1] for row in rows], [row[2] for row in rows]
    at = lowest(held_out)
    low, now = level(held_out, at), end(held_out)
    if not rises_after(held_out, at) or now < RISE * low or end(train) >= level(train, at):
        return None
    epoch = rows[at][0]
    words = (
        f"The {split} loss was lowest around epoch {epoch}, at {low:.4g}, and has risen to {now:.4g}, "
        f"while the train loss fell from {level(train, at):.4g} to {end(train):.4g}."
    )
    evidence: dict[str, JsonValue] = {
        "split": split, "epoch": epoch, "lowest_loss": low, "loss": now, "train_loss_then": level(train, at),
        "train_loss": end(train),
    }  # fmt: skip
    remedies = against_overfitting(run, num_train)
    return Finding("overfitting", f"Overfitting since epoch {epoch}", words, evidence, remedies)


def _still_improving(run: Run, epochs: Sequence[Epoch]) -> Finding | None:
    split, rows = _held_out(epochs)
    rows = rows[-max(LEAST_EPOCHS, len(rows) // 3) :]
    train, held_out = [row[1] for row in rows], [row[2] for row in rows]
    half = len(rows) // 2
    if run.state is not RunState.COMPLETED or run.epochs_done < run.epochs or len(rows) < 3:
        return None
    if not (falls(train) and falls(held_out)) or sum(held_out[-half:]) > FALL * sum(held_out[:half]):
        return None
    remedy = longer(run)
    words = (
        f"From epoch {rows[0][0]} to {rows[-1][0]}, the last, the {split} loss fell from {held_out[0]:.4g} to "
        f"{held_out[-1]:.4g} and the train loss from {train[0]:.4g} to {train[-1]:.4g}."
    )
    evidence: dict[str, JsonValue] = {
        "split": split, "epoch": rows[0][0], "loss_then": held_out[0], "loss": held_out[-1],
        "train_loss_then": train[0], "train_loss": train[-1],
    }  # fmt: skip
    title = "Still improving at the last epoch"
    return Finding("still_improving", title, words, evidence, [remedy] if remedy else [])


def _never_said(run: Run, epochs: Sequence[Epoch], said: Said | None) -> Finding | None:
    if said is None:
        return None
    told = zip(said.names, said.num_images, said.num_said, strict=True)
    missing = {name: images for name, images, num in told if images and not num}
    if not missing:
        return None
    words = (
        f"After epoch {run.selected_epoch} no test image is read as {_listed(list(missing))}, "
        f"though {sum(missing.values()):,} of {sum(said.num_images):,} are."
    )
    evidence: dict[str, JsonValue] = {"epoch": run.selected_epoch, "num_images_by_class": dict(missing)}
    title = "A class is never said" if len(missing) == 1 else f"{len(missing)} classes are never said"
    # while the train loss still falls it only needs longer; where it is stuck the steps were too large
    remedy = longer(run) if falls([epoch.train_loss or 0.0 for epoch in epochs]) else smaller_learning_rate(run)
    return Finding("class_never_said", title, words, evidence, [remedy] if remedy else [])


def _held_out(epochs: Sequence[Epoch]) -> tuple[str, list[tuple[int, float, float]]]:
    """The split that is judged by, and (epoch, train loss, its loss) where both are finite."""
    split = "validation" if any(epoch.val_loss is not None for epoch in epochs) else "test"
    rows = [(e.epoch, e.train_loss, e.test_loss if split == "test" else e.val_loss) for e in epochs]
    return split, [(epoch, train, loss) for epoch, train, loss in rows if train is not None and loss is not None]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
