"""Convolutions and fully connected layers as matrix products, of images as columns.

A bias is the weight of a row of ones: so the product adds it, and the product of its gradient sums that.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from worker.column_layers import Back, Part

# A fully connected layer of 120 to 84 is faster by torch's own product, one of 256 to 120 by oneDNN's.
MIN_MULTIPLY_ADDS = 1_000_000
_HAS_ONEDNN = hasattr(torch.ops.mkldnn, "_linear_pointwise")  # torch._C.has_mkldnn


def product(a: Tensor, b: Tensor) -> Tensor:
    """(M, K) @ (K, N). By oneDNN where it is large, which on AMD is twice as fast as MKL, and no slower elsewhere."""
    if _HAS_ONEDNN and a.dtype is torch.float32 and a.numel() * b.shape[1] >= MIN_MULTIPLY_ADDS:
        found: Tensor = torch.ops.mkldnn._linear_pointwise(_dense(a), _dense(b.t()), None, "none", [], "")
        return found
    return a @ b


def _dense(matrix: Tensor) -> Tensor:
    """For parts of a larger matrix oneDNN has but a plain loop: a thousand times as slow."""
    return matrix if matrix.is_contiguous() or matrix.t().is_contiguous() else matrix.contiguous()


def linear(module: nn.Linear, *, is_first: bool) -> Part:
    """(features, B) -> (out_features, B)"""

    def forward(x: Tensor) -> tuple[Tensor, Back]:
        y = product(module.weight, x)
        if module.bias is not None:
            y += module.bias[:, None]

        def back(grad: Tensor) -> tuple[Tensor | None, Sequence[Tensor]]:
            of_weight = product(grad, x.t())
            of_parameters = [of_weight] if module.bias is None else [of_weight, grad.sum(1)]
            return None if is_first else product(module.weight.t(), grad), of_parameters

        return y, back

    return forward


def convolution(module: nn.Conv2d, *, is_first: bool) -> Part:
    """(C, H, W, B) -> (O, h, w, B), with a stride of 1."""
    weight, bias, padding = module.weight, module.bias, int(module.padding[0])

    def forward(x: Tensor) -> tuple[Tensor, Back]:
        columns, places = windows(x, module.kernel_size[0], 1, padding, with_ones=bias is not None)
        filters = weight.flatten(1)
        y = product(filters if bias is None else torch.cat([filters, bias[:, None]], dim=1), columns)

        def back(grad: Tensor) -> tuple[Tensor | None, Sequence[Tensor]]:
            of_filters = product(columns, grad.view(len(weight), -1).t()).t().contiguous()
            of_parameters = [of_filters[:, : weight[0].numel()].reshape(weight.shape)]
            of_parameters += [] if bias is None else [of_filters[:, -1].clone()]
            return None if is_first else _gradient_of_inputs(weight, grad, padding), of_parameters

        return y.view(-1, *places), back

    return forward


def _gradient_of_inputs(weight: Tensor, grad: Tensor, padding: int) -> Tensor:
    """(O, C, k, k), (O, h, w, B) -> (C, H, W, B).

    It is a convolution of the weights with the gradients as well as the other way round, and oneDNN computes many
    images in a vector, while 6 channels leave half of one empty.
    """
    images = weight.transpose(0, 1).contiguous(memory_format=torch.channels_last)
    found = functional.conv_transpose2d(images, grad.permute(0, 3, 1, 2), padding=padding)  # (C, B, H, W)
    return found.permute(0, 2, 3, 1).contiguous()


def convolution_to_corners(module: nn.Conv2d) -> Part:
    """(1, H, W, B) -> (4, O, h, w, B): what the module puts out, as `corners` of the 2×2 windows to pool.

    Four times as many filters, each at its corner of a window and zero where it does not reach, with a stride of 2.
    """
    weight, bias, side, count = module.weight, module.bias, module.kernel_size[0], module.out_channels
    wide = (side + 1) ** 2 + (bias is not None)

    def at_corners(filters: Tensor) -> Tensor:
        """A view (2, 2, O, k, k) of the filters (4 O, wide), moved down by the first number, right by the second."""
        down, block = side + 1, count * wide
        return filters.as_strided((2, 2, count, side, side), (2 * block + down, block + 1, wide, down, 1))

    def forward(x: Tensor) -> tuple[Tensor, Back]:
        columns, places = windows(x, side + 1, 2, int(module.padding[0]), with_ones=bias is not None)
        filters = x.new_zeros(4 * count, wide)
        at_corners(filters).copy_(weight.squeeze(1))
        if bias is not None:
            filters[:, -1] = bias.repeat(4)

        def back(grad: Tensor) -> tuple[None, Sequence[Tensor]]:
            of_filters = product(grad.view(4 * count, -1), columns.t())
            of_parameters = [at_corners(of_filters).sum((0, 1)).view_as(weight)]
            return None, of_parameters + ([] if bias is None else [of_filters[:, -1].view(4, -1).sum(0)])

        return product(filters, columns).view(4, count, *places), back

    return forward


def windows(x: Tensor, side: int, stride: int, padding: int, *, with_ones: bool) -> tuple[Tensor, tuple[int, int, int]]:
    """(C, H, W, B) -> (C · side · side, h · w · B), what a filter sees at each place, and (h, w, B). Below it: ones."""
    if padding:
        x = functional.pad(x, (0, 0, padding, padding, padding, padding))
    channels, height, width, count = x.shape
    high, wide = (height - side) // stride + 1, (width - side) // stride + 1
    down, across = width * count, count
    seen = x.as_strided(
        (channels, side, side, high, wide, count), (height * down, down, across, stride * down, stride * across, 1)
    )
    num_rows = channels * side * side
    found = x.new_empty(num_rows + with_ones, high * wide * count)
    found[:num_rows].view(seen.shape).copy_(seen)
    found[num_rows:] = 1
    return found, (high, wide, count)
