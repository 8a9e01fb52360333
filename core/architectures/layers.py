"""The closed set of layer specs that a network is written in.

Names and meanings are those of torch.nn. Input sizes are never stored: `shapes.trace` infers them.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationInfo, WithJsonSchema, field_validator

# Bounds keep the arithmetic of `shapes` small; what a whole network may cost is limited there.
Channels = Annotated[int, Field(strict=True, ge=1, le=4096)]
Features = Annotated[int, Field(strict=True, ge=1, le=65_536)]
WindowSide = Annotated[int, Field(strict=True, ge=1, le=64)]
Padding = Annotated[int, Field(strict=True, ge=0, le=32)]
DropProbability = Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)]
HasBias = Annotated[bool, Field(strict=True)]


# What a client may send: none for a stride as wide as the window.
_STRIDE_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 64}, {"type": "null"}], "title": "Stride"}


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Conv2d(_Spec):
    """Square filters: (C, H, W) -> (out_channels, H', W')."""

    type: Literal["Conv2d"] = "Conv2d"
    out_channels: Channels
    kernel_size: WindowSide
    stride: WindowSide = 1
    padding: Padding = 0
    bias: HasBias = True


class BatchNorm2d(_Spec):
    """Normalises each channel over the batch; a learned scale and shift per channel."""

    type: Literal["BatchNorm2d"] = "BatchNorm2d"


class ReLU(_Spec):
    type: Literal["ReLU"] = "ReLU"


class Tanh(_Spec):
    type: Literal["Tanh"] = "Tanh"


class Sigmoid(_Spec):
    type: Literal["Sigmoid"] = "Sigmoid"


class GELU(_Spec):
    type: Literal["GELU"] = "GELU"


class _Pool2d(_Spec):
    kernel_size: WindowSide
    stride: Annotated[WindowSide, WithJsonSchema(_STRIDE_SCHEMA)] = Field(default=None, validate_default=True)

    @field_validator("stride", mode="before")
    @classmethod
    def _stride_is_the_window_unless_given(cls, stride: object, others: ValidationInfo) -> object:
        """Filled in when parsed, so that networks that mean the same are equal and hash the same."""
        return others.data.get("kernel_size", 1) if stride is None else stride


class MaxPool2d(_Pool2d):
    type: Literal["MaxPool2d"] = "MaxPool2d"


class AvgPool2d(_Pool2d):
    type: Literal["AvgPool2d"] = "AvgPool2d"


class Flatten(_Spec):
    type: Literal["Flatten"] = "Flatten"


class Linear(_Spec):
    """Fully connected: (features,) -> (out_features,)."""

    type: Literal["Linear"] = "Linear"
    out_features: Features
    bias: HasBias = True


class Dropout(_Spec):
    """Zeroes each value with probability `p` while training."""

    type: Literal["Dropout"] = "Dropout"
    p: DropProbability


class Softmax(_Spec):
    """Scores to probabilities; only as the last layer."""

    type: Literal["Softmax"] = "Softmax"


Activation = ReLU | Tanh | Sigmoid | GELU
PlainLayer = Conv2d | BatchNorm2d | Activation | MaxPool2d | AvgPool2d | Flatten | Linear | Dropout | Softmax


class Residual(_Spec):
    """x + layers(x). Holds no further Residual: a chain of blocks says the same and stays readable."""

    type: Literal["Residual"] = "Residual"
    layers: tuple[Annotated[PlainLayer, Field(discriminator="type")], ...] = Field(min_length=1)


LayerSpec = Annotated[PlainLayer | Residual, Field(discriminator="type")]
Layers = tuple[LayerSpec, ...]
LAYERS: TypeAdapter[Layers] = TypeAdapter(Layers)
