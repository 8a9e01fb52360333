"""What one layer does to a shape, and what it costs.

A multiply-add is counted where a weight meets a value, that is in Conv2d and Linear; biases, batch norm,
activations and pooling count as 0.
"""

from math import prod
from typing import assert_never

from core.architectures.labels import shape_label
from core.architectures.layers import (
    GELU,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    PlainLayer,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)

Shape = tuple[int, ...]  # of one image: (channels, height, width), or (features,) once flat


class DoesNotFit(Exception):
    """The reason alone; `shapes.trace` adds which layer it was."""


def outcome(spec: PlainLayer, shape: Shape) -> tuple[Shape, int, int]:
    """Output shape, parameters, multiply-adds."""
    match spec:
        case Conv2d():
            channels, *sides = _map(shape)
            height, width = (_windows(side, spec.kernel_size, spec.stride, spec.padding) for side in sides)
            num_weights = spec.out_channels * channels * spec.kernel_size**2
            num_parameters = num_weights + (spec.out_channels if spec.bias else 0)
            return (spec.out_channels, height, width), num_parameters, num_weights * height * width
        case MaxPool2d() | AvgPool2d():
            channels, *sides = _map(shape)
            return (channels, *(_windows(side, spec.kernel_size, spec.stride) for side in sides)), 0, 0
        case BatchNorm2d():
            channels, height, width = _map(shape)
            if height * width == 1:  # torch refuses it when the last batch holds a single image
                raise DoesNotFit("gets a 1×1 map: too little to normalise when a batch holds one image")
            return shape, 2 * channels, 0
        case Linear():
            num_weights = _num_features(shape) * spec.out_features
            return (spec.out_features,), num_weights + (spec.out_features if spec.bias else 0), num_weights
        case Flatten():
            return (prod(shape),), 0, 0
        case Softmax():
            return (_num_features(shape),), 0, 0
        case ReLU() | Tanh() | Sigmoid() | GELU() | Dropout():
            return shape, 0, 0
        case _:
            assert_never(spec)


def _map(shape: Shape) -> Shape:
    if len(shape) != 3:
        raise DoesNotFit(f"needs a map of channels×height×width, but gets {shape_label(shape)} flat values")
    return shape


def _num_features(shape: Shape) -> int:
    if len(shape) != 1:
        raise DoesNotFit(f"needs flat values, but gets a {shape_label(shape)} map: put a Flatten before it")
    return shape[0]


def _windows(side: int, kernel_size: int, stride: int, padding: int = 0) -> int:
    """Places of a window along a side."""
    padded = side + 2 * padding
    if kernel_size > padded:
        having = f" (padding included: {padded})" if padding else ""
        window = f"{kernel_size}×{kernel_size}"
        raise DoesNotFit(f"has a {window} window, larger than the map it gets, {side} on a side{having}")
    return (padded - kernel_size) // stride + 1
