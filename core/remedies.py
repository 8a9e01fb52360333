"""Launches that may mend what a curve shows: each a few words and the fields of the config that it changes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from core.architectures.catalogue import FAMILIES
from core.architectures.layers import Layers
from core.sources import can_be_continued
from core.tables import Run

MAX_EPOCHS = 10_000  # of a run config
LOWER = 10  # as the worker suggests where training diverged. Guess, untuned
DROPOUT = 0.5  # Hinton et al. 2012, "Improving neural networks by preventing co-adaptation of feature detectors"
WEIGHT_DECAY = {"sgd": 5e-4, "adam": 5e-4, "adamw": 0.01}  # Krizhevsky et al. 2012; AdamW: PyTorch's default
HELD_OUT = 10  # one train image in so many, to stop by. Guess, untuned
PATIENCE = 5  # epochs. Guess, untuned


@dataclass(frozen=True)
class Remedy:
    """`changes` over the run's config make the config to launch. Any: JSON."""

    words: str
    changes: Mapping[str, Any]


def smaller_learning_rate(run: Run) -> Remedy:
    rate = float(f"{run.config['learning_rate'] / LOWER:.6g}")
    return Remedy(f"Learning rate {rate:g}", _anew(run, learning_rate=rate))


def longer(run: Run) -> Remedy | None:
    """Going on where it ended, or where a new schedule would make its rate jump, anew; None at the most epochs."""
    epochs = min(2 * run.epochs_done, MAX_EPOCHS)
    if epochs <= run.epochs_done:
        return None
    if can_be_continued(run) and run.config["schedule"] in ("constant", "step"):
        changes = {"epochs": epochs, "source": {"mode": "continue", "run_id": run.id}}
        return Remedy(f"Continue to epoch {epochs}", changes)
    return Remedy(f"{epochs} epochs from the start", _anew(run, epochs=epochs))


def against_overfitting(run: Run, num_train: int | None) -> list[Remedy]:
    """What the run does not do yet; `num_train`: images of its dataset, where that is known."""
    config, told = run.config, []
    if config["augmentation"] == "none":
        told.append(Remedy("Augmentation: shifts", _anew(run, augmentation="shift")))
    if not config["weight_decay"]:
        decay = WEIGHT_DECAY[config["optimizer"]]
        told.append(Remedy(f"Weight decay {decay:g}", _anew(run, weight_decay=decay)))
    network = config["architecture"]
    family = FAMILIES.get(network["name"])
    own = family.parameters.model_fields.get("dropout") if family else None
    if own is not None and not network["parameters"].get("dropout", own.default):
        dropped = network | {"parameters": network["parameters"] | {"dropout": DROPOUT}}
        told.append(Remedy(f"Dropout {DROPOUT:g}", _anew(run, architecture=dropped)))
    return [*told, *_early_stopping(run, num_train)]


def without_softmax(run: Run, layers: Layers) -> Remedy | None:
    """The network of the catalogue that is the same but for the last layer, if there is one."""
    parameters = run.config["architecture"]["parameters"]
    for family in FAMILIES.values():
        try:
            built = family.build(family.parameters.model_validate(parameters), layers[-2].out_features)  # type: ignore[union-attr]
        except ValidationError:
            continue
        if built == layers[:-1]:
            network = {"name": family.name, "parameters": parameters}
            return Remedy(f"{family.title}: the same network without it", _anew(run, architecture=network))
    return None


def _early_stopping(run: Run, num_train: int | None) -> list[Remedy]:
    held_out = run.config["validation"]
    held_out = held_out if held_out != "none" else num_train // HELD_OUT if num_train else None
    if held_out is None or run.config["early_stopping_patience"] is not None:
        return []
    wishes = {"validation": held_out, "selection": "best_val", "early_stopping_patience": PATIENCE}
    return [Remedy(f"Stop early, by {held_out:,} held-out images", _anew(run, **wishes))]


def _anew(run: Run, **changes: Any) -> dict[str, Any]:  # JSON
    """A run that goes on may change nothing but its epochs, so this one starts over."""
    is_continued = (run.config.get("source") or {}).get("mode") == "continue"
    return changes | ({"source": None} if is_continued else {})
