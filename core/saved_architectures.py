"""Networks that users composed, kept under a name and a version. A version never changes: an edit makes the next.

A run config keeps its layers whole, so what happens here changes no run.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue
from sqlmodel import Session, col, func, select, update

from core.architecture_choice import ArchitectureChoice
from core.architectures.catalogue import FAMILIES, UnknownArchitecture
from core.architectures.layers import LAYERS, Layers
from core.architectures.names import name_problem, split_version, with_version
from core.architectures.shapes import ArchitectureError, trace_classifier
from core.datasets import Dataset
from core.invalid_run_config import InvalidRunConfig
from core.run_config import RunConfig
from core.tables import Run, SavedArchitecture

MAX_NOTES_LENGTH = 2000
OF_RUN = "run:"  # no name begins so
Grid = Mapping[str, Sequence[JsonValue]]


def save(
    session: Session, name: str, layers: Layers, dataset: Dataset, notes: str = ""
) -> tuple[SavedArchitecture, bool]:
    """The version with these layers, and whether this call made it: the newest one's own layers are saved once.

    Raises InvalidRunConfig with `name` or `layers`."""
    versions = _versions(session, name)
    problems = {"name": problem} if (problem := _taken(name, versions)) else {}
    try:
        trace_classifier(layers, dataset.image_shape, len(dataset.classes))
    except ArchitectureError as error:
        problems[error.path] = str(error)
    if problems:
        raise InvalidRunConfig(problems)
    raw = LAYERS.dump_python(layers, mode="json")
    if versions and versions[-1].layers == raw:
        versions[-1].hidden_at = None
        session.add(versions[-1])
        return versions[-1], False
    saved = SavedArchitecture(
        name=name,
        version=versions[-1].version + 1 if versions else 1,
        layers=raw,
        dataset=dataset.name,
        image_shape=list(dataset.image_shape),
        num_classes=len(dataset.classes),
        notes=notes,
        created_at=datetime.now(UTC),
    )
    session.add(saved)
    session.flush()
    return saved, True


def hide(session: Session, name: str) -> None:
    """All versions, or the one that is named, are listed no more; raises UnknownArchitecture where none was listed."""
    name, version = split_version(name)
    mine = [col(SavedArchitecture.name) == name, col(SavedArchitecture.hidden_at).is_(None)]
    if version is not None:
        mine.append(col(SavedArchitecture.version) == version)
    if session.exec(update(SavedArchitecture).where(*mine).values(hidden_at=datetime.now(UTC))).rowcount == 0:
        raise UnknownArchitecture(name)


def saved_architectures(session: Session) -> list[SavedArchitecture]:
    """Every version that is listed, the newest of each name first."""
    listed = select(SavedArchitecture).where(col(SavedArchitecture.hidden_at).is_(None))
    name = func.lower(SavedArchitecture.name)
    return list(session.exec(listed.order_by(name, col(SavedArchitecture.version).desc())))


def newest_of_each(session: Session) -> list[SavedArchitecture]:
    newest: dict[str, SavedArchitecture] = {}
    for saved in saved_architectures(session):
        newest.setdefault(saved.name, saved)
    return list(newest.values())


def saved_named(session: Session, reference: str) -> SavedArchitecture:
    """ "mine@2" is that version, listed or not; "mine" the newest that is listed. Raises UnknownArchitecture."""
    name, version = split_version(reference)
    wanted = select(SavedArchitecture).where(SavedArchitecture.name == name)
    if version is not None:
        wanted = wanted.where(SavedArchitecture.version == version)
    else:
        wanted = wanted.where(col(SavedArchitecture.hidden_at).is_(None))
    found = session.exec(wanted.order_by(col(SavedArchitecture.version).desc()).limit(1)).first()
    if found is None:
        raise UnknownArchitecture(reference)
    return found


def reference_of(saved: SavedArchitecture) -> str:
    return with_version(saved.name, saved.version)


def reference_to(session: Session, choice: Mapping[str, Any], runs: Sequence[Run]) -> str:
    """The name by which a form can say a choice with layers: the saved network's, or that of one of `runs`."""
    try:
        saved = saved_named(session, choice["name"])
    except UnknownArchitecture:
        saved = None
    if saved is not None and saved.layers == choice["layers"]:
        return reference_of(saved)
    return next((f"{OF_RUN}{run.id}" for run in runs if run.architecture == choice["name"]), choice["name"])


def network_of(session: Session, reference: str) -> tuple[str, list[Any]]:
    """Name and layers of a network of a user's own: saved, or as "run:12" that of a run; raises UnknownArchitecture."""
    if not reference.startswith(OF_RUN):
        saved = saved_named(session, reference)
        return reference_of(saved), saved.layers
    number = reference.removeprefix(OF_RUN)
    run = session.get(Run, int(number)) if re.fullmatch(r"[0-9]{1,18}", number) else None
    choice = run.config["architecture"] if run is not None else {}
    if "layers" not in choice:
        raise UnknownArchitecture(reference)
    return choice["name"], choice["layers"]


def with_layers(session: Session, config: RunConfig) -> RunConfig:
    """The same config, a saved network's layers in it; as it is where no network is saved under its name."""
    choice = config.architecture
    if choice.layers is not None:
        return config
    filled = _filled(session, choice.name)
    if filled is None:
        return config
    own = ArchitectureChoice.model_validate(filled | {"parameters": choice.parameters})
    return config.model_copy(update={"architecture": own})


def with_layers_of_each(
    session: Session, base: Mapping[str, JsonValue], grid: Grid
) -> tuple[dict[str, JsonValue], dict[str, list[JsonValue]]]:
    """The same for base and grid of an experiment, as they were sent."""
    filled, varied = dict(base), {path: list(values) for path, values in grid.items()}
    if "architecture" in filled:
        filled["architecture"] = _judged_later(session, filled["architecture"])
    if "architecture" in varied:
        varied["architecture"] = [_judged_later(session, choice) for choice in varied["architecture"]]
    return filled, varied


def _judged_later(session: Session, choice: JsonValue) -> JsonValue:
    """Whatever names no saved network stays as it is."""
    name = choice.get("name") if isinstance(choice, dict) and choice.get("layers") is None else choice
    filled = _filled(session, name) if isinstance(name, str) else None
    if filled is None:
        return choice
    return choice | filled if isinstance(choice, dict) else filled


def _filled(session: Session, name: str) -> dict[str, Any] | None:  # JSON
    if name in FAMILIES:
        return None
    try:
        own, layers = network_of(session, name)
    except UnknownArchitecture:
        return None
    return {"name": own, "layers": layers}


def _versions(session: Session, name: str) -> list[SavedArchitecture]:
    """All of this name in any case, listed or not, the oldest first."""
    alike = select(SavedArchitecture).where(func.lower(SavedArchitecture.name) == name.lower())
    return list(session.exec(alike.order_by(col(SavedArchitecture.version))))


def _taken(name: str, versions: Sequence[SavedArchitecture]) -> str | None:
    other = next((saved.name for saved in versions if saved.name != name), None)
    if (problem := name_problem(name)) is not None or other is None:
        return problem
    return f"differs from {other}, which there is, in nothing but its capitals"
