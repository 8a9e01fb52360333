"""Images as PNG, without an image library: the server has none."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by number of channels: grey, grey and alpha, RGB, RGBA


def png_bytes(image: Pixels) -> bytes:
    """An 8-bit PNG of (H, W) or (C, H, W) pixels, of whose channels the first is shown where PNG knows no such number.
    Format: PNG specification, chunks IHDR, IDAT, IEND."""
    channels = image.reshape(-1, *image.shape[-2:])
    channels = channels if len(channels) in COLOUR_TYPES else channels[:1]
    num_channels, height, width = channels.shape
    pixels = channels.transpose(1, 2, 0).reshape(height, width * num_channels)
    rows = np.pad(pixels, ((0, 0), (1, 0)))  # each row starts with its filter type, 0: none
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[num_channels], 0, 0, 0)  # 8 bits, not interlaced
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def sprite_sheet(images: Pixels, gap: int = 2) -> Pixels:
    """(rows, columns, C, H, W) tiles on one black sheet of (C, rows·(H+gap)-gap, columns·(W+gap)-gap) pixels."""
    rows, columns, channels, height, width = images.shape
    tiles = np.pad(images, ((0, 0), (0, 0), (0, 0), (0, gap), (0, gap)))
    sheet = tiles.transpose(2, 0, 3, 1, 4).reshape(channels, rows * (height + gap), columns * (width + gap))
    return np.ascontiguousarray(sheet[:, : sheet.shape[1] - gap, : sheet.shape[2] - gap])
