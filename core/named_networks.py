"""A launch that names a network of a user's own, made whole: the doors put its layers in before it is resolved."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue
from sqlmodel import Session

from core.architecture_choice import ArchitectureChoice
from core.architectures.catalogue import FAMILIES, UnknownArchitecture
from core.run_config import RunConfig
from core.saved_architectures import reference_of, saved_named
from core.tables import Run

OF_RUN = "run:"  # no name begins so
Grid = Mapping[str, Sequence[JsonValue]]


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
