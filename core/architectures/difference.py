"""In what two networks differ: their layers aligned one to one, each pair with the fields that are not the same.

Aligned as texts are (Needleman and Wunsch 1970): the cheapest way to make b of a, where to change a layer is cheaper
than to remove one and add another, and only layers of one kind can be changed into each other.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from core.architectures.labels import layer_label
from core.architectures.layers import Layers, LayerSpec
from core.architectures.outcomes import Shape
from core.architectures.shapes import TracedLayer, trace

Change = Literal["same", "resized", "changed", "added", "removed"]

# Guesses, untuned, but for their order: whatever is aligned costs less than a removal with an addition, which is 2.
SAME, RESIZED, CHANGED, REPLACED, ALONE, NEVER = 0.0, 0.05, 0.8, 1.4, 1.0, 9.0
_KINDS = {
    **dict.fromkeys(("ReLU", "Tanh", "Sigmoid", "GELU"), "activation"),
    **dict.fromkeys(("MaxPool2d", "AvgPool2d"), "pooling"),
}
FIELD_WORDS = {
    "out_channels": "filters", "kernel_size": "window", "stride": "stride", "padding": "padding",
    "bias": "bias", "out_features": "units", "p": "dropped",
}  # fmt: skip


@dataclass(frozen=True)
class FieldChange:
    field: str
    a: JsonValue
    b: JsonValue

    @property
    def words(self) -> str:
        """For example "filters 6 → 10", "average → max"; it does not break."""
        change = f"{_words(self.a)}\u00a0→\u00a0{_words(self.b)}"
        return change if self.field == "type" else f"{FIELD_WORDS.get(self.field, self.field)}\u00a0{change}"


@dataclass(frozen=True)
class LayerPair:
    """A layer of a, of b, or of both. "resized": the same layer on a map of another size, so with other costs."""

    change: Change
    a: TracedLayer | None
    b: TracedLayer | None
    fields: tuple[FieldChange, ...] = ()

    @property
    def labels(self) -> tuple[str, str]:
        """In words; empty where a network has no such layer."""
        return layer_label(self.a.spec) if self.a else "", layer_label(self.b.spec) if self.b else ""

    @property
    def words(self) -> str:
        """What is to be said of it: the fields that changed, or that it is an addition."""
        if self.fields:
            return ", ".join(field.words for field in self.fields)
        return {"same": "", "resized": "another size"}.get(self.change, self.change)


@dataclass(frozen=True)
class Difference:
    """`pairs` in the order of both networks; the layers of a Residual follow it, already in its own counts."""

    a: tuple[TracedLayer, ...]
    b: tuple[TracedLayer, ...]
    pairs: tuple[LayerPair, ...]

    @property
    def counts(self) -> Mapping[Change, int]:
        return Counter(pair.change for pair in self.pairs)

    @property
    def num_parameters(self) -> tuple[int, int]:
        return sum(layer.num_parameters for layer in self.a), sum(layer.num_parameters for layer in self.b)

    @property
    def num_multiply_adds(self) -> tuple[int, int]:
        """Per image."""
        return sum(layer.num_multiply_adds for layer in self.a), sum(layer.num_multiply_adds for layer in self.b)


def difference(a: Layers, image_shape_a: Shape, b: Layers, image_shape_b: Shape) -> Difference:
    """Raises ArchitectureError."""
    traced_a, traced_b = trace(a, image_shape_a), trace(b, image_shape_b)
    return Difference(traced_a, traced_b, tuple(_pairs(list(_flat(traced_a)), list(_flat(traced_b)))))


def _flat(traced: Sequence[TracedLayer]) -> Iterator[TracedLayer]:
    for layer in traced:
        yield layer
        yield from _flat(layer.inner)


def _pairs(a: Sequence[TracedLayer], b: Sequence[TracedLayer]) -> list[LayerPair]:
    costs = _costs(a, b)
    pairs: list[LayerPair] = []
    row, column = len(a), len(b)
    while row or column:
        here = costs[row][column]
        if row and column and here == costs[row - 1][column - 1] + _cost(a[row - 1], b[column - 1]):
            row, column = row - 1, column - 1
            pairs.append(_pair(a[row], b[column]))
        elif column and here == costs[row][column - 1] + ALONE:  # read backwards: what was removed stands first
            column -= 1
            pairs.append(LayerPair("added", None, b[column]))
        else:
            row -= 1
            pairs.append(LayerPair("removed", a[row], None))
    return pairs[::-1]


def _costs(a: Sequence[TracedLayer], b: Sequence[TracedLayer]) -> list[list[float]]:
    """The cheapest way from the first i layers of a to the first j of b, at [i][j]."""
    costs = [[ALONE * column for column in range(len(b) + 1)]]
    for row, layer in enumerate(a, start=1):
        line = [ALONE * row]
        for column, other in enumerate(b, start=1):
            beside = min(costs[-1][column], line[-1]) + ALONE
            line.append(min(costs[-1][column - 1] + _cost(layer, other), beside))
        costs.append(line)
    return costs


def _cost(a: TracedLayer, b: TracedLayer) -> float:
    if a.spec.type != b.spec.type:
        kind = _KINDS.get(a.spec.type)
        return REPLACED if kind is not None and kind == _KINDS.get(b.spec.type) else NEVER
    if a.spec.type == "Residual" or a.spec == b.spec:
        return SAME if _is_of_one_size(a, b) else RESIZED
    return CHANGED


def _pair(a: TracedLayer, b: TracedLayer) -> LayerPair:
    fields = tuple(_changed_fields(a.spec, b.spec))
    if fields:
        return LayerPair("changed", a, b, fields)
    return LayerPair("same" if _is_of_one_size(a, b) else "resized", a, b)


def _changed_fields(a: LayerSpec, b: LayerSpec) -> Iterator[FieldChange]:
    """Of a Residual none: what is inside has pairs of its own."""
    if a.type == "Residual" or b.type == "Residual":
        return
    left, right = a.model_dump(mode="json"), b.model_dump(mode="json")
    for field in ("type", *(field for field in left if field != "type")):
        if field in right and left[field] != right[field]:
            yield FieldChange(field, left[field], right[field])


def _is_of_one_size(a: TracedLayer, b: TracedLayer) -> bool:
    return (a.input_shape, a.output_shape) == (b.input_shape, b.output_shape)


def _words(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return {"AvgPool2d": "average", "MaxPool2d": "max"}.get(str(value), str(value))
