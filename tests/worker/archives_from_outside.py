"""Archives as somebody else's tool makes them, and as an attacker does. Each hostile one is a function of a path."""

import gzip
import io
import os
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Content = dict[str, bytes]
HOSTILE: dict[str, Callable[[Path], Path]] = {}


def picture(value: int = 0, size: tuple[int, int] = (8, 8), kind: str = "PNG", mode: str = "RGB", **more: Any) -> bytes:
    pixels = np.random.default_rng(value).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind, **more)
    return file.getvalue()


def good(per_class: int = 3) -> Content:
    return {
        f"{kind}/{number}.png": picture(number + 100 * (kind == "b")) for kind in "ab" for number in range(per_class)
    }


def zipped(path: Path, content: Content) -> Path:
    with zipfile.ZipFile(path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, inside in content.items():
            archive.writestr(name, inside)
    return path / "a.zip"


def tarred(
    path: Path, content: Content, *more: tarfile.TarInfo, mode: Any = "w:gz", form: int = tarfile.PAX_FORMAT
) -> Path:
    with tarfile.open(path / "a.tar.gz", mode, format=form) as archive:
        for name, inside in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(inside)
            archive.addfile(member, io.BytesIO(inside))
        for member in more:
            archive.addfile(member, io.BytesIO(b"\0" * member.size) if member.isreg() else None)
    return path / "a.tar.gz"


def foldered(path: Path, content: Content) -> Path:
    for name, inside in content.items():
        (path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (path / "a" / name).write_bytes(inside)
    return path / "a"


def idx(array: np.ndarray[Any, Any]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def _add(name: str, make: Callable[[Path], Path]) -> None:
    assert name not in HOSTILE
    HOSTILE[name] = make


def _beside(name: str, content: bytes) -> Callable[[Path], Path]:
    return lambda path: zipped(path, good() | {name: content})


def _member(name: str, kind: bytes, **more: Any) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        member = tarfile.TarInfo(name)
        member.type = kind
        for field, value in more.items():
            setattr(member, field, value)
        return tarred(path, good(), member)

    return make


def _patched(old: bytes, new: bytes, **how: Any) -> Callable[[Path], Path]:
    """A good zip with these bytes in the place of others, everywhere."""

    def make(path: Path) -> Path:
        file = zipped(path, good() | how.get("more", {}))
        content = file.read_bytes()
        assert old in content
        file.write_bytes(content.replace(old, new))
        return file

    return make


def _cut(make: Callable[[Path], Path], share: float) -> Callable[[Path], Path]:
    def cut(path: Path) -> Path:
        file = make(path)
        file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
        return file

    return cut


# names that lead elsewhere
for _number, _name in enumerate(
    ("../b/x.png", "b/../../x.png", "/etc/x.png", "b/\0.png", "b\\..\\x.png", "C:/x.png", "b/\x1b[2J.png",
     "b/\u202egnp.png", "b/" + "x" * 600 + ".png", "b/" + "y/" * 20 + "x.png", "b/\r\nx.png", "..", "./../x.png")
):  # fmt: skip
    _add(f"zip-name-{_number}", _beside(_name, picture()))
for _number, _name in enumerate(("../b/x.png", "/b/x.png", "b/../../x.png", "b/a\u202e.png", "b/\udcff.png")):
    _add(f"tar-name-{_number}", lambda path, name=_name: tarred(path, good() | {name: picture()}))  # type: ignore[misc]
_add("pax-nul", lambda path: tarred(path, good() | {"b/\0x.png": picture()}))

# what is no file
_add("tar-symlink", _member("b/x.png", tarfile.SYMTYPE, linkname="/etc/passwd"))
_add("tar-symlink-to-itself", _member("b/x.png", tarfile.SYMTYPE, linkname="b/x.png"))
_add("tar-hardlink", _member("b/x.png", tarfile.LNKTYPE, linkname="b/0.png"))
_add("tar-device", _member("b/x.png", tarfile.CHRTYPE, devmajor=1, devminor=5))
_add("tar-block-device", _member("b/x.png", tarfile.BLKTYPE, devmajor=8, devminor=0))
_add("tar-fifo", _member("b/x.png", tarfile.FIFOTYPE))
_add("tar-sparse", _member("b/x.png", tarfile.GNUTYPE_SPARSE))
_add("tar-folder-above", _member("../b", tarfile.DIRTYPE))


def _zip_of_kind(mode: int) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        file = zipped(path, good())
        with zipfile.ZipFile(file, "a") as archive:
            member = zipfile.ZipInfo("b/x.png")
            member.create_system, member.external_attr = 3, mode << 16
            archive.writestr(member, "/etc/passwd")
        return file

    return make


_add("zip-symlink", _zip_of_kind(0o120777))
_add("zip-device", _zip_of_kind(0o020666))


def _folder_with(change: Callable[[Path], None]) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        folder = foldered(path, good())
        change(folder)
        return folder

    return make


_add("folder-link-to-file", _folder_with(lambda folder: (folder / "b/x.png").symlink_to("/etc/passwd")))
_add("folder-link-to-folder", _folder_with(lambda folder: (folder / "c").symlink_to("/etc")))
_add("folder-link-to-itself", _folder_with(lambda folder: (folder / "c").symlink_to(folder)))
_add("folder-fifo", _folder_with(lambda folder: os.mkfifo(folder / "b/x.png")))


def _link_to_all(path: Path) -> Path:
    (path / "link").symlink_to(foldered(path, good()))
    return path / "link"


_add("the-folder-is-a-link", _link_to_all)


# twice, or the same to a system that knows no case
def _twice(path: Path) -> Path:
    file = zipped(path, good())
    with zipfile.ZipFile(file, "a") as archive, warnings.catch_warnings(action="ignore"):
        archive.writestr("b/0.png", picture(77))
    return file


_add("zip-twice", _twice)
_add("tar-twice", lambda path: tarred(path, good(), _named("b/0.png", 0)))
_add("zip-case", _beside("b/0.PNG", picture()))
_add("zip-case-of-class", _beside("B/7.png", picture()))
_add("zip-normal-form", lambda path: zipped(path, good() | {"b/\u00e9.png": picture(), "b/e\u0301.png": picture()}))


def _named(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


# bombs
_add("zip-bomb", lambda path: zipped(path, good() | {f"b/{n}.bmp": bytes(30 * 2**20) for n in range(90, 94)}))
_add("tar-bomb", lambda path: tarred(path, good(), *(_named(f"b/{n}.bmp", 30 * 2**20) for n in range(90, 94))))
_add("tar-bomb-in-the-padding", lambda path: _appended(tarred(path, good()), gzip.compress(bytes(100 * 2**20))))
_add("tar-large-file", lambda path: tarred(path, good(), _named("b/x.png", 40 * 2**20)))
_add("nested-zip", _beside("b/inner.zip", b"PK\x03\x04"))
_add("idx-gz-bomb", lambda path: zipped(path, {"train-images-idx3-ubyte.gz": gzip.compress(bytes(200 * 2**20)),
                                               "train-labels-idx1-ubyte.gz": gzip.compress(bytes(20))}))  # fmt: skip


def _appended(file: Path, content: bytes) -> Path:
    file.write_bytes(file.read_bytes() + content)
    return file


def _png_that_says(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return b"\x89PNG\r\n\x1a\n" + chunk + picture()[33:]


_add("png-of-4-gigapixels", _beside("b/x.png", _png_that_says(65_000, 65_000)))
_add("png-of-a-line", _beside("b/x.png", _png_that_says(2**31 - 1, 1)))
_add("png-that-lies-about-its-size", _beside("b/x.png", _png_that_says(64, 64)))


# lies of the archive
def _overlapping(path: Path) -> Path:
    """Every entry's content is the first one's: Fifield (2019), A better zip bomb."""
    file = zipped(path, good())
    content, start, first = bytearray(file.read_bytes()), 0, None
    while (start := content.find(b"PK\x01\x02", start)) >= 0:
        first = first if first is not None else content[start + 42 : start + 46]
        content[start + 42 : start + 46] = first
        start += 4
    file.write_bytes(content)
    return file


def _says_size(size: int) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        file = zipped(path, good())
        content = bytearray(file.read_bytes())
        at = content.rfind(b"PK\x01\x02")
        content[at + 24 : at + 28] = struct.pack("<I", size)
        file.write_bytes(content)
        return file

    return make


_add("zip-overlap", _overlapping)
_add("zip-says-less", _says_size(10))
_add("zip-says-more", _says_size(10_000))
_add("zip-says-4-gib", _says_size(2**32 - 2))
_add("zip-other-names-inside", lambda path: _first_local_name(zipped(path, good())))
_add("zip-damaged-content", _patched(b"IDAT", b"IDAX"))
_add("zip-name-that-is-no-utf-8", _patched("\u00e9".encode(), b"\xff\xff", more={"b/\u00e9.png": picture()}))
_add("zip-without-a-name", _patched(b"b/x.png", b"\0/x.png", more={"b/x.png": picture()}))
_add("zip-encrypted", lambda path: _flagged(zipped(path, good())))


def _first_local_name(file: Path) -> Path:
    content = bytearray(file.read_bytes())
    content[30:37] = b"z/0.png"
    file.write_bytes(content)
    return file


def _flagged(file: Path) -> Path:
    content, start = bytearray(file.read_bytes()), 0
    while (start := content.find(b"PK\x01\x02", start)) >= 0:
        content[start + 8] |= 1
        start += 4
    file.write_bytes(content)
    return file


def _raw_tar(path: Path, size: bytes, kind: bytes = b"0") -> Path:
    """One header whose size field is what is given."""
    header = bytearray(_named("b/x.png", 0).tobuf(tarfile.GNU_FORMAT))
    header[124:136], header[156:157], header[148:156] = size, kind, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (path / "a.tar").write_bytes(bytes(header) + bytes(1024))
    return path / "a.tar"


_add("tar-negative-size", lambda path: _raw_tar(path, b"\xff" * 12))
_add("tar-says-8-gib", lambda path: _raw_tar(path, b"77777777777\0"))
_add("tar-long-name-of-1-gib", lambda path: _raw_tar(path, b"10000000000\0", b"L"))
_add("tar-pax-header-of-1-gib", lambda path: _raw_tar(path, b"10000000000\0", b"x"))


def _pax(headers: dict[str, str], content: bytes = bytes(1024)) -> Callable[[Path], Path]:
    """One member with these extended headers."""

    def make(path: Path) -> Path:
        member = _named("b/x.png", len(content))
        member.pax_headers = headers
        (path / "a.tar").write_bytes(member.tobuf(tarfile.PAX_FORMAT) + content)
        return path / "a.tar"

    return make


def _longer_than_it_is(path: Path) -> Path:
    file = tarred(path, good(), mode="w", form=tarfile.USTAR_FORMAT)
    content = bytearray(file.read_bytes())
    header = content.rfind(b"b/2.png\0")
    content[header + 124 : header + 136] = b"%011o\0" % 2**20
    content[header + 148 : header + 156] = b" " * 8
    content[header + 148 : header + 156] = b"%06o\0 " % sum(content[header : header + 512])
    file.write_bytes(content)
    return file


def _names_of_names(path: Path) -> Path:
    name = _named("././@LongLink", 300)
    name.type = tarfile.GNUTYPE_LONGNAME
    (path / "a.tar").write_bytes(5_000 * (name.tobuf(tarfile.USTAR_FORMAT) + b"n" * 300 + bytes(212)) + bytes(1024))
    return path / "a.tar"


_SPARSE = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "b/x.png", "GNU.sparse.realsize": "9"}
_add("tar-of-a-size-that-takes-years", _pax({"size": "9" * 300}))
_add("tar-of-less-than-nothing", _pax({"size": "-512"}))
_add("tar-other-path-in-pax", _pax({"path": "../b/x.png"}))
_add("tar-sparse-map-without-end", _pax(_SPARSE, b"1" * 1536))
_add("tar-longer-than-it-is", _longer_than_it_is)
_add("tar-names-of-names", _names_of_names)

# cut off, or something else altogether
_add("zip-cut", _cut(lambda path: zipped(path, good()), 0.7))
_add("tar-gz-cut", _cut(lambda path: tarred(path, good()), 0.7))
_add("tar-cut", _cut(lambda path: tarred(path, good(), mode="w"), 0.4))
_add("empty-file", lambda path: _written(path, b""))
_add("text", lambda path: _written(path, b"not an archive" * 100))
_add("gzip-of-text", lambda path: _written(path, gzip.compress(b"no tar" * 1000)))
_add("empty-zip", lambda path: zipped(path, {}))

# images that are none, or are not what they should be
_add("text-as-png", _beside("b/x.png", b"#!/bin/sh"))
_add("svg", _beside("b/x.svg", b"<svg onload='alert(1)'/>"))
_add("tiff-as-png", _beside("b/x.png", picture(kind="TIFF")))
_add("png-cut", _beside("b/x.png", picture(size=(64, 64))[:2000]))
_add("jpeg-cut", _beside("b/x.jpg", picture(size=(64, 64), kind="JPEG")[:900]))
_add("animated", _beside("b/x.gif", picture(kind="GIF", mode="P", save_all=True,
                                             append_images=[Image.new("P", (8, 8), 9)])))  # fmt: skip


def _with_text_bomb() -> bytes:
    text = b"zTXt" + b"k\0\0" + zlib.compress(bytes(64 * 2**20))
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    return picture()[:33] + chunk + picture()[33:]


_add("text-chunk-bomb", _beside("b/x.png", _with_text_bomb()))

# no dataset
_add("one-class", lambda path: zipped(path, {name: content for name, content in good().items() if name[0] == "a"}))
_add("257-classes", lambda path: zipped(path, {f"{n}/{m}.png": picture(n) for n in range(257) for m in (0, 1)}))
_add("no-class-folder", _beside("x.png", picture()))
_add("black", lambda path: zipped(path, dict.fromkeys(good(), _black())))
_add("idx-labels-do-not-fit", lambda path: zipped(path, {
    "train-images-idx3-ubyte": _five_images(), "train-labels-idx1-ubyte": _labels(4)
}))  # fmt: skip
_add("idx-says-more", lambda path: zipped(path, {
    "train-images-idx3-ubyte": _five_images()[:-1], "train-labels-idx1-ubyte": _labels(5)
}))  # fmt: skip
_add("idx-of-65535-squared", lambda path: zipped(path, {
    "train-images-idx3-ubyte": bytes((0, 0, 8, 3)) + b"\xff" * 12, "train-labels-idx1-ubyte": _labels(5)
}))  # fmt: skip


_add("idx-without-pixels", lambda path: zipped(path, {
    "train-images-idx3-ubyte": idx(np.zeros((4, 0, 8), np.uint8)),
    "train-labels-idx1-ubyte": idx(np.arange(4, dtype=np.uint8) % 2),
}))  # fmt: skip
_add("one-pixel", lambda path: zipped(path, {name: picture(n, (1, 1)) for n, name in enumerate(good())}))
_add("folder-without-an-end", _folder_with(lambda folder: (folder / "/".join(40 * "d")).mkdir(parents=True)))


def _five_images() -> bytes:
    return idx(np.zeros((5, 8, 8), np.uint8))


def _labels(num: int) -> bytes:
    return idx(np.arange(num, dtype=np.uint8))


def _black() -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "PNG")
    return file.getvalue()


def _written(path: Path, content: bytes) -> Path:
    (path / "a.zip").write_bytes(content)
    return path / "a.zip"
