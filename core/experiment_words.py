"""Fields of a run config and their values, as a person says them: on pages, in names, in reasons."""

from collections.abc import Mapping

from pydantic import JsonValue

from core.run_config import RunConfig
from core.run_source import source_words

PARAMETER = "architecture.parameters."  # begins the path of a family's parameter


def in_words(varied: Mapping[str, JsonValue]) -> str:
    """For example "learning rate 0.1, pool max"."""
    return ", ".join(f"{path_words(path)} {value_words(value)}" for path, value in varied.items())


def path_words(path: str) -> str:
    """A field by its title, "architecture.parameters.batch_norm" as "batch norm"."""
    field = RunConfig.model_fields.get(path)
    return (field.title or path).lower() if field else path.removeprefix(PARAMETER).replace("_", " ")


def value_words(value: JsonValue) -> str:
    """A network with its parameters is "lenet5, pool max", a list "6×16"."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.12g}"
        case list():
            return "×".join(map(value_words, value)) or "none"
        case {"mode": mode, "run_id": run_id, "epoch": epoch}:
            return source_words(mode, run_id, epoch)
        case dict():
            own = value.get("parameters")
            return ", ".join(filter(None, [str(value.get("name")), in_words(own if isinstance(own, dict) else {})]))
        case _:
            return "none" if value is None else str(value)
