"""The files in a zip, a tar, a .tar.gz or a folder, one after another, in memory, bounded before and as they inflate.

Limits, all guesses that leave room for what can be trained here: 200,000 files (MNIST has 70,000) of 32 MiB (a photo
has 5), 4 GiB unpacked, and 200 times what was packed (text packs to a tenth; a bomb to a thousandth).
"""

import gzip
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Self, cast

from worker.archives import StrictHeader
from worker.imports.refusals import BadFile, ImportRefused

MAX_FILES = 200_000
MAX_FILE_BYTES = 32 * 2**20
MAX_IDX_BYTES = 2**30  # of an unpacked IDX file, which holds all images
MAX_TOTAL_BYTES = 4 * 2**30
MAX_RATIO, RATIO_COUNTS_FROM = 200, 64 * 2**20  # bytes: a small archive of black images is no bomb
MAX_HEADER_BYTES = 64 * 1024  # of a tar's header for a long name
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError)
UNREADABLE = (*DAMAGE, RuntimeError, OSError, ValueError, OverflowError)


@dataclass(frozen=True)
class File:
    """`read` gives its content, once, before the next file is asked for; raises BadFile. `problem`: why it is none."""

    name: str
    read: Callable[[], bytes]
    problem: str | None = None


def files(path: Path) -> Iterator[File]:
    """Every file but folders, in the archive's order. Raises ImportRefused: no archive, damaged, too many, a bomb."""
    reader = _reader(path)
    try:
        for count, file in enumerate(reader, start=1):
            if count > MAX_FILES:
                raise ImportRefused(f"It holds more than {MAX_FILES:,} files.")
            yield file
    except ImportRefused:
        raise
    except DAMAGE as error:
        raise ImportRefused(f"It is damaged, cut off or no archive ({error or type(error).__name__}).") from error


def _reader(path: Path) -> Iterator[File]:
    if path.is_symlink():
        raise ImportRefused("It is a link.")
    if path.is_dir():
        return _folder(path)
    with path.open("rb") as file:
        start = file.read(512)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip(path)
    if start[:2] == b"\x1f\x8b" or start[257:262] == b"ustar":
        return _tar(path, is_packed=start[:2] == b"\x1f\x8b")
    raise ImportRefused("It is no .zip, .tar or .tar.gz.", "Pack the folder anew as one of these.")


class Budget:
    """Counts what was unpacked. Raises ImportRefused at a bomb."""

    def __init__(self, packed_bytes: int) -> None:
        self._packed, self._unpacked = packed_bytes, 0

    def spend(self, num_bytes: int) -> None:
        self._unpacked += num_bytes
        if self._unpacked > MAX_TOTAL_BYTES:
            raise ImportRefused(f"It unpacks to more than {MAX_TOTAL_BYTES // 2**30} GiB.")
        if self._unpacked > RATIO_COUNTS_FROM and self._unpacked > MAX_RATIO * self._packed:
            raise ImportRefused(f"It unpacks to more than {MAX_RATIO} times its size, as a bomb does.")


def limit_of(name: str) -> int:
    """IDX files hold all images in one."""
    return MAX_IDX_BYTES if "idx" in name.rsplit("/", 1)[-1].lower() else MAX_FILE_BYTES


def _too_large(name: str, num_bytes: int) -> str | None:
    return None if 0 <= num_bytes <= limit_of(name) else f"says that it has {num_bytes:,} bytes"


def _no_content() -> bytes:
    raise AssertionError("a file with a problem is not read")


def _zip(path: Path) -> Iterator[File]:
    budget = Budget(path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MAX_FILES:
            raise ImportRefused(f"It holds more than {MAX_FILES:,} files.")
        ends_at = 0
        for member in sorted(members, key=lambda member: member.header_offset):
            if member.header_offset < ends_at:
                raise ImportRefused("Its files overlap each other, as a bomb's do.")
            ends_at = member.header_offset + member.compress_size
        for member in members:
            name = member.orig_filename  # filename ends at a NUL
            if not (member.is_dir() and not member.file_size):
                yield File(name, partial(_unzipped, archive, member, budget), _zip_problem(member, name))
            elif "\0" in name or ".." in name.split("/") or name.startswith("/"):
                yield File(name, _no_content)


def _zip_problem(member: zipfile.ZipInfo, name: str) -> str | None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "is a link, a device or a pipe"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that is not read here; use deflate"
    return _too_large(name, member.file_size)


def _unzipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: Budget) -> bytes:
    try:
        with archive.open(member) as file:
            content = file.read(limit_of(member.filename) + 1)
    except UNREADABLE as error:
        raise BadFile(f"is damaged or not what the archive says of it ({error or type(error).__name__})") from error
    budget.spend(len(content))
    if len(content) != member.file_size:
        raise BadFile(f"says that it has {member.file_size:,} bytes and has {len(content):,}")
    return content


def _tar(path: Path, *, is_packed: bool) -> Iterator[File]:
    with path.open("rb") as file:
        budget = Budget(path.stat().st_size)
        stream = _Counted(gzip.GzipFile(fileobj=file) if is_packed else file, budget)
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_Header) as archive:
            for member in archive:
                if not member.isdir():
                    yield File(member.name, partial(_untarred, archive, member), _tar_problem(member))
                elif ".." in member.name.split("/") or member.name.startswith("/"):
                    yield File(member.name, _no_content)
                archive.members = []  # type: ignore[attr-defined]  # it would keep each header
        while stream.read(tarfile.RECORDSIZE):  # to gzip's checksum, which is at the end
            pass


def _tar_problem(member: tarfile.TarInfo) -> str | None:
    if not member.isreg() or member.issparse():
        return "is a link, a device, a pipe or a sparse file"
    return _too_large(member.name, member.size)


def _untarred(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = archive.extractfile(member)
    assert content is not None  # it is a regular file
    return content.read()


class _Header(StrictHeader):
    """Refuses headers that would be read whole into memory, and sizes below nothing."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        is_of_a_header = header.type in (*b"xgXLK",) or header.type in (b"x", b"g", b"X", b"L", b"K")
        if header.size < 0 or (is_of_a_header and header.size > MAX_HEADER_BYTES):
            raise tarfile.ReadError(f"a header says that it has {header.size:,} bytes")
        return header


class _Counted:
    """Ends a gzip bomb while it inflates."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, budget: Budget) -> None:
        self._stream, self._budget = stream, budget

    def read(self, size: int, /) -> bytes:
        content = self._stream.read(min(size, MAX_IDX_BYTES))
        self._budget.spend(len(content))
        return content


def _folder(path: Path) -> Iterator[File]:
    budget = Budget(MAX_TOTAL_BYTES)
    for num_folders, (parent, folders, names) in enumerate(os.walk(path, followlinks=False), start=1):
        if num_folders > MAX_FILES:
            raise ImportRefused(f"It holds more than {MAX_FILES:,} folders.")
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in (*names, *links):
            file = Path(parent, name)
            found = file.lstat()
            shown = file.relative_to(path).as_posix()
            problem = None if stat.S_ISREG(found.st_mode) else "is a link, a device or a pipe"
            problem = problem or _too_large(shown, found.st_size)
            yield File(shown, partial(_opened, file, limit_of(shown), budget), problem)


def _opened(file: Path, limit: int, budget: Budget) -> bytes:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise BadFile(f"cannot be read ({error.strerror})") from error
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadFile("is a link, a device or a pipe")
        content = opened.read(limit + 1)
    budget.spend(len(content))
    if len(content) > limit:
        raise BadFile(f"has more than {limit:,} bytes")
    return content
