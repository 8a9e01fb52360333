"""A network as it is being typed: layers whose fields are texts and may be wrong, and the form or address they came in.

A form names its layers in order: "layer" begins one, "inner" one inside the Residual before it, fields follow.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from app.pages.launch_words import in_plain_words
from core.architectures.layers import (
    GELU,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    LayerSpec,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from core.invalid_run_config import InvalidRunConfig, problems_of

TYPES: Mapping[str, type[BaseModel]] = {
    kind.__name__: kind
    for kind in (
        *(Conv2d, ReLU, Tanh, Sigmoid, GELU, MaxPool2d, AvgPool2d),
        *(BatchNorm2d, Dropout, Residual, Flatten, Linear, Softmax),
    )
}  # fmt: skip
# What one layer can become another with the same fields.
ALIKE = (("ReLU", "Tanh", "Sigmoid", "GELU"), ("MaxPool2d", "AvgPool2d"))
TITLES = {
    "out_channels": "Filters", "out_features": "Units", "kernel_size": "Window", "stride": "Stride",
    "padding": "Padding", "p": "Dropped", "bias": "Bias",
}  # fmt: skip
MAX_ROWS = 300  # a form that shows three times what is allowed. Guess, untuned


@dataclass(frozen=True, slots=True)
class DraftField:
    name: str
    title: str
    default: str
    least: float = 0
    most: float = 0
    step: str = "1"

    @property
    def is_check(self) -> bool:
        return self.name == "bias"


@dataclass(frozen=True, slots=True)
class Draft:
    """A layer; `inner` are those of a Residual."""

    type: str
    texts: Mapping[str, str] = field(default_factory=dict)
    inner: tuple["Draft", ...] = ()


Drafts = tuple[Draft, ...]


@dataclass(frozen=True)
class Composed:
    """All that the form says. `at`: the layer after which another is added, "" the first place of all."""

    drafts: Drafts
    dataset: str = "digits"
    at: str = ""
    name: str = ""
    match: str = "lenet5"
    adjust: str = ""

    def query(self) -> str:
        """The address that leads to the same form."""
        pairs = [("dataset", self.dataset), ("at", self.at), ("name", self.name), ("match", self.match)]
        pairs += [("adjust", self.adjust)]
        return urlencode([*((name, text) for name, text in pairs if text), *_pairs(self.drafts, "layer")])


def composed(pairs: Iterable[tuple[str, str]]) -> Composed:
    """The form as sent. Raises InvalidRunConfig where it has more layers than any form would show."""
    drafts: list[tuple[str, dict[str, str], list[tuple[str, dict[str, str]]]]] = []
    said = dict[str, str]()
    rows = 0
    for name, text in pairs:
        current = (drafts[-1][2][-1] if drafts[-1][2] else drafts[-1]) if drafts else None
        if name == "layer" or (name == "inner" and not drafts):
            drafts.append((text, {}, []))
        elif name == "inner":
            drafts[-1][2].append((text, {}))
        elif name in TITLES and current is not None:
            current[1][name] = text
        else:
            said[name] = text
        rows += name in ("layer", "inner")
        if rows > MAX_ROWS:
            raise InvalidRunConfig({"layers": f"are more than {MAX_ROWS:,}"})
    layers = tuple(
        Draft(kind, _shown(kind, texts), tuple(Draft(each, _shown(each, own)) for each, own in inner))
        for kind, texts, inner in drafts
    )
    known = {name: text for name, text in said.items() if name in ("dataset", "at", "name", "match", "adjust")}
    return Composed(layers, **known)


def draft_of(spec: LayerSpec) -> Draft:
    inner = tuple(map(draft_of, spec.layers)) if isinstance(spec, Residual) else ()
    values = spec.model_dump()
    if values.get("stride") == values.get("kernel_size") and isinstance(spec, MaxPool2d | AvgPool2d):
        values["stride"] = None  # as wide as the window, also when that changes
    return Draft(spec.type, {each.name: _text(values[each.name]) for each in FIELDS[spec.type]}, inner)


def spec_of(draft: Draft) -> tuple[LayerSpec | None, dict[str, str]]:
    """The layer that is meant; or None and by field each reason why there is none, those of inner layers apart."""
    if draft.type not in TYPES:
        return None, {"type": "is not a kind of layer"}
    values = {name: _value(name, text.strip()) for name, text in draft.texts.items()}
    raw = {"type": draft.type} | {name: value for name, value in values.items() if value is not None}
    if draft.type == "Residual":
        if not draft.inner:
            return None, {"layers": "has no layer inside: select it and add one"}
        inside = [spec_of(each)[0] for each in draft.inner]
        if None in inside:
            return None, {}
        raw["layers"] = [spec.model_dump() for spec in inside if spec is not None]
    try:
        made = TYPES[draft.type].model_validate(raw)
    except ValidationError as error:
        return None, {field: in_plain_words(reason) for field, reason in problems_of(error.errors()).items()}
    return made, {}  # type: ignore[return-value]  # TYPES holds the members of the union


def _shown(kind: str, given: Mapping[str, str]) -> dict[str, str]:
    """A box that is not ticked is not sent; any other field that is not is as by default."""
    return {each.name: given.get(each.name, "" if each.is_check else each.default) for each in FIELDS.get(kind, ())}


def _pairs(drafts: Sequence[Draft], marker: str) -> list[tuple[str, str]]:
    pairs = list[tuple[str, str]]()
    for draft in drafts:
        pairs.append((marker, draft.type))
        for each in FIELDS.get(draft.type, ()):
            if draft.texts[each.name] != ("" if each.is_check else each.default):
                pairs.append((each.name, draft.texts[each.name]))
        pairs += _pairs(draft.inner, "inner")
    return pairs


def _value(name: str, text: str) -> object:
    """What JSON would hold; the text itself where it is no number, None where it is empty and may be."""
    if name == "bias":
        return text == "yes"
    if name == "stride" and not text:
        return None
    try:
        return float(text) if name == "p" else int(text)
    except ValueError:
        return text


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)


def _fields(kind: type[BaseModel]) -> tuple[DraftField, ...]:
    schemas = kind.model_json_schema()["properties"]
    return tuple(_field(name, schemas[name]) for name in TITLES if name in schemas)


def _field(name: str, schema: Mapping[str, Any]) -> DraftField:  # JSON schema
    bounds = next((each for each in schema.get("anyOf", ()) if "minimum" in each), schema)
    most, step = (0.95, "0.05") if name == "p" else (bounds.get("maximum", 0), "1")
    return DraftField(name, TITLES[name], _text(schema.get("default")), bounds.get("minimum", 0), most, step)


FIELDS: Mapping[str, tuple[DraftField, ...]] = {name: _fields(kind) for name, kind in TYPES.items()}
