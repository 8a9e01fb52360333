"""The parameters that each family of networks takes, and the layers they make.

Two makers (LeNet-like and fully connected) and a class per family, whose defaults are the preset that bears
its name. Titles and descriptions are those of the form.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.architectures.layers import (
    GELU,
    Activation,
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
    Sigmoid,
    Softmax,
    Tanh,
)


def _two_to_four(filters: tuple[int, ...]) -> tuple[int, ...]:
    """Apart from `Field`, whose min_length also reports a list with one wrong number as too short."""
    if not 2 <= len(filters) <= 4:
        raise ValueError(f"takes two to four numbers, not {len(filters)}")
    return filters


Filters = Annotated[
    tuple[Annotated[int, Field(ge=1, le=256)], ...],
    AfterValidator(_two_to_four),
    Field(
        json_schema_extra={"minItems": 2, "maxItems": 4},
        title="Filters",
        description="Filters of each 5×5 convolution, two to four; a third and fourth keep the map's size.",
    ),
]
Hidden = Annotated[
    tuple[Annotated[int, Field(ge=1, le=2048)], ...],
    Field(
        max_length=4,
        title="Hidden units",
        description="Units of each fully connected layer before the last; up to four, or none.",
    ),
]
Pool = Annotated[
    Literal["max", "avg"],
    Field(title="Pooling", description="How each 2×2 window becomes one value: its largest, or its average."),
]
ActivationName = Annotated[
    Literal["relu", "tanh", "sigmoid", "gelu"],
    Field(title="Activation", description="The nonlinearity after every layer that has weights, except the last."),
]
FirstPadding = Annotated[
    int,
    Field(
        ge=0,
        le=8,
        title="Padding",
        description="Pixels of zero around the image, at the first convolution; 2 makes 28×28 images 32×32.",
    ),
]
BatchNorm = Annotated[
    bool,
    Field(title="Batch norm", description="Normalise each channel over the batch, after every convolution."),
]
DropProbability = Annotated[
    float,
    Field(
        ge=0,
        le=0.9,
        allow_inf_nan=False,
        title="Dropout",
        description="Share of values dropped in training, after each hidden layer's activation; 0 for none.",
    ),
]

_ACTIVATIONS: dict[str, Activation] = {"relu": ReLU(), "tanh": Tanh(), "sigmoid": Sigmoid(), "gelu": GELU()}


class _Parameters(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LeNet5(_Parameters):
    """Convolutions with pooling, then fully connected layers."""

    filters: Filters = (6, 16)
    hidden: Hidden = (120, 84)
    pool: Pool = "avg"
    activation: ActivationName = "relu"
    padding: FirstPadding = 0
    batch_norm: BatchNorm = False
    dropout: DropProbability = 0.0

    def layers(self, num_classes: int) -> Layers:
        layers: list[LayerSpec] = []
        for position, num_filters in enumerate(self.filters):
            # Maps of 28×28 images are 5×5 or 4×4 after two convolutions: only "same" padding fits a third.
            padding = self.padding if position == 0 else 2 if position >= 2 else 0
            layers.append(Conv2d(out_channels=num_filters, kernel_size=5, padding=padding))
            layers += [BatchNorm2d()] if self.batch_norm else []
            layers.append(_ACTIVATIONS[self.activation])
            layers.append(MaxPool2d(kernel_size=2) if self.pool == "max" else AvgPool2d(kernel_size=2))
        return (*layers, *_fully_connected(self.hidden, self.activation, self.dropout, num_classes))


class LeNet5Of1998(LeNet5):
    activation: ActivationName = "tanh"
    padding: FirstPadding = 2


class ReportMlp(LeNet5Of1998):
    def layers(self, num_classes: int) -> Layers:
        return (*super().layers(num_classes), Softmax())


class LeNet5Moon(LeNet5):
    pool: Pool = "max"
    padding: FirstPadding = 2
    batch_norm: BatchNorm = True
    dropout: DropProbability = 0.5


class LeNet5Moon2(LeNet5Moon):
    filters: Filters = (10, 32)


class CustomMlp(_Parameters):
    """Fully connected layers only."""

    hidden: Hidden = (75, 32)
    activation: ActivationName = "relu"
    dropout: DropProbability = 0.0

    def layers(self, num_classes: int) -> Layers:
        return _fully_connected(self.hidden, self.activation, self.dropout, num_classes)


FamilyParameters = LeNet5 | CustomMlp


def _fully_connected(hidden: tuple[int, ...], activation: str, dropout: float, num_classes: int) -> Layers:
    layers: list[LayerSpec] = [Flatten()]
    for num_units in hidden:
        layers += [Linear(out_features=num_units), _ACTIVATIONS[activation]]
        layers += [Dropout(p=dropout)] if dropout else []
    return (*layers, Linear(out_features=num_classes))
