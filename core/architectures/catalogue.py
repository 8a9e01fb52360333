"""The named families of networks, each with the words and the source that its page shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.architectures.families import (
    CustomMlp,
    FamilyParameters,
    LeNet5,
    LeNet5Moon,
    LeNet5Moon2,
    LeNet5Of1998,
    ReportMlp,
)
from core.architectures.layers import Layers
from core.architectures.outcomes import Shape
from core.architectures.shapes import trace_classifier

LECUN_1998 = (
    "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition, "
    "Proceedings of the IEEE 86(11), 1998, pp. 2278-2324"
)
REPORT = "NN4DL course report, github.com/MoonHyeJung/NN4DL"


class UnknownArchitecture(ValueError):
    """No family has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no architecture {name!r}; there are {', '.join(FAMILIES)}.")
        self.name = name


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of network; the defaults of `parameters` make the preset that bears its name."""

    name: str
    title: str
    summary: str
    source: str
    parameters: type[FamilyParameters]

    def build(self, parameters: FamilyParameters, num_classes: int) -> Layers:
        """The layers, not yet checked against an image's shape: `resolve` does that."""
        return parameters.layers(num_classes)


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="lenet5",
            title="LeNet-5",
            summary="The classic two convolutions and three fully connected layers, as built today: ReLU, "
            "average pooling, no padding.",
            source=f"After {LECUN_1998}",
            parameters=LeNet5,
        ),
        Family(
            name="lenet5-1998",
            title="LeNet-5 of 1998",
            summary="LeNet-5 with the layer sizes of its paper: images padded to 32×32, tanh, average "
            "pooling; pooling has no weights, every map sees every other, and the output is linear.",
            source=LECUN_1998,
            parameters=LeNet5Of1998,
        ),
        Family(
            name="custom-mlp",
            title="Custom MLP",
            summary="Three fully connected layers and no convolution, sized to about as many parameters as "
            "LeNet-5 of 1998, so that a comparison shows what convolutions are worth.",
            source=f"Trainyard; the question is that of the {REPORT}",
            parameters=CustomMlp,
        ),
        Family(
            name="report-mlp",
            title="Report's “Custom MLP”",
            summary="What the report trained under the name Custom MLP: LeNet-5 of 1998 with a softmax before "
            "the cross-entropy, which applies softmax twice, so that the loss cannot fall below 1.4612.",
            source=f"{REPORT}, its published code",
            parameters=ReportMlp,
        ),
        Family(
            name="lenet5-moon",
            title="LeNet5moon",
            summary="LeNet-5 on padded images with batch norm after each convolution, max pooling, and "
            "dropout after each hidden layer.",
            source=f"{REPORT}, section 6.1",
            parameters=LeNet5Moon,
        ),
        Family(
            name="lenet5-moon2",
            title="LeNet5moon2",
            summary="LeNet5moon made wider: 10 and 32 filters in place of 6 and 16.",
            source=f"{REPORT}, section 6.2",
            parameters=LeNet5Moon2,
        ),
    )
}


# Any: values as a form or JSON gave them; the family's own pydantic class judges each.
def resolve(name: str, parameters: Mapping[str, Any], input_shape: Shape, num_classes: int) -> Layers:
    """The layers of a family for images of `input_shape` (C, H, W), checked.

    Raises UnknownArchitecture, pydantic.ValidationError (located at the parameter) or ArchitectureError.
    """
    if name not in FAMILIES:
        raise UnknownArchitecture(name)
    family = FAMILIES[name]
    layers = family.build(family.parameters.model_validate(dict(parameters)), num_classes)
    trace_classifier(layers, input_shape, num_classes)
    return layers
