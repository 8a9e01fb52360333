"""A layer and a shape in the words a page uses."""

from core.architectures.layers import (
    AvgPool2d,
    Conv2d,
    Dropout,
    LayerSpec,
    Linear,
    MaxPool2d,
    Residual,
)


def layer_label(spec: LayerSpec) -> str:
    """For example "Conv2d 6 filters 5×5, padding 2"; defaults are left unsaid."""
    match spec:
        case Conv2d():
            window = f"{_count(spec.out_channels, 'filter')} {spec.kernel_size}×{spec.kernel_size}"
            stride = f", stride {spec.stride}" if spec.stride != 1 else ""
            padding = f", padding {spec.padding}" if spec.padding else ""
            return f"Conv2d {window}{stride}{padding}{_bias(spec.bias)}"
        case MaxPool2d() | AvgPool2d():
            stride = f", stride {spec.stride}" if spec.stride != spec.kernel_size else ""
            return f"{spec.type} {spec.kernel_size}×{spec.kernel_size}{stride}"
        case Linear():
            return f"Linear {_count(spec.out_features, 'unit')}{_bias(spec.bias)}"
        case Dropout():
            return f"Dropout p = {spec.p:g}"
        case Residual():
            return f"Residual around {_count(len(spec.layers), 'layer')}"
        case _:
            return spec.type


def shape_label(shape: tuple[int, ...]) -> str:
    """(6, 28, 28) -> "6×28×28"."""
    return "×".join(str(side) for side in shape)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _bias(has_bias: bool) -> str:
    return "" if has_bias else ", no bias"
