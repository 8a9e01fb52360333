"""Twenty images that nobody sends by mistake: broken ones, lies, bombs; and those of kinds that cameras write."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

GREY = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))


def png_of(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def header(width: int, height: int, depth: int = 8, colour: int = 0) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def bomb(width: int, height: int) -> bytes:
    """All that it says is there: kilobytes that inflate to width × height."""
    packer = zlib.compressobj(9)
    row = bytes(width + 1)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png_of(header(width, height), (b"IDAT", data), (b"IEND", b""))


def with_text_bomb() -> bytes:
    text = b"Comment\0\0" + zlib.compress(bytes(2**28), 9)
    return png_of(header(64, 64), (b"zTXt", text), (b"IDAT", zlib.compress(bytes(65 * 64))), (b"IEND", b""))


def many_scans() -> bytes:
    """A progressive JPEG one of whose scans is there a thousand times: each goes over the whole image."""
    content = saved(Image.fromarray(GREY).resize((1024, 1024)), "JPEG", progressive=True)
    start, end = content.rindex(b"\xff\xda"), content.rindex(b"\xff\xd9")
    return content[:start] + content[start:end][:500] * 1000 + content[end:]


def webp_that_says(width: int, height: int) -> bytes:
    content = bytearray(saved(Image.fromarray(GREY), "WEBP", lossless=True, exif=b"Exif\0\0MM"))
    assert content[12:16] == b"VP8X"
    content[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(content)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(Image.fromarray(GREY), "JPEG", exif=exif)


def animated(kind: str) -> bytes:
    frames = [Image.fromarray(GREY), Image.fromarray(GREY.T.copy()), Image.fromarray(255 - GREY)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


# What is refused, and then what is decoded.
REFUSED: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"#!/bin/sh\nrm -rf /\n",
    "svg with a script": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "a format not asked for": lambda: saved(Image.fromarray(GREY), "GIF"),
    "PNG cut short": lambda: saved(Image.effect_noise((256, 256), 90), "PNG")[:9000],
    "JPEG cut short": lambda: saved(Image.effect_noise((256, 256), 90), "JPEG")[:2000],
    "WebP cut short": lambda: saved(Image.effect_noise((256, 256), 90), "WEBP")[:2000],
    "PNG bomb of 20,000×20,000": lambda: bomb(20_000, 20_000),
    "PNG that says 2 billion pixels a side": lambda: png_of(header(2**31 - 1, 2**31 - 1), (b"IEND", b"")),
    "PNG one pixel high and endless": lambda: bomb(4_000_000, 1),
    "PNG with a text that inflates to 256 MiB": with_text_bomb,
    "PNG whose data is less than its size": lambda: png_of(
        header(2000, 1000), (b"IDAT", zlib.compress(b"\0" * 10)), (b"IEND", b"")
    ),
    "PNG without pixels": lambda: png_of(header(0, 5), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")),
    "JPEG of a thousand scans": many_scans,
    "WebP that says 16,000×16,000": lambda: webp_that_says(16_000, 16_000),
}
# The largest that are decoded.
LARGE: dict[str, Callable[[], bytes]] = {
    "RGBA": lambda: saved(Image.new("RGBA", (2048, 1024), (9, 9, 9, 120)), "PNG"),
    "16 bits": lambda: saved(Image.fromarray(np.full((2048, 1024), 40_000, np.uint16)), "PNG"),
    "WebP": lambda: saved(Image.new("RGBA", (2048, 1024), (9, 9, 9, 120)), "WEBP", lossless=True),
    "large JPEG in CMYK": lambda: saved(Image.new("CMYK", (2048, 1024), (9, 9, 9, 9)), "JPEG", progressive=True),
    "palette": lambda: saved(Image.new("P", (2048, 1024), 3), "PNG", transparency=3),
}
DECODED: dict[str, Callable[[], bytes]] = {
    "JPEG in CMYK": lambda: saved(Image.fromarray(GREY).convert("CMYK"), "JPEG"),
    "PNG of 16 bits": lambda: saved(Image.fromarray(GREY.astype(np.uint16) * 257), "PNG"),
    "JPEG turned by its EXIF": turned,
    "animated PNG": lambda: animated("PNG"),
    "animated WebP": lambda: animated("WEBP"),
}
