"""A convolution whose weights get their gradient by another convolution, which costs oneDNN about half."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# Measured on a CPU: 16 or 32 filters without padding gain, 6 filters lose, and so do 32 with padding.
MIN_FILTERS = 16


def gains(convolution: nn.Conv2d) -> bool:
    """Whether `convolved` is the faster way."""
    is_plain = convolution.stride == (1, 1) and convolution.padding == (0, 0)
    return is_plain and convolution.out_channels >= MIN_FILTERS


def convolved(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """What the module gives."""
    if torch.is_autocast_enabled("cpu"):  # gradients in two precisions would meet
        return functional.conv2d(x, convolution.weight, convolution.bias)
    outputs: Tensor = _Convolution.apply(x, convolution.weight, convolution.bias)
    return outputs


class _Convolution(torch.autograd.Function):
    """(B, C, H, W), (O, C, k, k), (O,) -> (B, O, h, w), without padding and with a stride of 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return functional.conv2d(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x = functional.conv_transpose2d(grad, weight) if ctx.needs_input_grad[0] else None
        # Images take the place of channels: (C, B, H, W) with B-channel filters (O, B, h, w) -> (C, O, k, k)
        of_weight = functional.conv2d(x.transpose(0, 1), grad.transpose(0, 1)).transpose(0, 1)
        return of_x, of_weight, grad.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
