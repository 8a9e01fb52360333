"""An image that somebody drew or sent, made as a dataset's own images were made. Pure functions.

MNIST's were "size normalized to fit in a 20x20 pixel box while preserving their aspect ratio", with grey levels from
anti-aliasing, and "centered in a 28x28 image by computing the center of mass of the pixels, and translating the image
so as to position this point at the center of the 28x28 field" (LeCun, Cortes and Burges, yann.lecun.com/exdb/mnist).
Other datasets have other fields, boxes and centres: all of it is measured on their own images.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.datasets import ImageShape

Invert = Literal["auto", "yes", "no"]
Grey = NDArray[np.float32]  # (H, W), 0 to 255
Field = NDArray[np.uint8]  # (C, H, W), as a network gets it

NUM_MEASURED = 500  # images; the longest side of MNIST's is 20 in all but a few
FAINT = 16  # of 255: anti-aliasing and compression leave less beside a stroke. Guess, untuned
NOISE = 4.0  # median deviations of the border from its median that still are ground: 2.7 sigma of a normal noise
# Luma of ITU-R BT.601, as Pillow and the JPEG format have it.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]


@dataclass(frozen=True)
class Framing:
    """How one thing lies on a ground of one colour. `ink_is_light`: on dark ground, as in MNIST. `box`: the side that
    its longer side fits, in pixels. `centre`: (row, column), where its centre of mass is, or of its box; `by_mass`."""

    ink_is_light: bool
    box: int
    by_mass: bool
    centre: tuple[float, float]

    @property
    def centred_by(self) -> str:
        return "centre of mass" if self.by_mass else "box"


@dataclass(frozen=True)
class Prepared:
    """`inverted`: dark ink became light, or light dark. `is_blank`: nothing stands out from the ground."""

    field: Field
    inverted: bool = False
    is_blank: bool = False


def measured_framing(images: Field) -> Framing | None:
    """Of (N, C, H, W) images; None where they are in colour or have no ground of one colour, as photographs."""
    if images.shape[1] != 1:
        return None
    greys = images[:NUM_MEASURED, 0].astype(np.float32)
    corners = greys[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    is_dark, is_light = (corners < 2 * FAINT).mean() > 0.9, (corners > 255 - 2 * FAINT).mean() > 0.9
    if not (is_dark or is_light):
        return None
    measured = [(_box(ink), ink) for grey in greys if (ink := grey if is_dark else 255 - grey).max() > FAINT]
    if not measured:
        return None
    sides = [max(box[0].stop - box[0].start, box[1].stop - box[1].start) for box, _ in measured]
    masses = np.array([_centre_of_mass(ink) for _, ink in measured])
    boxes = np.array([[(side.start + side.stop - 1) / 2 for side in box] for box, _ in measured])
    by_mass = bool(masses.std(0).sum() < boxes.std(0).sum())
    row, column = (np.round(2 * (masses if by_mass else boxes).mean(0)) / 2).tolist()
    return Framing(bool(is_dark), round(float(np.median(sides))), by_mass, (row, column))


def framed(pixels: Grey, framing: Framing, image_shape: ImageShape, invert: Invert = "auto") -> Prepared:
    """(1 or 3, H, W) pixels, cropped to what stands out from the ground, scaled to the box and centred in the field.

    The ground is what most of the border is, and what differs from it no more than the border itself does. `invert`
    says whether the ink is darker than the ground; "auto" sees it by the ground.
    """
    grey = _grey(pixels)[0]
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    ground = float(np.median(border))
    ink_is_dark = ground > 127 if invert == "auto" else (invert == "yes") == framing.ink_is_light
    noise = NOISE * float(np.median(np.abs(border - ground)))
    ink = np.clip((ground - grey if ink_is_dark else grey - ground) - noise, 0, None)
    inverted = ink_is_dark == framing.ink_is_light
    if ink.max() <= FAINT:
        return Prepared(_field(np.zeros(image_shape[1:], np.float32), framing), inverted, is_blank=True)
    ink *= 255 / ink.max()
    ink = ink[_box(ink, FAINT if noise else 0)]
    scale = min(framing.box, *image_shape[1:]) / max(ink.shape)
    ink = resized(ink, *(max(1, round(side * scale)) for side in ink.shape))
    field = np.zeros(image_shape[1:], np.float32)
    top, left = _corner(ink, field.shape, framing)
    field[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return Prepared(_field(field, framing), inverted)


def plain(pixels: Grey, image_shape: ImageShape, invert: Invert = "auto") -> Prepared:
    """(1 or 3, H, W) pixels scaled to the dataset's size, grey or in colour as its images are."""
    num_channels, height, width = image_shape
    pixels = _grey(pixels) if num_channels == 1 else np.broadcast_to(pixels, (num_channels, *pixels.shape[1:]))
    scaled = np.stack([resized(channel, height, width) for channel in pixels])
    return Prepared(_rounded(255 - scaled if invert == "yes" else scaled), invert == "yes")


def resized(image: Grey, height: int, width: int) -> Grey:
    """Means over areas where it becomes smaller, which is anti-aliased; bilinear where larger.

    By einsum, since the threads of a BLAS wait for cores that are in training: 63 ms in place of 1 (measured).
    """
    rows, columns = _weights(image.shape[0], height), _weights(image.shape[1], width)
    return np.asarray(np.einsum("ij,kj->ik", np.einsum("ij,jk->ik", rows, image), columns), np.float32)


def _weights(old: int, new: int) -> Grey:
    """(new, old); each row sums to 1."""
    pixels, step = np.arange(old), old / new
    if new <= old:
        edges = np.arange(new)[:, None] * step
        shares = np.minimum(edges + step, pixels + 1) - np.maximum(edges, pixels)
    else:
        centres = np.clip((np.arange(new)[:, None] + 0.5) * step - 0.5, 0, old - 1)
        shares = 1 - np.abs(centres - pixels)
    shares = np.clip(shares, 0, None)
    return np.asarray(shares / shares.sum(1, keepdims=True), np.float32)


def _box(ink: Grey, faint: float = FAINT) -> tuple[slice, slice]:
    """Rows and columns that hold more than faint ink."""
    lines = [np.flatnonzero((ink > faint).any(axis)) for axis in (1, 0)]
    rows, columns = (slice(int(line[0]), int(line[-1]) + 1) for line in lines)
    return rows, columns


def _centre_of_mass(ink: Grey) -> NDArray[np.float64]:
    """(row, column)"""
    return np.array([np.average(np.arange(ink.shape[axis]), weights=ink.sum(1 - axis)) for axis in (0, 1)])


def _corner(ink: Grey, field: tuple[int, ...], framing: Framing) -> tuple[int, int]:
    """Where its top left corner goes; it stays within the field."""
    centre = _centre_of_mass(ink) if framing.by_mass else (np.array(ink.shape) - 1) / 2
    wanted = np.round(np.array(framing.centre) - centre)
    top, left = np.clip(wanted, 0, np.array(field) - ink.shape).astype(int)
    return int(top), int(left)


def _grey(pixels: Grey) -> Grey:
    """(1, H, W)"""
    return pixels if len(pixels) == 1 else (pixels[:3] * LUMA).sum(0, keepdims=True)


def _field(ink: Grey, framing: Framing) -> Field:
    return _rounded((ink if framing.ink_is_light else 255 - ink)[None])


def _rounded(values: Grey) -> Field:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
