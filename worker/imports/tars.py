"""The files in a tar, packed or not, as a stream."""

import gzip
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Self, cast

from worker.archives import StrictHeader
from worker.imports.limits import MAX_IDX_BYTES, Budget, File, no_content, too_large

MAX_HEADER_BYTES = 64 * 1024  # of a tar's header for a long name


def files_in_tar(path: Path, *, is_packed: bool) -> Iterator[File]:
    with path.open("rb") as file:
        budget = Budget(path.stat().st_size)
        stream = _Counted(gzip.GzipFile(fileobj=file) if is_packed else file, budget)
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_Header) as archive:
            for member in archive:
                if not member.isdir():
                    yield File(member.name, partial(_untarred, archive, member), _tar_problem(member))
                elif ".." in member.name.split("/") or member.name.startswith("/"):
                    yield File(member.name, no_content)
                archive.members = []  # type: ignore[attr-defined]  # it would keep each header
        while stream.read(tarfile.RECORDSIZE):  # to gzip's checksum, which is at the end
            pass


def _tar_problem(member: tarfile.TarInfo) -> str | None:
    if not member.isreg() or member.issparse():
        return "is a link, a device, a pipe or a sparse file"
    return too_large(member.name, member.size)


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
