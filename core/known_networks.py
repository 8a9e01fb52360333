"""The networks that can be drawn and compared: families, saved ones, the stored layers of runs and groups.

A key names one in an address: "lenet5", "mine", "mine@2", "run:3", "group:13b04f1b".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session, col, select

from core.architectures.catalogue import FAMILIES, UnknownArchitecture, resolve
from core.architectures.layers import LAYERS, Layers
from core.architectures.outcomes import Shape
from core.architectures.shapes import trace_classifier
from core.datasets import DATASETS, Dataset
from core.invalid_run_config import InvalidRunConfig, problems_of
from core.known_datasets import image_shape_of
from core.more_seeds import GroupNotFound
from core.runs import run_by_id
from core.saved_architectures import newest_of_each, reference_of, saved_named
from core.tables import Run, SavedArchitecture

RUN, GROUP = "run:", "group:"
IMAGE_SHAPE_BEFORE_DATASETS = (1, 28, 28)  # of a dataset that this version no longer knows


@dataclass(frozen=True)
class Network:
    """`architecture` says which colour it has on every page; `summary` and `source` are of the catalogue."""

    key: str
    architecture: str
    title: str
    layers: Layers
    image_shape: Shape
    summary: str = ""
    source: str = ""


# Any: parameters as an address or JSON gave them, judged by the family.
def network_by_key(
    session: Session, key: str, dataset: Dataset | None = None, parameters: Mapping[str, Any] | None = None
) -> Network:
    """For the dataset's images and classes; without one a family is for 28×28 images and ten classes, a saved network
    for what it was composed for. A run's or group's is as it was trained.

    Raises UnknownArchitecture, RunNotFound, GroupNotFound, InvalidRunConfig or ArchitectureError.
    """
    if key not in FAMILIES and parameters:
        raise InvalidRunConfig(dict.fromkeys(parameters, "belongs to a family of the catalogue"))
    if key.startswith((RUN, GROUP)):
        return network_of_run(session, _run(session, key), key)
    if key not in FAMILIES:
        return _saved(saved_named(session, key), dataset)
    family, dataset = FAMILIES[key], dataset or DATASETS["digits"]
    try:
        layers = resolve(key, parameters or {}, dataset.image_shape, len(dataset.classes))
    except ValidationError as error:
        raise InvalidRunConfig(problems_of(error.errors())) from None
    return Network(key, key, family.title, layers, dataset.image_shape, family.summary, family.source)


def network_of_run(session: Session, run: Run, key: str = "") -> Network:
    """Its stored layers, whatever its architecture means today."""
    image_shape = image_shape_of(session, run.dataset) or IMAGE_SHAPE_BEFORE_DATASETS
    name = FAMILIES[run.architecture].title if run.architecture in FAMILIES else run.architecture
    title = f"{name}, group {run.config_hash[:8]}" if key.startswith(GROUP) else f"{name}, run {run.id}"
    return Network(key or f"{RUN}{run.id}", run.architecture, title, LAYERS.validate_python(run.layers), image_shape)


def architectures_trained(session: Session) -> list[str]:
    """What runs can be filtered by: the families, then whatever else there are runs of."""
    others = session.exec(select(Run.architecture).where(col(Run.architecture).not_in(FAMILIES)).distinct()).all()
    return [*FAMILIES, *sorted(others)]


def keys_and_titles(session: Session) -> dict[str, str]:
    """Of all that are listed: families first, then the newest version of each saved network."""
    families = {name: family.title for name, family in FAMILIES.items()}
    return families | {reference_of(saved): reference_of(saved) for saved in newest_of_each(session)}


def _saved(saved: SavedArchitecture, dataset: Dataset | None) -> Network:
    layers, name = LAYERS.validate_python(saved.layers), reference_of(saved)
    shape: Shape = tuple(saved.image_shape) if dataset is None else dataset.image_shape
    trace_classifier(layers, shape, saved.num_classes if dataset is None else len(dataset.classes))
    return Network(name, name, name, layers, shape, saved.notes)


def _run(session: Session, key: str) -> Run:
    """The run that is named, or the first of the group that is."""
    if key.startswith(RUN):
        number = key.removeprefix(RUN)
        if not (number.isascii() and number.isdecimal()):
            raise UnknownArchitecture(key)
        return run_by_id(session, int(number))
    prefix = key.removeprefix(GROUP)
    wanted = select(Run).where(col(Run.config_hash).startswith(prefix, autoescape=True), col(Run.deleted_at).is_(None))
    found = session.exec(wanted.order_by(col(Run.id)).limit(1)).first() if prefix else None
    if found is None:
        raise GroupNotFound(f"No run has a config hash that begins with {prefix!r}.")
    return found
