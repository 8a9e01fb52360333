"""With its images as columns a network is the same: outputs, gradients, and what batch norm remembers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from core.architectures.catalogue import resolve
from core.architectures.layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
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
from core.architectures.shapes import trace
from worker.column_products import product
from worker.columns import Columns
from worker.models import build

torch.set_num_threads(1)

MNIST = (1, 28, 28)


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Names of all that torch computes meanwhile."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names = list[str]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **kwargs or {})


def computed(forward: Callable[[Tensor], Tensor], model: nn.Sequential, images: Tensor) -> list[Tensor]:
    """Outputs, the gradients of weights, what the model remembers, then outputs without gradients."""
    model.zero_grad()
    torch.manual_seed(1)  # of dropout
    outputs = forward(images)
    torch.autograd.backward((outputs.sin() * torch.arange(outputs.numel()).view_as(outputs)).sum())
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(gradient is not None for gradient in gradients)
    kept = [outputs, *[gradient for gradient in gradients if gradient is not None], *model.buffers()]
    with torch.inference_mode():
        model.eval()
        kept.append(forward(images))
    return [tensor.detach().clone() for tensor in kept]


def layer_by_layer(model: nn.Sequential, images: Tensor) -> Tensor:
    for layer in model:
        images = layer(images)
    return images


def both_ways(layers: Layers, shape: tuple[int, ...], images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    torch.manual_seed(0)
    ours = build(layers, shape).to(images.dtype)
    plain = build(layers, shape).to(images.dtype)
    plain.load_state_dict(ours.state_dict())
    columns = Columns(list(ours), trace(layers, shape))  # also where they are not faster
    return computed(columns, ours, images), computed(partial(layer_by_layer, plain), plain, images)


@given(
    filters=st.lists(st.integers(1, 6), min_size=2, max_size=3),
    pool=st.sampled_from(["max", "avg"]),
    activation=st.sampled_from(["relu", "tanh", "sigmoid", "gelu"]),
    padding=st.integers(0, 3),
    batch_norm=st.booleans(),
    dropout=st.sampled_from([0.0, 0.5]),
    side=st.integers(24, 33),
    channels=st.sampled_from([1, 3]),
)
@settings(derandomize=True, deadline=None, max_examples=80)
def test_a_network_gives_what_its_layers_give_one_after_another(side: int, channels: int, **parameters: object) -> None:
    shape = (channels, side, side)
    images = torch.rand(3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    ours, plain = both_ways(resolve("lenet5", {**parameters, "hidden": [8]}, shape, 10), shape, images)
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pool", ["max", "avg"])
@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998"])
def test_in_single_precision_only_rounding_differs(name: str, pool: str) -> None:
    images = torch.rand(64, *MNIST, generator=torch.Generator().manual_seed(2))
    ours, plain = both_ways(resolve(name, {"pool": pool}, MNIST, 10), MNIST, images)
    for one, other in zip(ours, plain, strict=True):
        scale = float(other.abs().max()) or 1.0
        torch.testing.assert_close(one / scale, other / scale, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("layers", "side"),
    [
        ((MaxPool2d(kernel_size=2),), 12),
        ((ReLU(), MaxPool2d(kernel_size=2)), 12),
        ((ReLU(), MaxPool2d(kernel_size=3, stride=2)), 11),
    ],
    ids=["of two", "after ReLU", "of three after ReLU"],
)
def test_the_largest_is_bit_equal_also_where_values_are_equal(layers: Layers, side: int) -> None:
    greys = torch.randint(-2, 3, (16, 5, side, side), generator=torch.Generator().manual_seed(3)).float()  # many equal
    model = build(layers, (5, side, side))
    x, backs = greys.movedim(0, -1).contiguous(), []
    for part in Columns(list(model), trace(layers, (5, side, side))).parts:
        x, back = part(x)
        backs.append(back)
    upstream = torch.arange(x.numel()).view_as(x).float()
    found: Tensor | None = upstream.clone()
    for back in reversed(backs):
        assert found is not None
        found, _ = back(found)
    images = greys.clone().requires_grad_()
    outputs = layer_by_layer(model, images)
    torch.autograd.backward(outputs, upstream.movedim(-1, 0))
    assert torch.equal(x.movedim(-1, 0), outputs)
    assert found is not None
    assert images.grad is not None
    assert torch.equal(found.movedim(-1, 0), images.grad)


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998", "lenet5-moon", "lenet5-moon2", "report-mlp"])
def test_every_layer_of_a_preset_has_a_way_of_its_own(name: str) -> None:
    model, images = build(resolve(name, {}, MNIST, 10), MNIST), torch.rand(32, *MNIST)
    with Operations() as operations:
        torch.autograd.backward(functional.cross_entropy(model(images), torch.zeros(32, dtype=torch.int64)))
    ways_of_torch = {"max_pool2d_with_indices", "avg_pool2d", "convolution_backward"}
    assert not ways_of_torch.intersection(operations.names)


@pytest.mark.parametrize(
    "layers",
    [
        (Conv2d(out_channels=2, kernel_size=4), AvgPool2d(kernel_size=2)),  # 25×25: a row is left over
        (Conv2d(out_channels=2, kernel_size=5), AvgPool2d(kernel_size=2, stride=1)),
        (Conv2d(out_channels=2, kernel_size=5), Sigmoid(), AvgPool2d(kernel_size=3), Tanh()),
        (Conv2d(out_channels=3, kernel_size=5, stride=2), ReLU(), Conv2d(out_channels=2, kernel_size=3, stride=2)),
        (
            Conv2d(out_channels=3, kernel_size=3, padding=1, bias=False),
            Residual(layers=(Conv2d(out_channels=3, kernel_size=3, padding=1), BatchNorm2d(), ReLU())),
            ReLU(),
            MaxPool2d(kernel_size=2),
        ),
        (Residual(layers=(Conv2d(out_channels=1, kernel_size=3, padding=1), ReLU())), MaxPool2d(kernel_size=2)),
        (MaxPool2d(kernel_size=2), Flatten(), Tanh(), ReLU(), Linear(out_features=4, bias=False), Softmax()),
    ],
    ids=["odd", "overlapping", "of three", "strides", "residual", "residual first", "flat"],
)
@pytest.mark.parametrize("count", [1, 5])
def test_what_has_no_way_of_its_own_goes_torchs(layers: Layers, count: int) -> None:
    images = torch.rand(count, *MNIST, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    ours, plain = both_ways(layers, MNIST, images)
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 7, 64])
@pytest.mark.parametrize(("rows", "inner"), [(1, 4_000), (6, 25), (16, 151), (84, 120), (120, 256), (500, 2_000)])
def test_a_product_is_torchs_whatever_way_its_matrices_lie(rows: int, inner: int, count: int) -> None:
    generator = torch.Generator().manual_seed(6)
    a, b = torch.rand(rows, inner, generator=generator), torch.rand(inner, count * 64, generator=generator)
    parts = torch.rand(rows * 2, inner + 3, generator=generator)[::2, 1 : inner + 1]
    for left in (a, a.t().contiguous().t(), parts):
        for right in (b, b.t().contiguous().t()):
            torch.testing.assert_close(product(left, right), left @ right, rtol=1e-5, atol=1e-5)


def test_a_few_images_and_those_that_need_a_gradient_go_through_the_modules() -> None:
    model = build(resolve("lenet5", {}, MNIST, 10), MNIST)
    for images in (torch.rand(2, *MNIST), torch.rand(32, *MNIST, requires_grad=True)):
        assert torch.equal(model(images), layer_by_layer(model, images))


def test_half_precision_passes_through() -> None:
    model = build(resolve("lenet5-moon", {"dropout": 0.0}, MNIST, 10), MNIST)
    images = torch.rand(32, *MNIST, generator=torch.Generator().manual_seed(4))
    with torch.autocast("cpu", torch.bfloat16):
        ours, theirs = model(images), layer_by_layer(model, images)
    torch.testing.assert_close(ours.float(), theirs.float(), rtol=0.05, atol=0.05)
