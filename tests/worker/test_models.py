"""The torch model is the network that core counted: same parameters, same shape at every layer."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.architectures.catalogue import FAMILIES, resolve
from core.architectures.layers import (
    GELU,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layers,
    LayerSpec,
    Linear,
    MaxPool2d,
    PlainLayer,
    ReLU,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from core.architectures.outcomes import Shape
from core.architectures.shapes import ArchitectureError, TracedLayer, trace
from core.architectures.tensors import tensors_of
from worker.models import ResidualBlock, build

torch.set_num_threads(1)

small = st.integers(1, 6)
activations: st.SearchStrategy[PlainLayer] = st.sampled_from([ReLU(), Tanh(), Sigmoid(), GELU()])
on_maps: st.SearchStrategy[PlainLayer] = st.one_of(
    st.builds(
        Conv2d,
        out_channels=small,
        kernel_size=small,
        stride=st.integers(1, 3),
        padding=st.integers(0, 3),
        bias=st.booleans(),
    ),
    st.builds(MaxPool2d, kernel_size=st.integers(1, 4), stride=st.none() | st.integers(1, 3)),
    st.builds(AvgPool2d, kernel_size=st.integers(1, 4), stride=st.none() | st.integers(1, 3)),
    st.just(BatchNorm2d()),
    activations,
    st.builds(Dropout, p=st.floats(0, 0.9)),
)
when_flat: st.SearchStrategy[PlainLayer] = st.one_of(
    st.builds(Linear, out_features=small, bias=st.booleans()),
    activations,
    st.builds(Dropout, p=st.floats(0, 0.9)),
)
same_padding: st.SearchStrategy[PlainLayer] = st.sampled_from([1, 3, 5]).flatmap(
    lambda side: st.builds(
        Conv2d,
        out_channels=st.integers(1, 3),
        kernel_size=st.just(side),
        padding=st.just(side // 2),
        bias=st.booleans(),
    )
)
residuals = st.lists(st.one_of(same_padding, activations, st.just(BatchNorm2d())), min_size=1, max_size=3).map(
    lambda inner: Residual(layers=tuple(inner))
)
image_shapes = st.tuples(st.integers(1, 3), st.integers(8, 20), st.integers(8, 20))


@st.composite
def networks(draw: st.DrawFn) -> tuple[Layers, Shape]:
    """Maps, Flatten, flat layers, perhaps a Softmax; a layer that does not fit where it was drawn is left out."""
    shape = draw(image_shapes)
    drawn: list[LayerSpec] = [
        *draw(st.lists(st.one_of(same_padding, on_maps, residuals), min_size=2, max_size=8)),
        Flatten(),
        *draw(st.lists(when_flat, max_size=4)),
        *draw(st.sampled_from([(), (Softmax(),)])),
    ]
    layers: tuple[LayerSpec, ...] = ()
    for spec in drawn:
        try:
            trace((*layers, spec), shape)
        except ArchitectureError:
            continue
        layers = (*layers, spec)
    return layers, shape


def assert_built_as_traced(model: nn.Sequential, traced: tuple[TracedLayer, ...], batch: torch.Tensor) -> None:
    """Runs the batch through layer by layer, those inside a Residual too."""
    assert len(model) == len(traced)
    for module, layer in zip(model, traced, strict=True):
        assert tuple(batch.shape[1:]) == layer.input_shape
        if layer.inner:
            assert isinstance(module, ResidualBlock)
            assert_built_as_traced(module.inner, layer.inner, batch)
        else:
            assert type(module).__name__ == layer.spec.type
        batch = module(batch)
        assert tuple(batch.shape[1:]) == layer.output_shape
        assert sum(weights.numel() for weights in module.parameters()) == layer.num_parameters


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("num_classes", [10, 3])
def test_the_model_of_every_preset_is_the_network_that_core_counted(name: str, num_classes: int) -> None:
    shape = (1, 28, 28)
    layers = resolve(name, {}, shape, num_classes)
    assert_built_as_traced(build(layers, shape), trace(layers, shape), torch.rand(2, *shape))


@given(
    filters=st.lists(small, min_size=2, max_size=4),
    hidden=st.lists(small, max_size=4),
    pool=st.sampled_from(["max", "avg"]),
    activation=st.sampled_from(["relu", "tanh", "sigmoid", "gelu"]),
    padding=st.integers(0, 8),
    batch_norm=st.booleans(),
    dropout=st.floats(0, 0.9),
)
@settings(derandomize=True, deadline=None, max_examples=50)
def test_whatever_its_parameters_a_family_is_built_as_core_counted(**parameters: object) -> None:
    shape = (1, 28, 28)
    layers = resolve("lenet5", parameters, shape, 10)
    assert_built_as_traced(build(layers, shape), trace(layers, shape), torch.rand(2, *shape))


@given(network=networks())
@settings(derandomize=True, deadline=None, max_examples=150)
def test_any_network_that_core_allows_is_built_as_core_counted(network: tuple[Layers, Shape]) -> None:
    layers, shape = network
    model = build(layers, shape)
    # One image, in training mode: the hardest batch for batch norm, and the last one may well hold a single image.
    assert_built_as_traced(model.train(), trace(layers, shape), torch.rand(1, *shape))


def test_a_residual_adds_its_input() -> None:
    shape = (3, 6, 6)
    model = build((Residual(layers=(Conv2d(out_channels=3, kernel_size=3, padding=1), ReLU())),), shape)
    nn.init.zeros_(model.get_parameter("0.inner.0.weight"))
    nn.init.constant_(model.get_parameter("0.inner.0.bias"), 2.0)
    batch = torch.rand(4, *shape)
    assert torch.equal(model(batch), batch + 2.0)


def test_a_residual_that_begins_with_an_activation_adds_the_input_from_before_it() -> None:
    batch = torch.tensor([[-1.0, 2.0]])
    assert torch.equal(build((Residual(layers=(ReLU(),)),), (2,))(batch), torch.tensor([[-1.0, 4.0]]))


def test_names_in_the_weights_are_positions_of_layers() -> None:
    shape = (1, 28, 28)
    names = set(build(resolve("lenet5", {}, shape, 10), shape).state_dict())
    assert names == {f"{position}.{kind}" for position in (0, 3, 7, 9, 11) for kind in ("weight", "bias")}


def test_the_same_seed_initialises_the_same_weights() -> None:
    shape = (1, 28, 28)
    layers = resolve("lenet5-moon2", {}, shape, 10)
    weights = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        weights.append(nn.utils.parameters_to_vector(build(layers, shape).parameters()))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_dropout_acts_in_training_only() -> None:
    model = build((Dropout(p=0.5),), (1000,))
    batch = torch.ones(1, 1000)
    assert not torch.equal(model.train()(batch), batch)
    assert torch.equal(model.eval()(batch), batch)


def test_a_network_that_does_not_fit_is_refused_before_torch_sees_it() -> None:
    with pytest.raises(ArchitectureError, match="at most 10,000,000 are allowed"):
        build((Flatten(), *(Linear(out_features=65_536),) * 3), (1, 28, 28))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_tensors_that_core_names_are_those_that_torch_has(family: str) -> None:
    shape = (1, 28, 28)
    for parameters in ({}, {"batch_norm": True}):
        if parameters.keys() <= FAMILIES[family].parameters.model_fields.keys():
            layers = resolve(family, parameters, shape, 10)
            built = {name: tuple(tensor.shape) for name, tensor in build(layers, shape).state_dict().items()}
            assert tensors_of(layers, shape) == built


def test_the_tensors_inside_a_residual_are_named_as_torch_does() -> None:
    layers: Layers = (Residual(layers=(Conv2d(out_channels=2, kernel_size=3, padding=1), BatchNorm2d())), Flatten())
    built = {name: tuple(tensor.shape) for name, tensor in build(layers, (2, 8, 8)).state_dict().items()}
    assert tensors_of(layers, (2, 8, 8)) == built
