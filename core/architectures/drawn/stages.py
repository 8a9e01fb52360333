"""What of a network is drawn: a stage for each layer that makes new maps or values, the rest as words under it.

Names are those of the paper's figure 2: C for convolutions, S for subsampling, F for full connections, counted through.
As there, the first full connection after maps is a C: it is a convolution whose window is the whole map (p. 2284).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.architectures.labels import shape_label
from core.architectures.layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    LayerSpec,
    Linear,
    MaxPool2d,
    Residual,
)
from core.architectures.outcomes import Shape
from core.architectures.shapes import TracedLayer

Kind = Literal["input", "convolution", "pooling", "full"]


@dataclass
class Stage:
    """`before` and `after` name what is applied around the drawn layer; `skip_from` is the stage whose output is added.

    `layers` are the network's own that it stands for, the drawn one among them, Residuals left out.
    """

    kind: Kind
    name: str
    shape: Shape
    drawn: TracedLayer | None = None
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    layers: list[TracedLayer] = field(default_factory=list)
    skip_from: int | None = None

    @property
    def title(self) -> str:
        """For example "C1: feature maps"."""
        if self.name in ("INPUT", "OUTPUT"):
            return self.name
        return f"{self.name}: {'feature maps' if len(self.shape) == 3 else 'layer'}"

    @property
    def size(self) -> str:
        """For example "6@28×28"; an image of one channel is "28×28"."""
        if len(self.shape) != 3 or (self.kind == "input" and self.shape[0] == 1):
            return shape_label(self.shape[-2:])
        return f"{self.shape[0]}@{shape_label(self.shape[1:])}"

    @property
    def operation(self) -> str:
        return "" if self.drawn is None else _operation(self.drawn.spec)

    @property
    def marks(self) -> str:
        return " · ".join(self.after)

    @property
    def num_parameters(self) -> int:
        return sum(layer.num_parameters for layer in self.layers)

    @property
    def num_multiply_adds(self) -> int:
        return sum(layer.num_multiply_adds for layer in self.layers)


def stages_of(traced: Sequence[TracedLayer], image_shape: Shape) -> list[Stage]:
    """The input first."""
    stages = [Stage("input", "INPUT", image_shape)]
    end = _bare_flatten(traced)
    _add(stages, traced[:end], [])
    if end < len(traced):
        stages.append(Stage("full", "OUTPUT", traced[end].output_shape, traced[end], layers=[traced[end]]))
        _add(stages, traced[end + 1 :], [])
    if stages[-1].kind == "full":
        stages[-1].name = "OUTPUT"
    return stages


def _bare_flatten(traced: Sequence[TracedLayer]) -> int:
    """The place of a Flatten that no full connection follows, and which is drawn for that; else the end."""
    for place in reversed(range(len(traced))):
        spec = traced[place].spec
        if isinstance(spec, Flatten) and len(traced[place].input_shape) == 3:
            return place
        if any(isinstance(part, Linear) for part in (spec.layers if isinstance(spec, Residual) else (spec,))):
            break
    return len(traced)


def _add(stages: list[Stage], traced: Sequence[TracedLayer], waiting: list[str]) -> None:
    """`waiting`: marks of a Residual's layers that come before its first drawn one; they are on that one's way in."""
    for layer in traced:
        if isinstance(layer.spec, Residual):
            _add_residual(stages, layer)
            continue
        kind = _kind(layer.spec)
        if kind is not None:
            name = f"{_letter(layer.spec, stages[-1])}{len(stages)}"
            stages.append(Stage(kind, name, layer.output_shape, layer, before=waiting, layers=[layer]))
            waiting = []
        else:
            stages[-1].layers.append(layer)
            stages[-1].after += [] if isinstance(layer.spec, Flatten) else [mark(layer.spec)]


def _add_residual(stages: list[Stage], residual: TracedLayer) -> None:
    start = len(stages) - 1
    first = next((place for place, layer in enumerate(residual.inner) if _kind(layer.spec)), None)
    if first is None:  # nothing to draw an arc around
        inner = ", ".join(mark(layer.spec) for layer in residual.inner)
        stages[-1].after.append(f"x\u00a0+\u00a0{inner}(x)")
        stages[-1].layers += residual.inner
        return
    head = residual.inner[:first]
    _add(stages, residual.inner[first:], [mark(layer.spec) for layer in head])
    stages[start + 1].layers[:0] = head
    stages[-1].after.append(f"+\u00a0{stages[start].name}")
    stages[-1].skip_from = start


def _kind(spec: LayerSpec) -> Kind | None:
    match spec:
        case Conv2d():
            return "convolution"
        case MaxPool2d() | AvgPool2d():
            return "pooling"
        case Linear():
            return "full"
        case _:
            return None


def _letter(spec: LayerSpec, before: Stage) -> str:
    if isinstance(spec, Linear):
        return "C" if len(before.shape) == 3 and before.kind != "input" else "F"
    return "C" if isinstance(spec, Conv2d) else "S"


def _operation(spec: LayerSpec) -> str:
    """How it comes from what is before it."""
    match spec:
        case Conv2d(kernel_size=side, stride=stride, padding=padding, bias=bias):
            steps = f", stride\u00a0{stride}" if stride != 1 else ""
            frame = f", padding\u00a0{padding}" if padding else ""
            return f"convolution {side}×{side}{steps}{frame}{_bias(bias)}"
        case MaxPool2d(kernel_size=side, stride=stride) | AvgPool2d(kernel_size=side, stride=stride):
            kind = "max" if isinstance(spec, MaxPool2d) else "average"
            steps = f", stride\u00a0{stride}" if stride != side else ""
            return f"{kind} pooling {side}×{side}{steps}"
        case Linear(bias=bias):
            return f"full connection{_bias(bias)}"
        case _:
            return "flattened"


def _bias(has_bias: bool) -> str:
    return "" if has_bias else ", no bias"


def mark(spec: LayerSpec) -> str:
    """A layer that has no stage of its own, in words."""
    match spec:
        case BatchNorm2d():
            return "batch norm"
        case Dropout(p=share):
            return f"dropout\u00a0{share:g}"
        case Flatten():
            return "flatten"
        case _:
            return spec.type if spec.type == "ReLU" or spec.type == "GELU" else spec.type.lower()
