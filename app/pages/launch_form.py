"""The launch form as data: what is typed into each field, and the fields themselves.

A family's own parameters have names such as "lenet5.filters". Texts become run configs in launch_values.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.pages.launch_words import HINTS, WORDS
from core.architectures.catalogue import FAMILIES
from core.benchmark_mode import DEFAULT_REPEATS
from core.run_config import DEPENDENT_FIELDS, RunConfig

# The smallest dataset, which is always at hand, and the network that everything is compared with.
FIRST_CHOICE = {"dataset": "digits", "architecture": "lenet5"}
ALSO = "also."  # begins the name of a box that adds a value to a choice
SINGLE = frozenset({"name", "device", "source"})  # what no experiment varies
SEVERAL_LISTS = "6, 16; 10, 32"
EMPTY_MEANS_NONE = frozenset({"validation", "early_stopping_patience"})
ADVANCED = (
    *("weight_decay", "label_smoothing", "augmentation", "precision", "device"),
    *("validation", "selection", "early_stopping_patience"),
)


@dataclass(frozen=True)
class Field:
    """One input: its name in the form, its words, what is typed into it and what is wrong with that."""

    name: str
    kind: str  # number, text, list or choice
    title: str
    hint: str
    text: str
    options: tuple[tuple[str, str], ...] = ()  # (value, words)
    problem: str | None = None

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")

    @property
    def chosen(self) -> list[str]:
        """Of a choice, the one that is selected and those to try as well."""
        return split(self.text)

    @property
    def can_vary(self) -> bool:
        return self.name not in SINGLE


def texts_typed(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A form or query as sent. Of a repeated name the last counts; what "also.<name>" says goes behind it."""
    pairs = list(pairs)
    typed = {name: text for name, text in pairs if not name.startswith(ALSO)}
    for name, text in pairs:
        name = name.removeprefix(ALSO) if name.startswith(ALSO) else ""
        if name in typed and text not in split(typed[name]):
            typed[name] += f", {text}"
    return typed


def texts_from(typed: Mapping[str, str], source: Mapping[str, str] | None = None) -> dict[str, str]:
    """What every field shows: the defaults, over them a run's or an experiment's texts, over them what was typed."""
    shown = DEFAULT_TEXTS | dict(source or {})
    return {name: typed.get(name, shown[name]) for name in DEFAULT_TEXTS}


def split(text: str, kind: str = "") -> list[str]:
    """The values in a field: commas between them, semicolons where a value is a list itself."""
    parts = [part.strip() for part in text.split(";" if kind == "list" else ",")]
    return [part for part in parts if part] or [""]


def differing_texts(texts: Mapping[str, str]) -> dict[str, str]:
    """What a URL must say for the form to look like this."""
    return {name: text for name, text in texts.items() if text != DEFAULT_TEXTS[name]}


def config_fields(texts: Mapping[str, str], problems: Mapping[str, str]) -> dict[str, Field]:
    """The fields of the run config by name, architecture and dataset apart: those are cards."""
    fields = {
        name: _field(name, schema, texts, problems, HINTS[name])
        for name, schema in CONFIG_SCHEMA.items()
        if name not in FIRST_CHOICE and name != "source"
    }
    seeds = Field("seeds", "number", "Number of seeds", HINTS["seeds"], texts["seeds"], (), problems.get("seeds"))
    repeats = Field(
        "repeats", "number", "Repeats", HINTS["repeats"], texts["repeats"], (), problems.get("repeats")
    )  # fmt: skip
    return fields | {"seeds": seeds, "repeats": repeats}


def family_fields(texts: Mapping[str, str], problems: Mapping[str, str]) -> dict[str, list[Field]]:
    """The fields of each family's parameters, in its own order."""
    return {
        family: [
            _field(f"{family}.{name}", schema, texts, problems, schema["description"])
            for name, schema in schemas.items()
        ]
        for family, schemas in FAMILY_SCHEMAS.items()
    }


def _field(
    name: str, schema: Mapping[str, Any], texts: Mapping[str, str], problems: Mapping[str, str], hint: str
) -> Field:
    options = tuple((value, WORDS.get(value, value.capitalize())) for value in schema.get("enum", ()))
    kinds = {"array": "list", "boolean": "choice", "integer": "number", "number": "number", "string": "text"}
    kind = "choice" if options else kinds[json_type(schema)]
    if json_type(schema) == "boolean":
        options = (("false", "Off"), ("true", "On"))
    if kind == "list":
        hint += f" Several: {SEVERAL_LISTS}."
    return Field(name, kind, schema["title"], hint, texts[name], options, problems.get(name))


def json_type(schema: Mapping[str, Any]) -> str:
    """Of an optional or mixed field, the type of what can be typed into it: the one that is not null or a constant."""
    alternatives = [
        entry for entry in schema.get("anyOf", [schema]) if entry["type"] != "null" and "const" not in entry
    ]
    return str(alternatives[0]["type"])


def text_of(value: Any) -> str:  # a JSON value
    """As it is typed into a field."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case {"mode": mode, "run_id": run_id}:
            return " ".join([mode, str(run_id), *filter(None, [value.get("sha256")])])
        case list() | tuple():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value).removesuffix(".0")


def _default_texts() -> dict[str, str]:
    texts = {name: text_of(schema.get("default")) for name, schema in CONFIG_SCHEMA.items()} | FIRST_CHOICE
    texts |= {name: text_of(default) for name, (_, _, default) in DEPENDENT_FIELDS.items()}
    texts |= {"validation": "", "seeds": "1"}  # `none`, as an empty field; of one config's runs
    texts |= {"benchmark": "", "repeats": str(DEFAULT_REPEATS)}  # a box that is not ticked
    for family, schemas in FAMILY_SCHEMAS.items():
        texts |= {f"{family}.{name}": text_of(schema["default"]) for name, schema in schemas.items()}
    return texts


CONFIG_SCHEMA: dict[str, dict[str, Any]] = RunConfig.model_json_schema()["properties"]
FAMILY_SCHEMAS: dict[str, dict[str, dict[str, Any]]] = {
    name: family.parameters.model_json_schema()["properties"] for name, family in FAMILIES.items()
}
DEFAULT_TEXTS = _default_texts()
