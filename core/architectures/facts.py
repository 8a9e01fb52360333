"""What a page or the API tells about a network: counts, and a row per layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.architectures.catalogue import FAMILIES, resolve
from core.architectures.labels import layer_label
from core.architectures.layers import Layers
from core.architectures.outcomes import Shape
from core.architectures.shapes import TracedLayer, trace


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """`number` counts from 1, "4.1" inside a Residual; the counts of a Residual include those of `inner`."""

    number: str
    type: str
    label: str
    output_shape: Shape
    num_parameters: int
    num_multiply_adds: int
    inner: tuple["LayerFacts", ...]


@dataclass(frozen=True, slots=True)
class Architecture:
    name: str
    title: str
    summary: str
    source: str
    num_parameters: int
    num_multiply_adds: int
    layers: tuple[LayerFacts, ...]


def layer_facts(layers: Layers, input_shape: Shape) -> tuple[LayerFacts, ...]:
    """A row per layer of any network, such as the stored layers of a run. Raises ArchitectureError."""
    return _rows(trace(layers, input_shape))


# Any: parameters as a form or JSON gave them, judged by `resolve`.
def describe(name: str, parameters: Mapping[str, Any], input_shape: Shape, num_classes: int) -> Architecture:
    """A family of the catalogue with these parameters ({} for the preset). Raises what `resolve` does."""
    rows = layer_facts(resolve(name, parameters, input_shape, num_classes), input_shape)
    family = FAMILIES[name]
    return Architecture(
        name=name,
        title=family.title,
        summary=family.summary,
        source=family.source,
        num_parameters=sum(row.num_parameters for row in rows),
        num_multiply_adds=sum(row.num_multiply_adds for row in rows),
        layers=rows,
    )


def describe_own(name: str, layers: Layers, input_shape: Shape, summary: str = "") -> Architecture:
    """A network of the user's own. Raises ArchitectureError."""
    rows = layer_facts(layers, input_shape)
    num_parameters, num_multiply_adds = (sum(counts) for counts in zip(*map(_counts, rows), strict=True))
    return Architecture(name, name, summary, "", num_parameters, num_multiply_adds, rows)


def _counts(row: LayerFacts) -> tuple[int, int]:
    return row.num_parameters, row.num_multiply_adds


def _rows(traced: Sequence[TracedLayer]) -> tuple[LayerFacts, ...]:
    return tuple(
        LayerFacts(
            number=layer.number,
            type=layer.spec.type,
            label=layer_label(layer.spec),
            output_shape=layer.output_shape,
            num_parameters=layer.num_parameters,
            num_multiply_adds=layer.num_multiply_adds,
            inner=_rows(layer.inner),
        )
        for layer in traced
    )
