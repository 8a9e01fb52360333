"""The tensors of a network by the names that torch's state_dict gives them, without torch."""

from collections.abc import Sequence

from core.architectures.labels import shape_label, tensor_label
from core.architectures.layers import BatchNorm2d, Conv2d, Layers, Linear
from core.architectures.outcomes import Shape
from core.architectures.shapes import TracedLayer, trace


def tensors_of(layers: Layers, image_shape: Shape) -> dict[str, Shape]:
    """The shape of each, such as "0.weight", inside a Residual "4.inner.0.bias"; raises ArchitectureError."""
    return _tensors(trace(layers, image_shape), "")


def misfit(here: Layers, there: Layers, image_shape_here: Shape, image_shape_there: Shape) -> str | None:
    """In words the first tensor that is not the same in both networks; None where all are."""
    ours, theirs = tensors_of(here, image_shape_here), tensors_of(there, image_shape_there)
    wrong = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    if not wrong:
        return None
    name, more = wrong[0], f", and {len(wrong) - 1} more do not fit" if len(wrong) > 1 else ""
    label = tensor_label(here if name in ours else there, name)
    if name not in ours or name not in theirs:
        return f"{label}, are only {'here' if name in ours else 'there'}{more}"
    return f"{label}, are {_told(ours[name])} here and {_told(theirs[name])} there{more}"


def _tensors(traced: Sequence[TracedLayer], prefix: str) -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    for position, layer in enumerate(traced):
        found |= {f"{prefix}{position}.{name}": shape for name, shape in _own(layer).items()}
        found |= _tensors(layer.inner, f"{prefix}{position}.inner.")
    return found


def _own(layer: TracedLayer) -> dict[str, Shape]:
    """As torch.nn names them."""
    match layer.spec:
        case Conv2d(out_channels=count, kernel_size=side, bias=bias):
            return {"weight": (count, layer.input_shape[0], side, side)} | ({"bias": (count,)} if bias else {})
        case Linear(out_features=count, bias=bias):
            return {"weight": (count, layer.input_shape[0])} | ({"bias": (count,)} if bias else {})
        case BatchNorm2d():
            each = (layer.input_shape[0],)
            return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), each) | {"num_batches_tracked": ()}
        case _:
            return {}


def _told(shape: Shape) -> str:
    return shape_label(shape) or "one number"
