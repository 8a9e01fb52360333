"""The launch form as data: texts typed into fields, from a run or a URL, and back into a run config's values.

A family's own parameters have names such as "lenet5.filters"; what another choice makes meaningless is left out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.pages.launch_words import HINTS, WORDS, in_plain_words
from core.architectures.catalogue import FAMILIES
from core.run_config import DEPENDENT_FIELDS, RunConfig

# The smallest dataset, which is always at hand, and the network that everything is compared with.
FIRST_CHOICE = {"dataset": "digits", "architecture": "lenet5"}
EMPTY_MEANS_NONE = frozenset({"validation", "early_stopping_patience"})
ADVANCED = (
    *("weight_decay", "label_smoothing", "augmentation", "precision", "device"),
    *("validation", "selection", "early_stopping_patience"),
)


@dataclass(frozen=True)
class Field:
    """One input: its name in the form, its words, what is typed into it and what is wrong with that."""

    name: str
    kind: str  # number, text, list, flag or choice
    title: str
    hint: str
    text: str
    options: tuple[tuple[str, str], ...] = ()  # (value, words)
    problem: str | None = None

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")


def texts_from(typed: Mapping[str, str], source: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What every field shows: the defaults, over them a run's stored config, over them what was typed."""
    texts = dict(DEFAULT_TEXTS)
    if source is not None:
        family = source["architecture"]["name"]
        texts |= {"architecture": family}
        texts |= {f"{family}.{name}": _text(value) for name, value in source["architecture"]["parameters"].items()}
        texts |= {
            name: "" if name in EMPTY_MEANS_NONE and value == "none" else _text(value)
            for name, value in source.items()
            if name != "architecture" and value is not None
        }
    return {name: typed.get(name, texts[name]) for name in DEFAULT_TEXTS}


def values_of(texts: Mapping[str, str]) -> dict[str, Any]:
    """The run config's values as typed, for `parse_run_config` to judge."""
    values: dict[str, Any] = {"architecture": {"name": texts["architecture"], "parameters": _parameters_of(texts)}}
    for name in RunConfig.model_fields:
        if name == "architecture" or (name in EMPTY_MEANS_NONE and not texts[name].strip()):
            continue
        choice, chosen, _ = DEPENDENT_FIELDS.get(name, (None, frozenset(), None))
        if choice is None or texts[choice] in chosen:
            values[name] = texts[name].strip()
    return values


def differing_texts(texts: Mapping[str, str]) -> dict[str, str]:
    """What a URL must say for the form to look like this."""
    return {name: text for name, text in texts.items() if text != DEFAULT_TEXTS[name]}


def problems_by_field(problems: Mapping[str, str], family: str) -> dict[str, str]:
    """The reasons of InvalidRunConfig under the names that the form's fields have."""
    by_field: dict[str, str] = {}
    for path, reason in problems.items():
        plain = in_plain_words(reason)
        match path.split("."):
            case ["architecture", "parameters", name, *place]:
                which = f"number {int(place[0]) + 1} " if place and place[0].isdigit() else ""
                by_field.setdefault(f"{family}.{name}", which + plain)
            case ["architecture", *rest]:
                by_field["network" if rest == ["parameters"] else "architecture"] = plain
            case [name, *_]:
                by_field.setdefault(name, plain)
    return by_field


def config_fields(texts: Mapping[str, str], problems: Mapping[str, str]) -> dict[str, Field]:
    """The fields of the run config by name, architecture and dataset apart: those are cards."""
    return {
        name: _field(name, schema, texts, problems, HINTS[name])
        for name, schema in _CONFIG_SCHEMA.items()
        if name not in FIRST_CHOICE
    }


def family_fields(texts: Mapping[str, str], problems: Mapping[str, str]) -> dict[str, list[Field]]:
    """The fields of each family's parameters, in its own order."""
    return {
        family: [
            _field(f"{family}.{name}", schema, texts, problems, schema["description"])
            for name, schema in schemas.items()
        ]
        for family, schemas in _FAMILY_SCHEMAS.items()
    }


def _field(
    name: str, schema: Mapping[str, Any], texts: Mapping[str, str], problems: Mapping[str, str], hint: str
) -> Field:
    options = tuple((value, WORDS.get(value, value.capitalize())) for value in schema.get("enum", ()))
    kinds = {"array": "list", "boolean": "flag", "integer": "number", "number": "number", "string": "text"}
    kind = "choice" if options else kinds[_json_type(schema)]
    return Field(name, kind, schema["title"], hint, texts[name], options, problems.get(name))


def _json_type(schema: Mapping[str, Any]) -> str:
    """Of an optional or mixed field, the type of what can be typed into it: the one that is not null or a constant."""
    alternatives = [
        entry for entry in schema.get("anyOf", [schema]) if entry["type"] != "null" and "const" not in entry
    ]
    return str(alternatives[0]["type"])


def _parameters_of(texts: Mapping[str, str]) -> dict[str, Any]:
    """The chosen family's parameters that differ from its preset."""
    family, parameters = texts["architecture"], {}
    for name, schema in _FAMILY_SCHEMAS.get(family, {}).items():
        value = _value(texts[f"{family}.{name}"], _json_type(schema))
        if value != schema["default"]:
            parameters[name] = value
    return parameters


def _value(text: str, json_type: str) -> Any:  # what JSON would hold; the text itself where it is not of that type
    if json_type == "array":
        return [_number(part) for part in text.replace(",", " ").split()]
    if json_type in ("integer", "number"):
        return _number(text.strip())
    return {"true": True, "false": False}.get(text, text) if json_type == "boolean" else text


def _number(text: str) -> int | float | str:
    for parse in (int, float):
        try:
            number = parse(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text


def _text(value: Any) -> str:  # a JSON value
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value).removesuffix(".0")


def _default_texts() -> dict[str, str]:
    texts = {name: _text(schema.get("default")) for name, schema in _CONFIG_SCHEMA.items()} | FIRST_CHOICE
    texts |= {name: _text(default) for name, (_, _, default) in DEPENDENT_FIELDS.items()}
    texts["validation"] = ""  # `none`, as an empty field
    for family, schemas in _FAMILY_SCHEMAS.items():
        texts |= {f"{family}.{name}": _text(schema["default"]) for name, schema in schemas.items()}
    return texts


_CONFIG_SCHEMA: dict[str, dict[str, Any]] = RunConfig.model_json_schema()["properties"]
_FAMILY_SCHEMAS: dict[str, dict[str, dict[str, Any]]] = {
    name: family.parameters.model_json_schema()["properties"] for name, family in FAMILIES.items()
}
DEFAULT_TEXTS = _default_texts()
