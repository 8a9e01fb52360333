"""A layer and a shape in the words a page uses."""

from core.architectures.layers import (
    AvgPool2d,
    Conv2d,
    Dropout,
    Layers,
    LayerSpec,
    Linear,
    MaxPool2d,
    Residual,
)

_PARTS = {
    "weight": "weights",
    "bias": "biases",
    "running_mean": "running means",
    "running_var": "running variances",
    "num_batches_tracked": "count of batches",
}


def layer_label(spec: LayerSpec) -> str:
    """For example "Conv2d 6 filters 5×5, padding 2"; defaults are left unsaid."""
    match spec:
        case Conv2d():
            window = f"{counted(spec.out_channels, 'filter')} {spec.kernel_size}×{spec.kernel_size}"
            stride = f", stride {spec.stride}" if spec.stride != 1 else ""
            padding = f", padding {spec.padding}" if spec.padding else ""
            return f"Conv2d {window}{stride}{padding}{_bias(spec.bias)}"
        case MaxPool2d() | AvgPool2d():
            stride = f", stride {spec.stride}" if spec.stride != spec.kernel_size else ""
            return f"{spec.type} {spec.kernel_size}×{spec.kernel_size}{stride}"
        case Linear():
            return f"Linear {counted(spec.out_features, 'unit')}{_bias(spec.bias)}"
        case Dropout():
            return f"Dropout p = {spec.p:g}"
        case Residual():
            return f"Residual around {counted(len(spec.layers), 'layer')}"
        case _:
            return spec.type


def tensor_label(layers: Layers, tensor: str) -> str:
    """Weights by their name in the file: "4.inner.0.weight" -> "layer 5.1 (Conv2d 6 filters 5×5), weights"."""
    *place, part = (name for name in tensor.split(".") if name != "inner")
    spec = layers[int(place[0])]
    if isinstance(spec, Residual):
        spec = spec.layers[int(place[1])]
    number = ".".join(str(int(position) + 1) for position in place)
    return f"layer {number} ({layer_label(spec)}), {_PARTS.get(part, part)}"


def shape_label(shape: tuple[int, ...]) -> str:
    """(6, 28, 28) -> "6×28×28"."""
    return "×".join(str(side) for side in shape)


def counted(number: int, noun: str) -> str:
    """For example "1 filter", "6 filters", "1,024 units"."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def _bias(has_bias: bool) -> str:
    return "" if has_bias else ", no bias"
