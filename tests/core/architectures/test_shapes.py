"""What a list of layers costs, and how a list that cannot work is refused: the layer, and why."""

from collections.abc import Callable

import pytest

from core.architectures.facts import layer_facts
from core.architectures.labels import layer_label
from core.architectures.layers import (
    LAYERS,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layers,
    LayerSpec,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Softmax,
)
from core.architectures.shapes import (
    MAX_ACTIVATIONS,
    MAX_LAYERS,
    MAX_MULTIPLY_ADDS,
    MAX_PARAMETERS,
    ArchitectureError,
    count_multiply_adds,
    count_parameters,
    parse_layers,
    trace,
    trace_classifier,
)

IMAGE = (1, 28, 28)
BLOCK = Residual(layers=(Conv2d(out_channels=4, kernel_size=3, padding=1), BatchNorm2d(), ReLU()))


def refusal_of(act: Callable[[], object]) -> tuple[str, str]:
    """The layer blamed and the whole sentence."""
    with pytest.raises(ArchitectureError) as refusal:
        act()
    assert refusal.value.reason in str(refusal.value)
    return refusal.value.layer, str(refusal.value)


@pytest.mark.parametrize(
    ("layers", "layer", "sentence"),
    [
        ((), "", "The network has no layers."),
        ((Linear(out_features=10),), "1", "Layer 1 (Linear) needs flat values, but gets a 1×28×28 map"),
        ((Flatten(), Conv2d(out_channels=6, kernel_size=5)), "2", "Layer 2 (Conv2d) needs a map of channels"),
        ((Flatten(), MaxPool2d(kernel_size=2)), "2", "but gets 784 flat values."),
        ((Flatten(), BatchNorm2d()), "2", "Layer 2 (BatchNorm2d) needs a map"),
        ((MaxPool2d(kernel_size=8), AvgPool2d(kernel_size=4)), "2", "4×4 window, larger than the map"),
        ((Conv2d(out_channels=1, kernel_size=31, padding=1),), "1", "28 on a side (padding included: 30)."),
        ((MaxPool2d(kernel_size=28), BatchNorm2d()), "2", "Layer 2 (BatchNorm2d) gets a 1×1 map"),
        ((Softmax(),), "1", "Layer 1 (Softmax) needs flat values"),
        ((Flatten(), Softmax(), Linear(out_features=10)), "2", "it can only be the last layer."),
        ((BLOCK,), "1", "layers inside turn 1×28×28 into 4×28×28."),
        ((Residual(layers=(Flatten(),)),), "1", "layers inside turn 1×28×28 into 784."),
        ((Residual(layers=(ReLU(), Linear(out_features=3))),), "1.2", "Layer 1.2 (Linear) needs flat values"),
        ((Flatten(), Residual(layers=(Softmax(),))), "2.1", "Layer 2.1 (Softmax) turns scores"),
    ],
)
def test_a_list_that_does_not_fit_is_refused_with_the_layer_and_the_reason(
    layers: Layers, layer: str, sentence: str
) -> None:
    blamed, said = refusal_of(lambda: trace(layers, IMAGE))
    assert (blamed, sentence in said) == (layer, True), said


@pytest.mark.parametrize(
    ("layers", "layer", "limit"),
    [
        ((ReLU(),) * (MAX_LAYERS + 1), "", MAX_LAYERS),
        ((Residual(layers=(ReLU(),) * MAX_LAYERS),), "", MAX_LAYERS),
        ((Flatten(), Linear(out_features=65_536)), "2", MAX_PARAMETERS),
        ((Conv2d(out_channels=200, kernel_size=5, padding=2),) * 3, "2", MAX_MULTIPLY_ADDS),
        ((Conv2d(out_channels=1300, kernel_size=1),), "1", MAX_ACTIVATIONS),
        ((Conv2d(out_channels=4096, kernel_size=64, padding=32),) * 50, "1", MAX_PARAMETERS),
    ],
)
def test_a_network_too_large_is_refused_where_it_passes_the_limit(layers: Layers, layer: str, limit: int) -> None:
    blamed, said = refusal_of(lambda: trace(layers, IMAGE))
    assert (blamed, f"at most {limit:,} are allowed" in said) == (layer, True), said


def test_a_network_at_the_layer_limit_is_allowed() -> None:
    assert len(trace((ReLU(),) * MAX_LAYERS, IMAGE)) == MAX_LAYERS


def test_a_network_must_end_in_one_value_per_class() -> None:
    layers: Layers = (Flatten(), Linear(out_features=84))
    assert trace_classifier(layers, IMAGE, 84)[-1].output_shape == (84,)
    blamed, said = refusal_of(lambda: trace_classifier(layers, IMAGE, 10))
    assert blamed == "2"
    assert said == ("Layer 2 (Linear) is the last and puts out 84 values, but there are 10 classes to tell apart.")
    blamed, said = refusal_of(lambda: trace_classifier((ReLU(),), (10, 1, 1), 10))
    assert (blamed, "puts out 10×1×1 values" in said) == ("1", True)


def test_strides_paddings_and_missing_biases_are_counted() -> None:
    layers: Layers = (
        Conv2d(out_channels=3, kernel_size=4, stride=3, padding=1, bias=False),  # (28 + 2 - 4) // 3 + 1 = 9
        MaxPool2d(kernel_size=3, stride=2),  # (9 - 3) // 2 + 1 = 4
        Flatten(),
        Linear(out_features=10, bias=False),
    )
    assert [layer.output_shape for layer in trace(layers, IMAGE)] == [(3, 9, 9), (3, 4, 4), (48,), (10,)]
    assert count_parameters(layers, IMAGE) == 3 * 16 + 480
    assert count_multiply_adds(layers, IMAGE) == 9 * 9 * 3 * 16 + 480


def test_a_residual_keeps_its_shape_and_counts_what_is_inside() -> None:
    first, second = trace((Conv2d(out_channels=4, kernel_size=5), BLOCK), IMAGE)
    assert second.output_shape == first.output_shape == (4, 24, 24)
    assert second.num_parameters == 4 * 4 * 9 + 4 + 2 * 4
    assert second.num_multiply_adds == 24 * 24 * 4 * 4 * 9
    assert [layer.number for layer in second.inner] == ["2.1", "2.2", "2.3"]
    assert second.num_activations == 4 * 4 * 24 * 24
    (row,) = layer_facts((BLOCK,), (4, 24, 24))
    assert (row.label, row.inner[0].label) == (
        "Residual around 3 layers",
        "Conv2d 4 filters 3×3, padding 1",
    )


def test_a_pool_without_a_stride_moves_by_its_window() -> None:
    assert MaxPool2d(kernel_size=3) == MaxPool2d(kernel_size=3, stride=3)
    assert LAYERS.validate_python([{"type": "MaxPool2d", "kernel_size": 3, "stride": None}]) == (
        MaxPool2d(kernel_size=3),
    )


@pytest.mark.parametrize(
    ("raw", "layer", "sentence"),
    [
        ("relu", "", "The network is refused"),
        ([{}], "1", "Layer 1 (of unknown type) is refused"),
        ([{"type": "ReLU"}, {"type": "LSTM"}], "2", "'LSTM'"),
        ([{"type": "Conv2d", "out_channels": 0, "kernel_size": 5}], "1", "Layer 1 (Conv2d) is refused: out_ch"),
        ([{"type": "Conv2d", "out_channels": "6", "kernel_size": 5}], "1", "should be a valid integer"),
        ([{"type": "Linear", "out_features": 10**9}], "1", "out_features: input should be less than"),
        ([{"type": "Linear", "out_features": 10, "in_features": 5}], "1", "in_features: extra inputs are not"),
        ([{"type": "Dropout", "p": 1}], "1", "p: input should be less than 1"),
        ([{"type": "MaxPool2d", "kernel_size": "2"}], "1", "kernel_size: input should be a valid integer"),
        ([{"type": "Residual", "layers": []}], "1", "Layer 1 (Residual) is refused: layers"),
        ([{"type": "Residual", "layers": [{"type": "Dropout"}]}], "1.1", "Layer 1.1 (Dropout) is refused: p"),
        ([{"type": "Residual", "layers": [BLOCK.model_dump()]}], "1.1", "'Residual'"),
    ],
)
def test_json_that_is_no_list_of_layers_is_refused_with_the_layer_and_the_field(
    raw: object, layer: str, sentence: str
) -> None:
    blamed, said = refusal_of(lambda: parse_layers(raw))
    assert (blamed, sentence in said) == (layer, True), said


def test_json_that_is_a_list_of_layers_is_read() -> None:
    assert parse_layers([BLOCK.model_dump(), {"type": "Flatten"}]) == (BLOCK, Flatten())


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        (Conv2d(out_channels=1, kernel_size=3, stride=2, bias=False), "Conv2d 1 filter 3×3, stride 2, no bias"),
        (AvgPool2d(kernel_size=2), "AvgPool2d 2×2"),
        (MaxPool2d(kernel_size=3, stride=2), "MaxPool2d 3×3, stride 2"),
        (Linear(out_features=84), "Linear 84 units"),
        (Dropout(p=0.5), "Dropout p = 0.5"),
        (Flatten(), "Flatten"),
    ],
)
def test_a_layer_has_a_label_that_a_person_reads(spec: LayerSpec, label: str) -> None:
    assert layer_label(spec) == label
