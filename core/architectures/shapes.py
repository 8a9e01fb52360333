"""Output shape, parameters and multiply-adds of every layer, without torch; refuses what does not fit.

A shape is that of one image: (channels, height, width), or (features,) once flat. What counts as a multiply-add
is said in `outcomes`; the addition of a Residual counts as 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from pydantic import ValidationError

from core.architectures.labels import shape_label
from core.architectures.layers import LAYERS, Layers, LayerSpec, Residual, Softmax
from core.architectures.outcomes import DoesNotFit, Shape, outcome

MAX_LAYERS = 100  # those inside a Residual included; a table that a person still reads. Guess, untuned
MAX_PARAMETERS = 10_000_000  # 40 MB of float32; a checkpoint with Adam's two moments: 120 MB, every epoch
MAX_MULTIPLY_ADDS = 500_000_000  # per image; 1,200 times LeNet-5 of 1998: hours for an epoch of MNIST on one core
MAX_ACTIVATIONS = 1_000_000  # values per image, all kept for the backward pass: 256 MB at batch size 64


class ArchitectureError(ValueError):
    """A network that cannot be. `layer` counts from 1: "4.1" is inside a Residual, "" is the network itself."""

    def __init__(self, reason: str, layer: str = "", layer_type: str = "") -> None:
        where = f"Layer {layer} ({layer_type}) " if layer else "The network "
        super().__init__(f"{where}{reason}.")
        self.layer = layer
        self.reason = reason

    @property
    def path(self) -> str:
        """Where it is in JSON: "layers", "layers.3", inside a Residual "layers.3.layers.0"."""
        return "".join(f".layers.{int(number) - 1}" for number in self.layer.split(".") if number)[1:] or "layers"


@dataclass(frozen=True, slots=True)
class TracedLayer:
    """A layer at its place in a network. `inner`: the layers of a Residual, already in its own counts."""

    number: str
    spec: LayerSpec
    input_shape: Shape
    output_shape: Shape
    num_parameters: int
    num_multiply_adds: int
    inner: tuple["TracedLayer", ...] = ()

    @property
    def num_activations(self) -> int:
        """Values that the layer puts out for one image, those of inner layers included."""
        return prod(self.output_shape) + sum(layer.num_activations for layer in self.inner)


def parse_layers(raw: object) -> Layers:
    """Parsed JSON as layer specs; raises ArchitectureError for the first layer that is not one."""
    try:
        return LAYERS.validate_python(raw)
    except ValidationError as error:
        wrong = error.errors()[0]
        place = [str(part + 1) if isinstance(part, int) else part for part in wrong["loc"]]
        # place is such as ["2", "Residual", "layers", "1", "Conv2d", "kernel_size"]: two layers, a type, a field
        numbers = [position for position, part in enumerate(place) if part.isdigit()]
        layer = ".".join(place[position] for position in numbers)
        layer_type, *field = (place[numbers[-1] + 1 :] if numbers else []) or ["of unknown type"]
        reason = ": ".join(["is refused", *field, wrong["msg"][:1].lower() + wrong["msg"][1:]])
        raise ArchitectureError(reason, layer, layer_type) from error


def trace(layers: Layers, input_shape: Shape) -> tuple[TracedLayer, ...]:
    """Every layer with its shapes and counts. Only integers meet here: nothing large is allocated.

    Raises ArchitectureError.
    """
    assert len(input_shape) in (1, 3), f"neither an image nor flat: {input_shape}"
    num_layers = sum(1 + len(spec.layers) if isinstance(spec, Residual) else 1 for spec in layers)
    if num_layers == 0:
        raise ArchitectureError("has no layers")
    if num_layers > MAX_LAYERS:
        raise ArchitectureError(f"has {num_layers:,} layers; at most {MAX_LAYERS:,} are allowed")
    traced = _trace(layers, input_shape)
    _refuse_too_large(traced)
    return traced


def trace_classifier(layers: Layers, input_shape: Shape, num_classes: int) -> tuple[TracedLayer, ...]:
    """`trace`, and a refusal unless the network puts out one score per class."""
    traced = trace(layers, input_shape)
    last = traced[-1]
    if last.output_shape != (num_classes,):
        gives = shape_label(last.output_shape)
        reason = f"is the last and puts out {gives} values, but there are {num_classes} classes to tell apart"
        raise ArchitectureError(reason, last.number, last.spec.type)
    return traced


def count_parameters(layers: Layers, input_shape: Shape) -> int:
    """Trainable values of the network."""
    return sum(layer.num_parameters for layer in trace(layers, input_shape))


def count_multiply_adds(layers: Layers, input_shape: Shape) -> int:
    """Multiply-adds of one forward pass of one image."""
    return sum(layer.num_multiply_adds for layer in trace(layers, input_shape))


def _trace(layers: Sequence[LayerSpec], shape: Shape, prefix: str = "") -> tuple[TracedLayer, ...]:
    traced: list[TracedLayer] = []
    for position, spec in enumerate(layers, start=1):
        number = f"{prefix}{position}"
        try:
            if isinstance(spec, Softmax) and (prefix or position < len(layers)):
                raise DoesNotFit("turns scores into probabilities, so it can only be the last layer")
            if isinstance(spec, Residual):
                traced.append(_trace_residual(spec, shape, number))
            else:
                traced.append(TracedLayer(number, spec, shape, *outcome(spec, shape)))
        except DoesNotFit as error:
            raise ArchitectureError(str(error), number, spec.type) from None
        shape = traced[-1].output_shape
    return tuple(traced)


def _trace_residual(spec: Residual, shape: Shape, number: str) -> TracedLayer:
    inner = _trace(spec.layers, shape, prefix=f"{number}.")
    after = inner[-1].output_shape
    if after != shape:
        change = f"{shape_label(shape)} into {shape_label(after)}"
        raise DoesNotFit(f"adds its input to its output, but the layers inside turn {change}")
    num_parameters = sum(layer.num_parameters for layer in inner)
    num_multiply_adds = sum(layer.num_multiply_adds for layer in inner)
    return TracedLayer(number, spec, shape, shape, num_parameters, num_multiply_adds, inner)


def _refuse_too_large(traced: Sequence[TracedLayer]) -> None:
    num_parameters = num_multiply_adds = num_activations = 0
    for layer in traced:
        num_parameters += layer.num_parameters
        num_multiply_adds += layer.num_multiply_adds
        num_activations += layer.num_activations
        for count, limit, noun in (
            (num_parameters, MAX_PARAMETERS, "parameters"),
            (num_multiply_adds, MAX_MULTIPLY_ADDS, "multiply-adds per image"),
            (num_activations, MAX_ACTIVATIONS, "activation values per image"),
        ):
            if count > limit:
                reason = f"brings the network to {count:,} {noun}; at most {limit:,} are allowed"
                raise ArchitectureError(reason, layer.number, layer.spec.type)
