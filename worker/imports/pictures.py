"""One image file: its size by its header, its pixels, made grey or colour and fitted to a size."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from worker.imports.refusals import BadFile

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
MAX_PIXELS = 25_000_000  # 75 MB decoded; a phone's photo has 12 million
GREY_MODES = frozenset({"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "I;16N"})
ALPHA_MODES = frozenset({"LA", "PA", "RGBA", "La", "RGBa"})

Pixels = NDArray[np.uint8]
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # judged by MAX_PIXELS, before anything is decoded


@dataclass(frozen=True)
class Look:
    """What the header says. (width, height) as it is shown, after any rotation that a camera noted."""

    size: tuple[int, int]
    is_grey: bool


def look_at(content: bytes) -> Look:
    """Reads the header alone; raises BadFile."""
    with _opened(content) as image:
        size = image.size[::-1] if _is_turned(image) else image.size
        return Look(size, image.mode in GREY_MODES)


def decoded(content: bytes, *, grey: bool) -> Image.Image:
    """Mode L or RGB; transparent parts on black, a camera's rotation carried out. Raises BadFile."""
    with _opened(content) as image:
        try:
            image.load()
            return _plain(ImageOps.exif_transpose(image), "L" if grey else "RGB")
        except MemoryError:
            raise
        except Exception as error:  # Pillow raises many kinds on a damaged file
            raise BadFile(f"is damaged ({str(error)[:80] or type(error).__name__})") from error


def fitted(image: Image.Image, size: tuple[int, int], fit: str) -> Pixels:
    """(C, H, W) of (width, height): padded with black, or stretched."""
    if image.size != size:
        if fit == "pad":
            image = ImageOps.pad(image, size, Image.Resampling.LANCZOS, color=0 if image.mode == "L" else (0, 0, 0))
        else:
            image = image.resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(image, np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _is_turned(image: Image.Image) -> bool:
    """By a quarter, as a camera noted it. Of a PNG it would be known only after decoding; no camera writes those."""
    if image.format not in ("JPEG", "MPO", "WEBP"):
        return False
    try:
        return image.getexif().get(0x0112, 1) in (5, 6, 7, 8)  # EXIF orientation
    except Exception as error:
        raise BadFile("has damaged EXIF data") from error


def _opened(content: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        width, height = image.size
        # a phone's photo that has a small copy or its depth behind it is an MPO: a JPEG whose first frame is the photo
        is_animated = image.format != "MPO" and getattr(image, "is_animated", False)
    except MemoryError:
        raise
    except Exception as error:
        raise BadFile("is no PNG, JPEG, WebP, BMP or GIF that can be read") from error
    if width * height > MAX_PIXELS or not width or not height:
        raise BadFile(f"has {width:,}×{height:,} pixels; at most {MAX_PIXELS:,} are read")
    if is_animated:
        raise BadFile("has several frames")
    return image


def _plain(image: Image.Image, mode: str) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel, whose upper eight are taken
        levels = np.asarray(image).astype(np.int64)
        image = Image.fromarray((np.clip(levels, 0, 65_535) >> 8).astype(np.uint8))
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return image.convert(mode)
