"""What an experiment varies, as a person says it."""

from collections.abc import Mapping

from pydantic import JsonValue

PARAMETER = "architecture.parameters."  # begins the path of a family parameter in a grid


def in_words(varied: Mapping[str, JsonValue]) -> str:
    """For example "learning rate 0.1, pool max"."""
    return ", ".join(f"{path_words(path)} {value_words(value)}" for path, value in varied.items())


def path_words(path: str) -> str:
    """A grid's path as a person names it: "architecture.parameters.pool" is "pool", "architecture" is "network"."""
    return "network" if path == "architecture" else path.removeprefix(PARAMETER).replace("_", " ")


def value_words(value: JsonValue) -> str:
    """A network with its parameters is "lenet5, pool max", a list "6×16"."""
    if isinstance(value, dict):
        own = value.get("parameters")
        own = own if isinstance(own, dict) else {}
        return ", ".join([str(value.get("name")), *(f"{name} {value_words(v)}" for name, v in own.items())])
    return "×".join(str(item) for item in value) if isinstance(value, list) else str(value)
