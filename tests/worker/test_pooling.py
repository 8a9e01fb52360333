"""What is computed in another order is the same network: outputs, gradients, and what batch norm remembers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from core.architectures.catalogue import resolve
from core.architectures.layers import AvgPool2d, Conv2d, Layers, MaxPool2d, ReLU, Residual
from worker.models import build

torch.set_num_threads(1)

MNIST = (1, 28, 28)


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Names of all that torch computes meanwhile, and the strides of its convolutions."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names, self.strides = list[str](), list[list[int]]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.overloadpacket.__name__)
        if self.names[-1] == "convolution":
            self.strides.append(args[3])
        return func(*args, **kwargs or {})


def computed(forward: Callable[[Tensor], Tensor], model: nn.Module, images: Tensor) -> list[Tensor]:
    """Outputs, the gradients of images and weights, then what the model remembers."""
    images = images.clone().requires_grad_()
    model.zero_grad()
    torch.manual_seed(1)  # of dropout
    outputs = forward(images)
    torch.autograd.backward((outputs.sin() * torch.arange(outputs.numel()).view_as(outputs)).sum())
    gradients = [tensor.grad for tensor in (images, *model.parameters())]
    assert all(gradient is not None for gradient in gradients)
    kept = [outputs, *[gradient for gradient in gradients if gradient is not None], *model.buffers()]
    return [tensor.detach().clone() for tensor in kept]


def layer_by_layer(model: nn.Sequential) -> Callable[[Tensor], Tensor]:
    def forward(x: Tensor) -> Tensor:
        for layer in model:
            x = layer(x)
        return x

    return forward


def both_ways(layers: Layers, shape: tuple[int, ...], images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    torch.manual_seed(0)
    ours = build(layers, shape).to(images.dtype)
    plain = build(layers, shape).to(images.dtype)
    plain.load_state_dict(ours.state_dict())
    return computed(ours, ours, images), computed(layer_by_layer(plain), plain, images)


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


@pytest.mark.parametrize("layers", [(MaxPool2d(kernel_size=2),), (ReLU(), MaxPool2d(kernel_size=2))], ids=str)
def test_the_largest_of_a_window_is_bit_equal_also_where_values_are_equal(layers: Layers) -> None:
    shape = (5, 8, 12)
    greys = torch.randint(-2, 3, (16, *shape), generator=torch.Generator().manual_seed(3)).float()  # many equal ones
    ours, plain = both_ways(layers, shape, greys)
    assert all(torch.equal(one, other) for one, other in zip(ours, plain, strict=True))


def test_relu_and_a_pooling_of_any_size_commute_bit_for_bit() -> None:
    shape = (4, 11, 11)
    greys = torch.randint(-2, 3, (16, *shape), generator=torch.Generator().manual_seed(3)).float()
    ours, plain = both_ways((ReLU(), MaxPool2d(kernel_size=3, stride=2)), shape, greys)
    assert all(torch.equal(one, other) for one, other in zip(ours, plain, strict=True))


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998", "lenet5-moon", "lenet5-moon2"])
def test_no_preset_pays_for_torchs_pooling(name: str) -> None:
    model, images = build(resolve(name, {}, MNIST, 10), MNIST), torch.rand(2, *MNIST)
    with Operations() as operations:
        torch.autograd.backward(functional.cross_entropy(model(images), torch.tensor([1, 2])))
    assert not [operation for operation in operations.names if "pool" in operation]
    assert operations.strides[:2] == [[2, 2], [1, 1]]  # the first makes corners, the second has many channels
    assert operations.names.count("convolution_backward") == 1  # and gets its gradients by convolutions


@pytest.mark.parametrize(
    "layers",
    [
        (Conv2d(out_channels=2, kernel_size=4), AvgPool2d(kernel_size=2)),  # 25×25: a row is left over
        (Conv2d(out_channels=2, kernel_size=5), AvgPool2d(kernel_size=2, stride=1)),
        (Conv2d(out_channels=2, kernel_size=5), AvgPool2d(kernel_size=3)),
    ],
    ids=["odd", "overlapping", "of-three"],
)
def test_another_pooling_stays_torchs_own(layers: Layers) -> None:
    with Operations() as operations:
        build(layers, MNIST)(torch.rand(2, *MNIST))
    assert "avg_pool2d" in operations.names
    assert operations.strides == [[1, 1]]


def test_the_order_changes_inside_a_residual_too() -> None:
    inner = (Conv2d(out_channels=3, kernel_size=3, padding=1), ReLU())
    images = torch.rand(2, 3, 6, 6, dtype=torch.float64)
    ours, plain = both_ways((Residual(layers=inner), ReLU(), MaxPool2d(kernel_size=2)), (3, 6, 6), images)
    assert all(torch.equal(one, other) for one, other in zip(ours, plain, strict=True))


def test_half_precision_passes_through() -> None:
    model = build(resolve("lenet5-moon", {"dropout": 0.0}, MNIST, 10), MNIST)
    images = torch.rand(8, *MNIST, generator=torch.Generator().manual_seed(4))
    plain = layer_by_layer(model)
    with torch.autocast("cpu", torch.bfloat16):
        ours, theirs = model(images), plain(images)
    torch.testing.assert_close(ours.float(), theirs.float(), rtol=0.05, atol=0.05)
