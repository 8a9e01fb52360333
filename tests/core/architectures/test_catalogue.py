"""The presets have the sizes that the report and the paper give; parameters change what they say they change."""

import pytest
from pydantic import ValidationError

from core.architectures.catalogue import FAMILIES, UnknownArchitecture, resolve
from core.architectures.facts import describe
from core.architectures.layers import (
    LAYERS,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Linear,
    MaxPool2d,
    Sigmoid,
    Softmax,
)
from core.architectures.shapes import (
    MAX_PARAMETERS,
    ArchitectureError,
    count_multiply_adds,
    count_parameters,
    trace,
)

IMAGE = (1, 28, 28)

PARAMETERS = {
    "lenet5": 44_426,
    "lenet5-1998": 61_706,
    "custom-mlp": 61_637,
    "report-mlp": 61_706,
    "lenet5-moon": 61_750,
    "lenet5-moon2": 115_510,
}


def test_every_preset_has_the_published_number_of_parameters() -> None:
    counted = {name: count_parameters(resolve(name, {}, IMAGE, 10), IMAGE) for name in FAMILIES}
    assert counted == PARAMETERS


def test_multiply_adds_of_the_1998_network_are_those_of_a_count_by_hand() -> None:
    convolutions = 28 * 28 * 6 * 25 + 10 * 10 * 16 * 25 * 6
    fully_connected = 400 * 120 + 120 * 84 + 84 * 10
    by_hand = convolutions + fully_connected
    assert count_multiply_adds(resolve("lenet5-1998", {}, IMAGE, 10), IMAGE) == by_hand == 416_520


def test_the_report_s_shapes_stand_in_its_moon_network() -> None:
    traced = trace(resolve("lenet5-moon", {}, IMAGE, 10), IMAGE)
    types = [layer.spec.type for layer in traced]
    assert types == (
        ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"] * 2
        + ["Flatten"]
        + ["Linear", "ReLU", "Dropout"] * 2
        + ["Linear"]
    )
    assert [layer.output_shape for layer in traced if layer.spec.type in ("Conv2d", "MaxPool2d")] == [
        (6, 28, 28),
        (6, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
    ]


def test_only_the_report_s_mlp_ends_in_a_softmax() -> None:
    endings = {name for name in FAMILIES if isinstance(resolve(name, {}, IMAGE, 10)[-1], Softmax)}
    assert endings == {"report-mlp"}
    assert resolve("report-mlp", {}, IMAGE, 10)[:-1] == resolve("lenet5-1998", {}, IMAGE, 10)


def test_every_family_parameter_reaches_the_layers() -> None:
    layers = resolve(
        "lenet5",
        {
            "filters": [8, 24],
            "hidden": [50],
            "pool": "max",
            "activation": "sigmoid",
            "padding": 1,
            "batch_norm": True,
            "dropout": 0.25,
        },
        IMAGE,
        10,
    )
    assert [spec.out_channels for spec in layers if isinstance(spec, Conv2d)] == [8, 24]
    assert [spec.padding for spec in layers if isinstance(spec, Conv2d)] == [1, 0]
    assert [spec.out_features for spec in layers if isinstance(spec, Linear)] == [50, 10]
    assert sum(isinstance(spec, MaxPool2d) for spec in layers) == 2
    assert sum(isinstance(spec, BatchNorm2d) for spec in layers) == 2
    assert sum(isinstance(spec, Sigmoid) for spec in layers) == 3
    assert [spec.p for spec in layers if isinstance(spec, Dropout)] == [0.25]


@pytest.mark.parametrize("filters", [[6, 16, 32], [6, 16, 32, 64]])
@pytest.mark.parametrize("padding", [0, 2, 8])
def test_deeper_convolutions_still_fit_a_digit(filters: list[int], padding: int) -> None:
    layers = resolve("lenet5", {"filters": filters, "padding": padding}, IMAGE, 10)
    assert [spec.out_channels for spec in layers if isinstance(spec, Conv2d)] == filters


def test_a_network_without_hidden_layers_is_a_linear_classifier() -> None:
    assert count_parameters(resolve("custom-mlp", {"hidden": []}, IMAGE, 10), IMAGE) == 784 * 10 + 10


def test_an_unknown_family_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownArchitecture, match=r"no architecture 'lenet6'; there are lenet5, lenet5-1998"):
        resolve("lenet6", {}, IMAGE, 10)


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [
        ("lenet5", {"filters": [6]}, "filters"),
        ("lenet5", {"filters": [6] * 5}, "filters"),
        ("lenet5", {"filters": [6, 257]}, "filters"),
        ("lenet5", {"filters": [6, 1.5]}, "filters"),
        ("lenet5", {"hidden": [0]}, "hidden"),
        ("lenet5", {"pool": "median"}, "pool"),
        ("lenet5", {"activation": "swish"}, "activation"),
        ("lenet5", {"padding": -1}, "padding"),
        ("lenet5", {"padding": 9}, "padding"),
        ("lenet5", {"dropout": 1.0}, "dropout"),
        ("lenet5", {"dropout": float("nan")}, "dropout"),
        ("lenet5", {"batch_norm": "perhaps"}, "batch_norm"),
        ("lenet5", {"width": 3}, "width"),
        ("custom-mlp", {"filters": [6, 16]}, "filters"),
        ("custom-mlp", {"batch_norm": True}, "batch_norm"),
    ],
)
def test_a_wrong_parameter_is_refused_at_its_field(name: str, parameters: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        resolve(name, parameters, IMAGE, 10)
    assert [error["loc"][0] for error in refusal.value.errors()] == [field]


def test_a_family_that_grows_past_the_limit_is_refused_although_each_parameter_is_allowed() -> None:
    with pytest.raises(ArchitectureError, match=f"at most {MAX_PARAMETERS:,} are allowed"):
        resolve("custom-mlp", {"hidden": [2048] * 4}, IMAGE, 10)


def test_an_image_too_small_for_a_family_is_refused_with_the_layer() -> None:
    with pytest.raises(ArchitectureError, match=r"Layer 4 \(Conv2d\) has a 5×5 window, larger than the map"):
        resolve("lenet5", {}, (1, 12, 12), 10)


def test_every_family_has_words_for_its_page_and_for_every_field_of_its_form() -> None:
    for family in FAMILIES.values():
        assert all((family.title, family.summary.endswith("."), family.source)), family.name
        assert ". " not in family.summary, "one sentence"
        for field in family.parameters.model_json_schema()["properties"].values():
            assert field["title"]
            assert field["description"].endswith(".")


def test_the_facts_of_a_network_are_its_trace_in_words() -> None:
    facts = describe("lenet5-moon", {"dropout": 0}, IMAGE, 10)
    assert (facts.title, facts.num_parameters, facts.num_multiply_adds) == ("LeNet5moon", 61_750, 416_520)
    first, *_, last = facts.layers
    assert (first.number, first.type, first.label) == ("1", "Conv2d", "Conv2d 6 filters 5×5, padding 2")
    assert (last.number, last.label, last.output_shape) == ("14", "Linear 10 units", (10,))
    assert sum(row.num_parameters for row in facts.layers) == facts.num_parameters


def test_a_network_comes_back_from_json_as_it_was() -> None:
    for name in FAMILIES:
        layers = resolve(name, {}, IMAGE, 10)
        assert LAYERS.validate_json(LAYERS.dump_json(layers)) == layers


def test_no_two_families_are_the_same_network() -> None:
    networks = [LAYERS.dump_json(resolve(name, {}, IMAGE, 10)) for name in FAMILIES]
    assert len(set(networks)) == len(FAMILIES) == 6
