"""An image that somebody sent, as pixels: PNG, JPEG or WebP, of bounded size, decoded without trusting what it says.

Pillow decodes. What it would do at great cost is refused before: the sides are read from the header, a JPEG may have
so many scans, texts and colour profiles so many bytes. The process grows by the decoded image, a few times, at most.
"""

import io
import warnings
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 2**20  # as of any body (app/security.py)
MOST_PIXELS = 2**21  # 2,048×1,024: as RGBA 8 MiB, of which a WebP takes seven (measured)
MOST_SIDE = 8_192
MOST_SCANS = 100  # of a progressive JPEG, each of which goes over the whole image; cameras write about ten
ENOUGH = 1_024  # a side beyond which an image is first made smaller by a whole number

Pixels = NDArray[np.float32]  # (1 or 3, H, W), 0 to 255


class ImageRefused(ValueError):
    """What was sent is no image, or one that is not decoded here; the message says why."""


@dataclass(frozen=True)
class Decoded:
    """`notes`: in sentences, what was done that one might not expect."""

    pixels: Pixels
    notes: tuple[str, ...]


def decoded(content: bytes) -> Decoded:
    """One channel of greys, or three of colours; upright, on a ground. Raises ImageRefused."""
    if len(content) > MOST_BYTES:
        raise ImageRefused(f"An image may have {MOST_BYTES:,} bytes; this one has {len(content):,}.")
    if content[8:12] == b"WEBP" and content[:4] == b"RIFF":
        _check_sides(*_webp_sides(content))  # Pillow makes room for a WebP when it opens it
    if content[:2] == b"\xff\xd8" and content.count(b"\xff\xda") > MOST_SCANS:
        raise ImageRefused(f"A JPEG may have {MOST_SCANS} scans.")
    pillow = _pillow()
    try:
        with pillow.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as image:
            _check_sides(*image.size)
            return _pixels_of(image)
    except ImageRefused:
        raise
    except pillow.UnidentifiedImageError:
        raise ImageRefused("That is no PNG, JPEG or WebP.") from None
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning):
        raise ImageRefused(_too_large()) from None
    except Exception as error:  # of any kind: what a decoder says of a broken file
        raise ImageRefused(f"The image cannot be decoded: {error or 'its parts do not fit together'}.") from None


def _pixels_of(image: Any) -> Decoded:  # a PIL.Image.Image, which is imported with the first image
    notes = []
    if getattr(image, "n_frames", 1) > 1:
        notes.append(f"Of its {image.n_frames} frames the first is shown.")
    image.draft(image.mode, (ENOUGH, ENOUGH))  # a JPEG is decoded smaller
    image.load()
    upright = _upright(image)
    if upright is not image:
        notes.append("Turned upright, as its EXIF says.")
    flat, is_transparent = _on_a_ground(_smaller(upright))
    notes += ["What is transparent became its ground."] if is_transparent else []
    pixels = np.asarray(flat, np.float32)
    return Decoded(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1), tuple(notes))


def _upright(image: Any) -> Any:
    from PIL import ImageOps

    is_turned = image.getexif().get(0x0112, 1) in range(2, 9)  # tag 0x0112: orientation
    return ImageOps.exif_transpose(image) if is_turned else image


def _smaller(image: Any) -> Any:
    """L, RGB or, where any of it may be transparent, RGBA; at most ENOUGH on a side."""
    factor = ceil(max(image.size) / ENOUGH)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return image.convert("RGBa").reduce(factor).convert("RGBA") if factor > 1 else image
    if image.mode.startswith("I"):  # 16 bits of grey
        image = _pillow().fromarray(np.clip(np.asarray(image) >> 8, 0, 255).astype(np.uint8))
    elif image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    return image.reduce(factor) if factor > 1 else image


def _on_a_ground(image: Any) -> tuple[Any, bool]:
    """L or RGB, and whether any of it was transparent. Over white; over black where what can be seen is light."""
    if image.mode != "RGBA":
        return image, False
    every = image.reduce(8)  # is enough to tell light from dark
    alpha = np.asarray(every.getchannel("A"))
    light = np.average(np.asarray(every.convert("L")), weights=alpha) if alpha.any() else 0
    ground = _pillow().new("RGBA", image.size, "black" if light > 127 else "white")
    ground.alpha_composite(image)
    return ground.convert("RGB"), bool(alpha.min() < 255)


def _check_sides(width: int, height: int) -> None:
    if not (width and height):
        raise ImageRefused("The image has no pixels.")
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise ImageRefused(_too_large())


def _too_large() -> str:
    return f"An image may have {MOST_PIXELS:,} pixels, as 2,048×1,024, and {MOST_SIDE:,} on a side."


def _webp_sides(content: bytes) -> tuple[int, int]:
    """From the first chunk. Format: developers.google.com/speed/webp/docs/riff_container."""
    kind, body = content[12:16], content[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        sides = int.from_bytes(body[1:5], "little")
        return (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


@cache
def _pillow() -> Any:  # the module PIL.Image
    """Imported with the first image; what would only be warned of is refused."""
    from PIL import Image, PngImagePlugin

    warnings.simplefilter("error", Image.DecompressionBombWarning)
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = MOST_BYTES
    return Image
