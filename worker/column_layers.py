"""The layers of a network with its images as columns: each gives its outputs, and the way back for their gradients."""

from collections.abc import Callable, Mapping, Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

# The gradient of what a part put out, which it may overwrite -> that of what it took in, None where nobody asks for it,
# and those of its parameters, in their order.
Back = Callable[[Tensor], tuple[Tensor | None, Sequence[Tensor]]]
Part = Callable[[Tensor], tuple[Tensor, Back]]

aten = torch.ops.aten


def layer(module: nn.Module) -> Part:
    """Any module, by way of autograd and of images as rows."""

    def forward(x: Tensor) -> tuple[Tensor, Back]:
        images = x.movedim(-1, 0).contiguous()
        if torch.is_inference_mode_enabled():
            return module(images).movedim(0, -1).contiguous(), _no_way_back
        with torch.enable_grad():
            outputs = module(images.requires_grad_())

        def back(grad: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
            of_images, *of_parameters = torch.autograd.grad(
                outputs, [images, *module.parameters()], grad.movedim(-1, 0).contiguous()
            )
            return of_images.movedim(0, -1).contiguous(), of_parameters

        return outputs.detach().movedim(0, -1).contiguous(), back

    return forward


def _no_way_back(grad: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
    raise AssertionError("nothing is remembered in an evaluation")


def flatten(x: Tensor) -> tuple[Tensor, Back]:
    return x.view(-1, x.shape[-1]), lambda grad: (grad.view(x.shape), ())


_ACTIVATIONS: Mapping[type[nn.Module], tuple[str, Callable[[Tensor, Tensor], Tensor]]] = {
    nn.ReLU: ("relu", lambda grad, y: aten.threshold_backward.grad_input(grad, y, 0, grad_input=grad)),
    nn.Tanh: ("tanh", lambda grad, y: aten.tanh_backward.grad_input(grad, y, grad_input=grad)),
    nn.Sigmoid: ("sigmoid", lambda grad, y: aten.sigmoid_backward.grad_input(grad, y, grad_input=grad)),
}


def activation(module: nn.Module, *, in_place: bool) -> Part:
    """ReLU, tanh or sigmoid; their gradients need but their outputs."""
    name, backward = _ACTIVATIONS[type(module)]
    function = getattr(torch, f"{name}_" if in_place else name)

    def forward(x: Tensor) -> tuple[Tensor, Back]:
        y = function(x)
        return y, lambda grad: (backward(grad, y), ())

    return forward


def gelu(x: Tensor) -> tuple[Tensor, Back]:
    return functional.gelu(x), lambda grad: (aten.gelu_backward(grad, x), ())


def softmax(x: Tensor) -> tuple[Tensor, Back]:
    y = x.softmax(0)
    return y, lambda grad: (aten._softmax_backward_data(grad, y, 0, y.dtype), ())


def dropout(module: nn.Dropout) -> Part:
    """Draws what torch draws, image after image."""

    def forward(x: Tensor) -> tuple[Tensor, Back]:
        if not module.training or not module.p:
            return x, lambda grad: (grad, ())
        noise = x.new_empty(x.shape[-1], *x.shape[:-1]).bernoulli_(1 - module.p).div_(1 - module.p).movedim(0, -1)
        return x * noise, lambda grad: (grad.mul_(noise), ())

    return forward


def batch_norm(module: nn.BatchNorm2d) -> Part:
    """Of (C, H, W, B), or of corners (4, C, h, w, B), which all count. Three times as fast as torch's forward."""
    weight, bias, momentum = module.weight, module.bias, module.momentum or 0.0

    def forward(x: Tensor) -> tuple[Tensor, Back]:
        mean_seen, variance_seen, num_batches = module.running_mean, module.running_var, module.num_batches_tracked
        assert mean_seen is not None
        assert variance_seen is not None
        assert num_batches is not None
        blocks = x.view(-1, module.num_features, prod(x.shape[-3:]))
        if not module.training:
            y, _, _ = torch.native_batch_norm(blocks, weight, bias, mean_seen, variance_seen, False, 0.0, module.eps)
            return y.view(x.shape), _no_way_back
        count = blocks.numel() // module.num_features
        mean = blocks.sum((0, 2)).div_(count)
        centred = blocks - mean[:, None]
        variance = centred.square().sum((0, 2)).div_(count)
        scale = (variance + module.eps).rsqrt_()  # of (C,), one divided by the standard deviation
        num_batches.add_(1)
        mean_seen.lerp_(mean, momentum)
        variance_seen.lerp_(variance * (count / max(count - 1, 1)), momentum)

        def back(grad: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
            of_x, *of_parameters = aten.native_batch_norm_backward(
                grad.view_as(blocks), blocks, weight, None, None, mean, scale, True, module.eps, [True, True, True]
            )
            return of_x.view(x.shape), of_parameters

        return centred.mul_((scale * weight)[:, None]).add_(bias[:, None]).view(x.shape), back

    return forward


def corners(x: Tensor) -> Sequence[Tensor]:
    """The four values of each 2×2 window, from the upper left row by row: (C, 2 h, 2 w, B), or (4, C, h, w, B)."""
    return x.unbind(0) if x.dim() == 5 else [x[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]


def mean_of_four(x: Tensor) -> tuple[Tensor, Back]:
    a, b, c, d = corners(x)

    def back(grad: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
        quarter = grad.mul_(0.25)
        if x.dim() == 5:
            return quarter.repeat(4, 1, 1, 1, 1), ()
        of_x = torch.empty_like(x)
        for corner in corners(of_x):
            corner.copy_(quarter)
        return of_x, ()

    return (a + b).add_(c).add_(d).mul_(0.25), back


def max_of_four(x: Tensor) -> tuple[Tensor, Back]:
    """Of equal values the first takes the gradient, as in torch."""
    a, b, c, d = corners(x)
    top, bottom = torch.maximum(a, b), torch.maximum(c, d)

    def back(grad: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
        of_x = torch.empty_like(x)
        of_a, of_b, of_c, of_d = corners(of_x)
        of_bottom = _where_positive(grad, bottom - top, torch.empty_like(grad))
        of_top = grad.sub_(of_bottom)
        torch.sub(of_top, _where_positive(of_top, b - a, of_b), out=of_a)
        torch.sub(of_bottom, _where_positive(of_bottom, d - c, of_d), out=of_c)
        return of_x, ()

    return torch.maximum(top, bottom), back


def _where_positive(grad: Tensor, difference: Tensor, out: Tensor) -> Tensor:
    """`grad` where the difference is above 0, else 0: as for ReLU, and ten times as fast as torch.where."""
    aten.threshold_backward.grad_input(grad, difference, 0, grad_input=out)
    return out
