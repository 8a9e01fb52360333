"""The files in a tar, packed or not, as a stream."""

import gzip
import os
import tarfile
from collections.abc import Iterator
from functools import partial
from typing import IO, BinaryIO, Self, cast

from worker.archives import StrictHeader
from worker.imports.limits import DAMAGE, MAX_FILES, MAX_IDX_BYTES, MAX_TOTAL_BYTES, Budget, File, no_content, too_large
from worker.imports.refusals import BadFile, ImportRefused

MAX_HEADER_BYTES = 64 * 1024  # of a tar's header for a long name


def files_in_tar(file: BinaryIO, *, is_packed: bool) -> Iterator[File]:
    budget = Budget(os.fstat(file.fileno()).st_size)
    stream = _Counted(gzip.GzipFile(fileobj=file) if is_packed else file, budget)
    with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_Header) as archive:
        for count, member in enumerate(archive, start=1):
            if count > MAX_FILES:  # of folders as well
                raise ImportRefused(f"It holds more than {MAX_FILES:,} files.")
            if not member.isdir():
                yield File(member.name, partial(_untarred, archive, member), _tar_problem(member))
            elif ".." in member.name.split("/") or member.name.startswith("/"):
                yield File(member.name, no_content)
            if not 0 <= member.size <= MAX_TOTAL_BYTES:  # tarfile would look for its end, for years
                raise ImportRefused("A file in it says that it has an impossible size.")
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
    try:
        return content.read()
    except DAMAGE as error:
        raise BadFile(f"is damaged or cut off ({error or type(error).__name__})") from error


class _Header(StrictHeader):
    """Refuses headers that would be read whole into memory, and sizes below nothing."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        is_of_a_header = header.type in (b"x", b"g", b"X", b"L", b"K")
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
