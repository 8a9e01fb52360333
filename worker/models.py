"""Layer specs to torch modules: what `core.architectures.shapes` counts is what is built here."""

from collections.abc import Sequence
from typing import assert_never

from torch import Tensor, nn

from core.architectures.layers import (
    GELU,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layers,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from core.architectures.outcomes import Shape
from core.architectures.shapes import TracedLayer, trace
from worker.columns import Columns


class ResidualBlock(nn.Module):
    """x + inner(x); inner keeps the shape, as `trace` made sure."""

    def __init__(self, inner: nn.Sequential) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.inner(x)
        return x + inner


class Network(nn.Sequential):
    """One child per layer; `on_cpu`: what computes the same there, faster. A slice of it is plain."""

    on_cpu: Columns | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.on_cpu is not None and self.on_cpu.suits(x):
            return self.on_cpu(x)
        for module in self:
            x = module(x)
        return x


def build(layers: Layers, input_shape: Shape) -> nn.Sequential:
    """The model: takes (B, *input_shape), has one child per layer, in order.

    Initialised by torch's global generator, which the caller seeds. Names in its state_dict count from 0:
    "0.weight", inside a Residual "4.inner.0.weight".
    Raises ArchitectureError before anything is allocated.
    """
    return _network(trace(layers, input_shape))


def _network(traced: Sequence[TracedLayer]) -> Network:
    network = Network(*map(_module, traced))
    if any(isinstance(module, nn.Conv2d) for module in network):  # without, nothing is gained
        network.on_cpu = Columns(list(network), traced)
    return network


def _module(layer: TracedLayer) -> nn.Module:
    num_inputs = layer.input_shape[0]  # channels of a map, or flat features
    match layer.spec:
        case Conv2d() as spec:
            return nn.Conv2d(num_inputs, spec.out_channels, spec.kernel_size, spec.stride, spec.padding, bias=spec.bias)
        case BatchNorm2d():
            return nn.BatchNorm2d(num_inputs)
        case ReLU():
            return nn.ReLU()  # never in place: a Residual still needs its input
        case Tanh():
            return nn.Tanh()
        case Sigmoid():
            return nn.Sigmoid()
        case GELU():
            return nn.GELU()
        case MaxPool2d() as spec:
            return nn.MaxPool2d(spec.kernel_size, spec.stride)
        case AvgPool2d() as spec:
            return nn.AvgPool2d(spec.kernel_size, spec.stride)
        case Flatten():
            return nn.Flatten()
        case Linear() as spec:
            return nn.Linear(num_inputs, spec.out_features, bias=spec.bias)
        case Dropout() as spec:
            return nn.Dropout(spec.p)
        case Softmax():
            return nn.Softmax(dim=1)
        case Residual():
            return ResidualBlock(_network(layer.inner))
        case _:
            assert_never(layer.spec)
