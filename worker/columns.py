"""A network on a CPU with the images as columns: each layer gets (C, H, W, B) or (features, B), and no autograd.

What a layer does to neighbouring pixels or channels is then arithmetic between rows of B values that lie side by side,
and convolutions are matrix products. Figures: docs/performance.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from core.architectures.shapes import TracedLayer
from worker.column_layers import (
    Back,
    Part,
    activation,
    batch_norm,
    dropout,
    flatten,
    gelu,
    layer,
    max_of_four,
    mean_of_four,
    softmax,
)
from worker.column_products import convolution, convolution_to_corners, linear

MIN_IMAGES = 24  # fewer fill no vectors: measured, about equal at 16 to 32
# Their outputs are nobody's to keep: an activation may overwrite them.
FRESH = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d)


class Columns:
    """The parts of a network, whose outputs and gradients are those of its modules but for rounding."""

    def __init__(self, modules: Sequence[nn.Module], traced: Sequence[TracedLayer]) -> None:
        self.parameters = [parameter for module in modules for parameter in module.parameters()]
        self.parts = list(_planned(modules, traced))

    def suits(self, images: Tensor) -> bool:
        """Many images on a CPU, which need no gradient of their own, in one precision."""
        is_plain = not images.requires_grad and not torch.is_autocast_enabled("cpu")
        return images.is_cpu and len(images) >= MIN_IMAGES and is_plain

    def __call__(self, images: Tensor) -> Tensor:
        """(B, C, H, W), which get no gradient, -> (B, classes)"""
        if not torch.is_grad_enabled():
            return _through(self.parts, images)[0]
        outputs: Tensor = _Backward.apply(images, self.parts, *self.parameters)
        return outputs


class _Backward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, parts: Sequence[Part], *parameters: Tensor) -> Tensor:
        outputs, ctx.backs = _through(parts, images)
        return outputs

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        gradients: list[Tensor] = []
        columns: Tensor | None = grad.movedim(0, -1).clone(memory_format=torch.contiguous_format)
        while columns is not None and ctx.backs:  # the first part with weights gives none
            columns, of_weights = ctx.backs.pop()(columns)
            gradients = [*of_weights, *gradients]
        del ctx.backs
        return None, None, *gradients


def _through(parts: Iterable[Part], images: Tensor) -> tuple[Tensor, list[Back]]:
    x, backs = images.movedim(0, -1).contiguous(), []
    for part in parts:
        x, back = part(x)
        backs.append(back)
    return x.movedim(-1, 0).contiguous(), backs


def _planned(modules: Sequence[nn.Module], traced: Sequence[TracedLayer]) -> Iterator[Part]:
    """A part for each module; ReLU comes after a maximum: bit for bit the same, on fewer values."""
    order = list(zip(modules, traced, strict=True))
    for at in range(len(order) - 1):
        if isinstance(order[at][0], nn.ReLU) and isinstance(order[at + 1][0], nn.MaxPool2d):
            order[at], order[at + 1] = order[at + 1], order[at]
    has_weights_before = False
    for at, (module, _) in enumerate(order):
        before = order[at - 1][0] if at else None
        yield _part(module, before, order[at:], is_first=not has_weights_before)
        has_weights_before = has_weights_before or any(True for _ in module.parameters())


def _part(
    module: nn.Module, before: nn.Module | None, from_here: Sequence[tuple[nn.Module, TracedLayer]], *, is_first: bool
) -> Part:
    match module:
        case nn.Conv2d(stride=(1, 1)):
            if is_first and module.in_channels == 1 and _ends_in_halving(from_here[1:]):
                return convolution_to_corners(module)
            return convolution(module, is_first=is_first)
        case nn.Linear():
            return linear(module, is_first=is_first)
        case nn.BatchNorm2d():
            return batch_norm(module)
        case nn.ReLU() | nn.Tanh() | nn.Sigmoid():
            return activation(module, in_place=isinstance(before, FRESH))
        case nn.MaxPool2d() | nn.AvgPool2d() if _halves(*from_here[0]):
            return max_of_four if isinstance(module, nn.MaxPool2d) else mean_of_four
        case nn.GELU():
            return gelu
        case nn.Flatten():
            return flatten
        case nn.Softmax():
            return softmax
        case nn.Dropout():
            return dropout(module)
        case _:
            return layer(module)


def _ends_in_halving(order: Sequence[tuple[nn.Module, TracedLayer]]) -> bool:
    """Whether only what looks at one value or one channel comes before a pooling of 2×2 windows."""
    for module, traced in order:
        if not isinstance(module, nn.BatchNorm2d | nn.ReLU | nn.Tanh | nn.Sigmoid | nn.GELU):
            return _halves(module, traced)
    return False


def _halves(module: nn.Module, traced: TracedLayer) -> bool:
    """Whether it is a pooling of 2×2 windows that leaves no row or column over."""
    is_of_two = isinstance(module, nn.MaxPool2d | nn.AvgPool2d) and (module.kernel_size, module.stride) == (2, 2)
    return is_of_two and all(side % 2 == 0 for side in traced.input_shape[1:])
