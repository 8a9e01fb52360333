"""A network that may still be wrong, layer by layer: what can be told of each, and the one reason why it cannot be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.architectures.layers import LayerSpec, Residual
from core.architectures.outcomes import Shape
from core.architectures.shapes import ArchitectureError, TracedLayer, trace, trace_classifier


@dataclass(frozen=True, slots=True)
class Examination:
    """`traced` by number ("3", "3.1"), up to the first layer that cannot be; `refusal` blames that one, or all."""

    traced: Mapping[str, TracedLayer]
    refusal: ArchitectureError | None

    @property
    def whole(self) -> tuple[TracedLayer, ...]:
        """The layers before the one that is blamed, those inside a Residual apart."""
        return tuple(layer for number, layer in self.traced.items() if "." not in number)


def examine(layers: Sequence[LayerSpec], image_shape: Shape, num_classes: int | None) -> Examination:
    """`num_classes`: what the last layer must put out; None where more layers are to come."""
    layers = tuple(layers)
    try:
        if num_classes is None:
            return Examination(_by_number(trace(layers, image_shape) if layers else ()), None)
        return Examination(_by_number(trace_classifier(layers, image_shape, num_classes)), None)
    except ArchitectureError as refusal:
        return Examination(_before(layers, refusal, image_shape), refusal)


def _before(layers: tuple[LayerSpec, ...], refusal: ArchitectureError, image_shape: Shape) -> dict[str, TracedLayer]:
    """What comes before the blamed layer, and where it only fails to end in the classes, itself."""
    if not refusal.layer:
        return {}
    place, *inside = (int(number) for number in refusal.layer.split("."))
    try:
        return _by_number(trace(layers, image_shape))
    except ArchitectureError:
        traced = _by_number(trace(layers[: place - 1], image_shape) if place > 1 else ())
    blamed, before = layers[place - 1], traced.get(str(place - 1))
    if isinstance(blamed, Residual):
        fits = blamed.layers[: inside[0] - 1] if inside else blamed.layers
        shape = before.output_shape if before is not None else image_shape
        traced |= {f"{place}.{number}": layer for number, layer in _traced_alone(fits, shape).items()}
    return traced


def _traced_alone(layers: Sequence[LayerSpec], shape: Shape) -> dict[str, TracedLayer]:
    try:
        return _by_number(trace(tuple(layers), shape) if layers else ())
    except ArchitectureError:  # too large already
        return {}


def _by_number(traced: Sequence[TracedLayer]) -> dict[str, TracedLayer]:
    return {layer.number: layer for outer in traced for layer in (outer, *outer.inner)}
