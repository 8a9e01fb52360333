"""What follows from a network as it is typed: a row for each layer with shapes, counts, reasons; totals; the spec."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from app.pages.builder_draft import ALIKE, FIELDS, Composed, Draft, DraftField, Drafts, draft_of, spec_of
from app.pages.builder_edits import draft_at, place_of
from core.architectures.drawing import drawings_of
from core.architectures.examination import Examination, examine
from core.architectures.layers import LAYERS, Layers, LayerSpec
from core.architectures.matching import MOST, NoWidth, match_parameters
from core.architectures.shapes import (
    MAX_ACTIVATIONS,
    MAX_LAYERS,
    MAX_MULTIPLY_ADDS,
    MAX_PARAMETERS,
    TracedLayer,
)
from core.datasets import Dataset

BYTES_PER_VALUE = 4  # float32
BATCH = 64  # a run's by default


@dataclass(frozen=True)
class Row:
    """A layer on the page. `traced` is None where it cannot be told yet; `problems` by field, `reason` of the layer."""

    number: str
    draft: Draft
    traced: TracedLayer | None
    problems: Mapping[str, str]
    reason: str
    inner: tuple["Row", ...]

    @property
    def id(self) -> str:
        return self.number.replace(".", "-")

    @property
    def fields(self) -> tuple[DraftField, ...]:
        return FIELDS.get(self.draft.type, ())

    @property
    def alike(self) -> tuple[str, ...]:
        return next((kinds for kinds in ALIKE if self.draft.type in kinds), ())


@dataclass(frozen=True)
class Outlook:
    """`layers` is None while something is wrong, which `num_problems` counts and `reason` says of the whole."""

    composed: Composed
    dataset: Dataset
    rows: tuple[Row, ...]
    examination: Examination
    layers: Layers | None
    reason: str

    @property
    def all_rows(self) -> list[Row]:
        return [each for row in self.rows for each in (row, *row.inner)]

    @property
    def num_problems(self) -> int:
        return sum(len(row.problems) + bool(row.reason) for row in self.all_rows) + bool(self.reason)

    @property
    def lacks_only_its_end(self) -> bool:
        """Every layer fits, but what the last one puts out is no score for each class."""
        return self.examination.refusal is not None and 0 < len(self.rows) == len(self.examination.whole)

    @property
    def first_problem(self) -> tuple[Row, str] | None:
        """A layer, and what is wrong with it."""
        for row in self.all_rows:
            titles = {field.name: f"{field.title} " for field in row.fields}
            reasons = [titles.get(name, "") + reason for name, reason in row.problems.items()] + [row.reason]
            if any(reasons):
                return row, next(filter(None, reasons))
        return None

    @property
    def counts(self) -> list[tuple[str, int, int]]:
        """What is limited: in words, how much, the limit. Of what could be worked out."""
        outer = self.examination.whole
        num_layers = sum(1 + len(draft.inner) for draft in self.composed.drafts)
        return [
            ("parameters", sum(layer.num_parameters for layer in outer), MAX_PARAMETERS),
            ("multiply-adds per image", sum(layer.num_multiply_adds for layer in outer), MAX_MULTIPLY_ADDS),
            ("activation values per image", sum(layer.num_activations for layer in outer), MAX_ACTIVATIONS),
            ("layers", num_layers, MAX_LAYERS),
        ]

    @property
    def activation_bytes(self) -> int:
        """Of a batch, kept for the backward pass."""
        values = prod(self.dataset.image_shape) + sum(layer.num_activations for layer in self.examination.whole)
        return values * BYTES_PER_VALUE * BATCH

    @property
    def spec(self) -> str:
        """JSON, a layer to a line; "" while something is wrong."""
        if self.layers is None:
            return ""
        lines = ",\n".join("  " + json.dumps(spec) for spec in LAYERS.dump_python(self.layers, mode="json"))
        return f"[\n{lines}\n]"

    @property
    def widths(self) -> list[tuple[str, str]]:
        """The layers whose width can be adjusted; the last one's says how many classes there are."""
        rows = [row for row in self.all_rows if {field.name for field in row.fields} & set(MOST)]
        return [(row.number, row.draft.type) for row in rows if row.number != _output_number(self.composed.drafts)]

    def drawing(self) -> str:
        layers = tuple(layer.spec for layer in self.examination.whole)
        return drawings_of(layers, self.dataset.image_shape, title=self.composed.name or "The network")


def outlook_of(composed: Composed, dataset: Dataset) -> Outlook:
    made = [spec_of(draft) for draft in composed.drafts]
    sound = list[LayerSpec]()
    for spec, _ in made:
        if spec is None:
            break
        sound.append(spec)
    is_whole = len(sound) == len(made)
    examination = examine(sound, dataset.image_shape, len(dataset.classes) if is_whole else None)
    blamed = examination.refusal.layer if examination.refusal is not None else None
    rows = tuple(
        _row(str(number), draft, examination) for number, draft in enumerate(composed.drafts, start=1)
    )  # fmt: skip
    reason = f"The network {examination.refusal.reason}." if examination.refusal is not None and not blamed else ""
    layers = tuple(sound) if is_whole and examination.refusal is None else None
    return Outlook(composed, dataset, rows, examination, layers, reason)


def matched(outlook: Outlook, target: int) -> tuple[Drafts, str]:
    """The network with the chosen layer's width adjusted, and what was done, or why nothing was."""
    composed, layers = outlook.composed, outlook.layers
    place = place_of(composed.adjust, composed.drafts)
    if layers is None:
        return composed.drafts, "Mend the network first; then its parameters can be matched."
    if place is None:
        return composed.drafts, "Choose the layer whose width is to change."
    try:
        found = match_parameters(layers, place, target, outlook.dataset.image_shape)
    except NoWidth as error:
        return composed.drafts, f"Layer {composed.adjust} {error}"
    drafts = tuple(map(draft_of, found.layers))
    off = found.num_parameters - target
    close = "exactly as many" if not off else f"{abs(off):,} {'more' if off > 0 else 'fewer'} than"
    kind = draft_at(drafts, place).type
    change = f"stays at {found.width:,}" if found.width == found.before else f"{found.before:,} → {found.width:,}"
    told = f"Layer {composed.adjust} ({kind}): {change}. The network has {found.num_parameters:,} parameters, {close}"
    return drafts, told if off else f"{told} as"


def adapted(drafts: Drafts, num_classes: int) -> tuple[Drafts, str]:
    """The last Linear puts out a score for each class; where there is none at the end, one is added."""
    number = _output_number(drafts)
    if number is not None:
        at = int(number) - 1
        last = Draft("Linear", dict(drafts[at].texts) | {"out_features": str(num_classes)})
        return (*drafts[:at], last, *drafts[at + 1 :]), f"Layer {number} now puts out {num_classes} scores."
    is_flat = any(draft.type in ("Flatten", "Linear") for draft in drafts)
    added = (Draft("Linear", {"out_features": str(num_classes), "bias": "yes"}),)
    flatten = () if is_flat else (Draft("Flatten"),)
    return (*drafts, *flatten, *added), f"A last layer with {num_classes} scores was added."


def _output_number(drafts: Drafts) -> str | None:
    """Of the Linear that ends the network; a Softmax may follow."""
    at = len(drafts) - (2 if drafts and drafts[-1].type == "Softmax" else 1)
    return str(at + 1) if at >= 0 and drafts[at].type == "Linear" else None


def _row(number: str, draft: Draft, examination: Examination) -> Row:
    refusal = examination.refusal
    reason = refusal.reason if refusal is not None and refusal.layer == number else ""
    inner = tuple(_row(f"{number}.{place}", each, examination) for place, each in enumerate(draft.inner, start=1))
    return Row(number, draft, examination.traced.get(number), spec_of(draft)[1], reason, inner)
