"""The files in a tar, a zip or a folder, one after another, in memory.

Nothing is extracted, so an archive cannot write to our disk; counts and sizes are bounded before they are read.
"""

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Self, cast

MAX_FILES = 200_000  # in an archive; MNIST's train split has 60,000
MAX_FILE_BYTES = 64 * 1024  # an uncompressed 28×28 RGB image has 2.4 kB
MAX_TOTAL_BYTES = 512 * 1024**2  # unpacked; 60,000 small PNGs are 90 MB of tar

Member = tuple[str, bytes]
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError)
# RuntimeError: zipfile's word for a password; the others: what both let through of a hostile header
_UNREADABLE = (*_DAMAGED, RuntimeError, ValueError, LookupError, OverflowError)


class ArchiveRefused(ValueError):
    """Says which file of the archive is not as it must be."""


def members(path: Path) -> Iterator[Member]:
    """Name and content of each regular file. Raises ArchiveRefused: links, devices, too much, damage."""
    reader = _folder if path.is_dir() else _zip if path.suffix == ".zip" else _tar
    total = 0
    try:
        for count, (name, content) in enumerate(reader(path), start=1):
            total += len(content)
            if count > MAX_FILES or total > MAX_TOTAL_BYTES:
                raise ArchiveRefused(f"it holds more than {MAX_FILES:,} files or {MAX_TOTAL_BYTES:,} bytes")
            yield name, content
    except ArchiveRefused:
        raise
    except _UNREADABLE as error:
        raise ArchiveRefused(f"it is damaged or not an archive ({error})") from error


def _tar(path: Path) -> Iterator[Member]:
    with path.open("rb") as file:
        stream = _Bounded(gzip.GzipFile(fileobj=file) if path.suffix in (".gz", ".tgz") else file)
        source = cast(IO[bytes], stream)  # of a file object, mode "r|" calls read alone
        with tarfile.open(fileobj=source, mode="r|", tarinfo=StrictHeader) as archive:
            for member in archive:
                if member.isdir() or is_litter(member.name):
                    continue
                _refuse_unless_small(member.name, member.size, is_file=member.isreg())
                content = archive.extractfile(member)
                assert content is not None  # it is a regular file
                yield member.name, content.read()
        while stream.read(tarfile.RECORDSIZE):  # to gzip's checksum, which is at the end
            pass


class StrictHeader(tarfile.TarInfo):
    """tarfile takes a cut tar, or one damaged in the middle, for a shorter one: only zeros are an end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # typeshed leaves it out
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


class _Bounded:
    """Ends a gzip bomb."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile) -> None:
        self.stream = stream
        self.num_read = 0

    def read(self, size: int, /) -> bytes:
        content = self.stream.read(size)
        self.num_read += len(content)
        if self.num_read > MAX_TOTAL_BYTES:
            raise ArchiveRefused(f"it unpacks to more than {MAX_TOTAL_BYTES:,} bytes")
        return content


def _zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir() or is_litter(member.filename):
                continue
            _refuse_unless_small(member.filename, member.file_size, is_file=True)
            with archive.open(member) as file:  # read() without a size would unpack what file_size lied about
                yield member.filename, file.read(MAX_FILE_BYTES + 1)


def _folder(path: Path) -> Iterator[Member]:
    for file in path.rglob("*"):
        name = file.relative_to(path).as_posix()
        if is_litter(name) or (file.is_dir() and not file.is_symlink()):
            continue
        _refuse_unless_small(name, file.lstat().st_size, is_file=file.is_file() and not file.is_symlink())
        yield name, file.read_bytes()


def _refuse_unless_small(name: str, num_bytes: int, *, is_file: bool) -> None:
    if not is_file:
        raise ArchiveRefused(f"{name} is a link or a device, not a file")
    if num_bytes > MAX_FILE_BYTES:
        raise ArchiveRefused(f"{name} has {num_bytes:,} bytes, too many for a small PNG")


def is_litter(name: str) -> bool:
    """Finder leaves .DS_Store, ._0_5.png and __MACOSX behind: no images, and no harm."""
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in PurePosixPath(name).parts)
