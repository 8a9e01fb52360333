"""Several networks of the same layers as one: each operation computes all members at once.

Maps of all members lie side by side as channels, (B, K·C, H, W), so a convolution is one in K groups and batch norm
keeps the members apart by itself. Flat features are (K, B, F), and a linear layer is a batch of matrix products.
"""

from collections.abc import Iterator, Sequence
from typing import assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional

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
from core.run_config import RunConfig
from worker.models import build
from worker.randomness import derived_seed


class StackedModel:
    """The weights of all members and what they compute. A member is a row: what is said of it is at that index.

    `values`: (K, P), the parameters of each member one after another; `parameters` are views of it, (K, *shape), by
    their names in a lone model. `buffers`: (K, *shape).
    """

    def __init__(
        self, configs: Sequence[RunConfig], layers: Sequence[Layers], input_shape: Shape, device: torch.device
    ) -> None:
        traces = [trace(each, input_shape) for each in layers]
        models = [_initialised(*each, input_shape) for each in zip(configs, layers, strict=True)]
        buffers = [dict(model.named_buffers()) for model in models]
        self.names = list(models[0].state_dict())
        self.shapes = {name: parameter.shape for name, parameter in models[0].named_parameters()}
        self.values = torch.stack([nn.utils.parameters_to_vector(model.parameters()).detach() for model in models])
        self.values = self.values.to(device)
        self.buffers = {name: torch.stack([each[name] for each in buffers]).to(device) for name in buffers[0]}
        self.dropouts = [  # of each such layer: shape of one image, rate of each member
            (first.output_shape, [layer.spec.p for layer in (first, *others) if isinstance(layer.spec, Dropout)])
            for first, *others in zip(*map(_dropouts, traces), strict=True)
        ]
        self._traced = traces[0]
        self._prepare()

    def _prepare(self) -> None:
        lengths = [shape.numel() for shape in self.shapes.values()]
        self.parameters = {
            name: torch.unflatten(part, 1, shape).detach().requires_grad_()
            for part, (name, shape) in zip(torch.split(self.values, lengths, dim=1), self.shapes.items(), strict=True)
        }
        self._scales = [
            torch.tensor([1 / (1 - rate) for rate in rates], device=self.values.device) for _, rates in self.dropouts
        ]

    def __len__(self) -> int:
        return len(self.values)

    def keep(self, rows: list[int]) -> None:
        """Leaves out the other rows."""
        self.values = self.values[rows]
        self.buffers = {name: buffer[rows] for name, buffer in self.buffers.items()}
        self.dropouts = [(shape, [rates[row] for row in rows]) for shape, rates in self.dropouts]
        self._prepare()

    def state(self, row: int) -> dict[str, Tensor]:
        """Names and values as of a lone model's state_dict()."""
        everything = self.parameters | self.buffers
        return {name: everything[name][row].detach() for name in self.names}

    def load(self, row: int, tensors: dict[str, Tensor]) -> None:
        for name, value in self.state(row).items():
            value.copy_(tensors[name])

    def __call__(self, x: Tensor, masks: Sequence[Tensor] | None) -> Tensor:
        """(B, K·C, H, W) -> (K, B, classes). `masks`, where training: what each dropout keeps, (K, B, *shape)."""
        noises = None if masks is None else zip(masks, self._scales, strict=True)
        return self._forward(self._traced, "", x, noises)

    def _forward(self, traced: Sequence[TracedLayer], prefix: str, x: Tensor, noises: "Noises | None") -> Tensor:
        for number, layer in enumerate(traced):
            name = f"{prefix}{number}."
            if isinstance(layer.spec, Residual):
                x = x + self._forward(layer.inner, f"{name}inner.", x, noises)
            elif isinstance(layer.spec, Dropout):
                x = x if noises is None else _dropped(x, *next(noises))
            else:
                x = self._layer(layer, name, x, is_training=noises is not None)
        return x

    def _layer(self, layer: TracedLayer, name: str, x: Tensor, is_training: bool) -> Tensor:
        match layer.spec:
            case Conv2d() as spec:
                weight, bias = self._folded(f"{name}weight"), self._folded(f"{name}bias") if spec.bias else None
                return functional.conv2d(x, weight, bias, spec.stride, spec.padding, groups=len(self))
            case BatchNorm2d():
                return self._normalised(name, x, is_training)
            case Linear() as spec:
                weight = self.parameters[f"{name}weight"].transpose(1, 2)
                return (
                    torch.baddbmm(self.parameters[f"{name}bias"].unsqueeze(1), x, weight) if spec.bias else x @ weight
                )
            case Flatten():
                return x if x.dim() == 3 else torch.unflatten(x, 1, (len(self), -1)).flatten(2).transpose(0, 1)
            case MaxPool2d() as spec:
                return functional.max_pool2d(x, spec.kernel_size, spec.stride)
            case AvgPool2d() as spec:
                return functional.avg_pool2d(x, spec.kernel_size, spec.stride)
            case ReLU():
                return x.relu()
            case Tanh():
                return x.tanh()
            case Sigmoid():
                return x.sigmoid()
            case GELU():
                return functional.gelu(x)
            case Softmax():
                return x.softmax(-1)
            case Dropout() | Residual():
                raise AssertionError
            case _:
                assert_never(layer.spec)

    def _folded(self, name: str) -> Tensor:
        return self.parameters[name].flatten(0, 1)  # (K, C, ...) -> (K·C, ...)

    def _normalised(self, name: str, x: Tensor, is_training: bool) -> Tensor:
        if is_training:
            self.buffers[f"{name}num_batches_tracked"].add_(1)
        mean, variance = (self.buffers[f"{name}running_{what}"].view(-1) for what in ("mean", "var"))
        return functional.batch_norm(
            x, mean, variance, self._folded(f"{name}weight"), self._folded(f"{name}bias"), is_training
        )


Noises = Iterator[tuple[Tensor, Tensor]]


def _initialised(config: RunConfig, layers: Layers, input_shape: Shape) -> nn.Sequential:
    """As a lone run begins: `worker.train.Training`."""
    torch.manual_seed(derived_seed(config.seed, "initialisation"))
    return build(layers, input_shape)


def _dropouts(traced: Sequence[TracedLayer]) -> Iterator[TracedLayer]:
    """In the order of computation."""
    for layer in traced:
        if isinstance(layer.spec, Dropout):
            yield layer
        yield from _dropouts(layer.inner)


def _dropped(x: Tensor, mask: Tensor, scale: Tensor) -> Tensor:
    """Features (K, B, F) or maps (B, K·C, H, W), and (K, B, *shape), (K,)."""
    noise = mask.to(x.dtype) * scale.to(x.dtype).view(-1, *[1] * (mask.dim() - 1))
    return x * (noise if x.dim() == 3 else noise.transpose(0, 1).reshape(x.shape))
