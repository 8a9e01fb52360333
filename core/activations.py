"""What each layer of a network puts out for one image, as small pictures: maps side by side, flat values as bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from core.architectures.labels import layer_label, shape_label
from core.architectures.layers import Dropout, Flatten
from core.architectures.shapes import TracedLayer
from core.png import sprite_sheet

MOST_MAPS = 64  # of a layer that are shown; eight rows of eight. Guess, untuned
MOST_BARS = 512  # values of a flat layer; the network's widest layers have a few hundred
BARS_HEIGHT = 48
MOST_WIDTH, LEAST_SIDE = 640, 48  # of bars and of a map on the page

Values = NDArray[np.float32]


@dataclass(frozen=True)
class LayerPicture:
    """`lowest` and `highest` of its values are black and white of its maps; `num_shown` of `num` maps or values."""

    number: str
    label: str
    shape: str
    picture: NDArray[np.uint8]
    is_flat: bool
    lowest: float
    highest: float
    num: int
    num_shown: int
    scale: int  # of the page's pixels to its own, so that a small map is still seen


def layer_pictures(traced: Sequence[TracedLayer], values: Mapping[str, Values]) -> list[LayerPicture]:
    """In order, those inside a Residual before it; without what changes no value: Dropout, which acts in training
    alone, and Flatten."""
    pictures = []
    for layer in traced:
        pictures += layer_pictures(layer.inner, values)
        if layer.number in values and not isinstance(layer.spec, Dropout | Flatten):
            pictures.append(_picture(layer, values[layer.number]))
    return pictures


def _picture(layer: TracedLayer, values: Values) -> LayerPicture:
    """`values` (C, H, W) or (features,)"""
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    lowest, highest = float(finite.min()), float(finite.max())
    is_flat = finite.ndim == 1
    shown = finite[:MOST_BARS] if is_flat else finite[:MOST_MAPS]
    picture = bars(shown) if is_flat else maps(shown, lowest, highest)
    return LayerPicture(
        layer.number, layer_label(layer.spec), shape_label(layer.output_shape), picture, is_flat, lowest, highest,
        len(finite), len(shown), max(1, MOST_WIDTH // len(shown)) if is_flat else max(2, LEAST_SIDE // finite.shape[2]),
    )  # fmt: skip


def maps(values: Values, lowest: float, highest: float) -> NDArray[np.uint8]:
    """(C, H, W) side by side, black at the lowest and white at the highest value of all of them."""
    greys = (255 * (values - lowest) / max(highest - lowest, 1e-12)).astype(np.uint8)
    columns = min(len(greys), 12 if len(greys) <= 12 else ceil(2 * sqrt(len(greys))))
    rows = ceil(len(greys) / columns)
    greys = np.pad(greys, ((0, rows * columns - len(greys)), (0, 0), (0, 0)))
    (sheet,) = sprite_sheet(greys.reshape(rows, columns, 1, *greys.shape[1:]), gap=1)
    return np.asarray(sheet)


def bars(values: Values) -> NDArray[np.uint8]:
    """(features,) as columns from a line at zero: up where positive, down where negative."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    scale = (BARS_HEIGHT - 1) / max(high - low, 1e-12)
    zero, ends = round(high * scale), np.rint((high - values) * scale).astype(int)
    rows = np.arange(BARS_HEIGHT)[:, None]
    filled = (rows >= np.minimum(ends, zero)) & (rows <= np.maximum(ends, zero))
    picture = np.where(filled, 235, 40).astype(np.uint8)
    picture[zero] = np.maximum(picture[zero], 120)
    return picture
