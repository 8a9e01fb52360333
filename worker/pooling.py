"""A convolution and its 2×2 pooling on a CPU, computed in another order: the same network, at less cost.

torch's pooling looks at one value after the other. Here the four values of each window lie in four blocks of channels,
its corners, and pooling is vector arithmetic between those. A convolution of a single channel makes the corners right
away, as four times as many filters with a stride of 2. Figures: docs/performance.md.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.architectures.shapes import TracedLayer
from worker.convolution import convolved, gains

Part = Callable[[Tensor], Tensor]


def planned(modules: Sequence[nn.Module], traced: Sequence[TracedLayer]) -> list[Part]:
    """The modules in order, with those that gain by it replaced by something that gives the same."""
    parts: list[Part] = []
    start = 0
    while start < len(modules):
        end = _end_of_convolved_pool(modules, traced, start)
        if end:
            parts.append(_ConvolvedPool(modules[start:end]))
        elif isinstance(modules[start], nn.ReLU) and isinstance(_at(modules, start + 1), nn.MaxPool2d):
            parts += [_alone(modules[start + 1], traced[start + 1]), modules[start]]  # commute, bit for bit
            end = start + 2
        else:
            parts.append(_alone(modules[start], traced[start]))
        start = end or start + 1
    return parts


def _end_of_convolved_pool(modules: Sequence[nn.Module], traced: Sequence[TracedLayer], start: int) -> int | None:
    """Behind the pooling, where a convolution of one channel starts here: with more, the added filters cost more."""
    first = modules[start]
    if not (isinstance(first, nn.Conv2d) and first.in_channels == 1 and first.stride == (1, 1)):
        return None
    end = start + 1
    while isinstance(_at(modules, end), nn.BatchNorm2d | nn.ReLU | nn.Tanh | nn.Sigmoid | nn.GELU):
        end += 1
    pool = _at(modules, end)
    return end + 1 if pool is not None and _halves(pool, traced[end]) else None


def _at(modules: Sequence[nn.Module], position: int) -> nn.Module | None:
    return modules[position] if position < len(modules) else None


def _halves(module: nn.Module, traced: TracedLayer) -> bool:
    """Whether it is a pooling of 2×2 windows that leaves no row or column over."""
    is_of_two = isinstance(module, nn.MaxPool2d | nn.AvgPool2d) and (module.kernel_size, module.stride) == (2, 2)
    return is_of_two and all(side % 2 == 0 for side in traced.input_shape[1:])


def _alone(module: nn.Module, traced: TracedLayer) -> Part:
    """The module, or what gives the same at less cost."""
    if isinstance(module, nn.Conv2d) and gains(module):
        return partial(convolved, module)
    if not _halves(module, traced):
        return module
    of_four = _MaxOfFour if isinstance(module, nn.MaxPool2d) else _MeanOfFour
    return lambda x: of_four.apply(_Corners.apply(x))


class _Corners(torch.autograd.Function):
    """(B, C, 2 h, 2 w) -> (B, 4 C, h, w): all upper left values, all upper right, all lower left, all lower right."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.shape = x.shape
        return torch.cat(_views(x), dim=1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        of_x = grad.new_empty(ctx.shape)
        for view, corner in zip(_views(of_x), grad.chunk(4, dim=1), strict=True):
            view.copy_(corner)
        return of_x


def _views(x: Tensor) -> list[Tensor]:
    return [x[..., row::2, column::2] for row in (0, 1) for column in (0, 1)]


class _ConvolvedPool:
    """Convolution of one channel, what follows it value by value or channel by channel, and the 2×2 pooling."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        convolution, *between, pool = modules
        assert isinstance(convolution, nn.Conv2d)
        self.convolution, self.between, self.after = convolution, between, list[nn.Module]()
        self.of_four = _MaxOfFour if isinstance(pool, nn.MaxPool2d) else _MeanOfFour
        if self.of_four is _MaxOfFour and between and isinstance(between[-1], nn.ReLU):
            self.after = [self.between.pop()]

    def __call__(self, x: Tensor) -> Tensor:
        weight, bias = self.convolution.weight, self.convolution.bias
        filters = _FiltersOfCorners.apply(weight)
        biases = None if bias is None else bias.repeat(4)
        x = functional.conv2d(x, filters, biases, stride=2, padding=self.convolution.padding)  # (B, 4 C, h, w)
        size = x.shape
        x = x.view(-1, len(weight), *size[2:])  # (4 B, C, h, w): batch norm counts every corner
        for module in self.between:
            x = module(x)
        x = self.of_four.apply(x.view(size))
        for module in self.after:
            x = module(x)
        return x


class _FiltersOfCorners(torch.autograd.Function):
    """(C, 1, k, k) -> (4 C, 1, k + 1, k + 1): the filters at each corner of a window, zero where they do not reach."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        count, channels, height, width = ctx.shape = weight.shape
        filters = weight.new_zeros(4 * count, channels, height + 1, width + 1)
        _corners_of_filters(filters, ctx.shape).copy_(weight)
        return filters

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return _corners_of_filters(grad.contiguous(), ctx.shape).sum((0, 1))


def _corners_of_filters(filters: Tensor, shape: torch.Size) -> Tensor:
    """A view (2, 2, *shape) of the filters, moved down by the first number and right by the second."""
    one = filters.stride()
    corner = shape[0] * one[0]
    return filters.as_strided((2, 2, *shape), (2 * corner + one[2], corner + one[3], *one))


class _MaxOfFour(torch.autograd.Function):
    """(B, 4 C, h, w) -> (B, C, h, w). Of equal values the first takes the gradient, as in torch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        a, b, c, d = x.chunk(4, dim=1)
        top, bottom = torch.maximum(a, b), torch.maximum(c, d)
        ctx.save_for_backward(x, top, bottom)
        return torch.maximum(top, bottom)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        x, top, bottom = ctx.saved_tensors
        of_x = torch.empty_like(x)
        (a, b, c, d), (of_a, of_b, of_c, of_d) = x.chunk(4, dim=1), of_x.chunk(4, dim=1)
        of_bottom = _where_positive(grad, bottom - top, torch.empty_like(grad))
        of_top = grad - of_bottom
        torch.sub(of_top, _where_positive(of_top, b - a, of_b), out=of_a)
        torch.sub(of_bottom, _where_positive(of_bottom, d - c, of_d), out=of_c)
        return of_x


def _where_positive(grad: Tensor, difference: Tensor, out: Tensor) -> Tensor:
    """`grad` where the difference is above 0, else 0: as for ReLU, and ten times as fast as torch.where."""
    torch.ops.aten.threshold_backward.grad_input(grad, difference, 0, grad_input=out)
    return out


class _MeanOfFour(torch.autograd.Function):
    """(B, 4 C, h, w) -> (B, C, h, w)"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        a, b, c, d = x.chunk(4, dim=1)
        return (a + b).add_(c).add_(d).mul_(0.25)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return (grad * 0.25).repeat(1, 4, 1, 1)
