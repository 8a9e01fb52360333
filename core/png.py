"""Greyscale images as PNG, without an image library: the server has none."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def png_bytes(image: Pixels) -> bytes:
    """An 8-bit greyscale PNG of (H, W) pixels. Format: PNG specification, chunks IHDR, IDAT, IEND."""
    height, width = image.shape
    rows = np.pad(image, ((0, 0), (1, 0)))  # each row starts with its filter type, 0: none
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits, greyscale, not interlaced
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def sprite_sheet(images: Pixels, gap: int = 2) -> Pixels:
    """(rows, columns, H, W) tiles on one black sheet of (rows·(H+gap)-gap, columns·(W+gap)-gap) pixels."""
    rows, columns, height, width = images.shape
    tiles = np.pad(images, ((0, 0), (0, 0), (0, gap), (0, gap)))
    sheet = tiles.transpose(0, 2, 1, 3).reshape(rows * (height + gap), columns * (width + gap))
    return np.ascontiguousarray(sheet[: sheet.shape[0] - gap, : sheet.shape[1] - gap])
