"""Making a network as large as another: the width of one layer that brings the parameters closest to a number."""

from dataclasses import dataclass

from core.architectures.layers import Conv2d, Layers, LayerSpec, Linear, Residual
from core.architectures.outcomes import Shape
from core.architectures.shapes import ArchitectureError, count_parameters

MOST = {"out_channels": 4096, "out_features": 65_536}  # of layers.Channels and layers.Features
Place = tuple[int, ...]  # (2,), or inside a Residual (4, 0); from 0


class NoWidth(ValueError):
    """The layer has none, or no other one is possible."""


@dataclass(frozen=True, slots=True)
class Match:
    layers: Layers
    before: int
    width: int
    num_parameters: int


def match_parameters(layers: Layers, place: Place, target: int, image_shape: Shape) -> Match:
    """The network with that layer as wide as comes closest to `target` parameters; of two equally close the narrower.

    The count grows with the width, so halving an interval finds it. Raises NoWidth with the reason.
    """
    before = width_of(layer_at(layers, place))
    if before is None:
        raise NoWidth("has no width: choose a Conv2d or a Linear")
    fits, too_wide = 1, MOST[before[0]] + 1
    try:
        count_parameters(with_width(layers, place, 1), image_shape)
    except ArchitectureError as error:
        raise NoWidth(f"can have no other width: {error}") from None
    while too_wide - fits > 1:
        middle = (fits + too_wide) // 2
        count = _count(layers, place, middle, image_shape)
        fits, too_wide = (middle, too_wide) if count is not None and count <= target else (fits, middle)
    around = [(width, _count(layers, place, width, image_shape)) for width in (fits, too_wide)]
    counted = [(abs(count - target), width, count) for width, count in around if count is not None]
    _, width, count = min(counted)
    return Match(with_width(layers, place, width), before[1], width, count)


def layer_at(layers: Layers, place: Place) -> LayerSpec:
    spec = layers[place[0]]
    return spec.layers[place[1]] if isinstance(spec, Residual) and len(place) > 1 else spec


def width_of(spec: LayerSpec) -> tuple[str, int] | None:
    """The field that holds it, and it."""
    match spec:
        case Conv2d():
            return "out_channels", spec.out_channels
        case Linear():
            return "out_features", spec.out_features
        case _:
            return None


def with_width(layers: Layers, place: Place, width: int) -> Layers:
    first, *inside = place
    spec = layers[first]
    if isinstance(spec, Residual) and inside:
        changed: LayerSpec = Residual(layers=with_width(spec.layers, (inside[0],), width))  # type: ignore[arg-type]
    else:
        found = width_of(spec)
        assert found is not None, spec
        changed = spec.model_copy(update={found[0]: width})
    return (*layers[:first], changed, *layers[first + 1 :])


def _count(layers: Layers, place: Place, width: int, image_shape: Shape) -> int | None:
    """None where it is too wide to be."""
    field = width_of(layer_at(layers, place))
    if field is None or width > MOST[field[0]]:
        return None
    try:
        return count_parameters(with_width(layers, place, width), image_shape)
    except ArchitectureError:
        return None
