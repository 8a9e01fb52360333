"""The files in a zip, a tar, a .tar.gz or a folder, one after another, in memory, within limits."""

import errno
import gzip
import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from worker.imports import limits
from worker.imports.limits import DAMAGE, MAX_FILES, MAX_TOTAL_BYTES, SLIPS, Budget, File
from worker.imports.names import MAX_DEPTH
from worker.imports.refusals import BadFile, ImportRefused
from worker.imports.tars import files_in_tar
from worker.imports.zips import files_in_zip

IS_LINK = "is a link, a device or a pipe"
WHAT_IT_CAN_BE = "Pack the folder, or the files that belong together, as one of these."


def files(path: Path) -> Iterator[File]:
    """Every file but folders, in the archive's order. Raises ImportRefused: no archive, damaged, too many, a bomb."""
    try:
        for count, file in enumerate(_folder(path) if path.is_dir() else _archive(path), start=1):
            if count > MAX_FILES:
                raise ImportRefused(f"It holds more than {MAX_FILES:,} files.")
            yield file
    except ImportRefused:
        raise
    except DAMAGE as error:
        why = f"It is damaged, cut off or no archive ({error or type(error).__name__})."
        raise ImportRefused(why, "Pack it anew, then import again.") from error
    except SLIPS as error:
        raise ImportRefused("It is damaged, or made to do harm.", "Pack it anew, then import again.") from error


def _archive(path: Path) -> Iterator[File]:
    with _opened(path) as file:
        start = file.read(512)
        file.seek(0)
        if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            yield from files_in_zip(file)
            return
        is_packed = start[:2] == b"\x1f\x8b"
        if is_packed:
            start = gzip.GzipFile(fileobj=file).read(512)
            file.seek(0)
        if start[257:262] != b"ustar":
            what = "one packed file, and no .tar.gz or .zip" if is_packed else "no .zip, .tar or .tar.gz"
            raise ImportRefused(f"It is {what}.", WHAT_IT_CAN_BE)
        yield from files_in_tar(file, is_packed=is_packed)


def _opened(path: Path) -> BinaryIO:
    try:
        return os.fdopen(_descriptor(path), "rb")
    except OSError as error:
        raise ImportRefused("It is a link." if error.errno == errno.ELOOP else f"It {_unreadable(error)}.") from error
    except BadFile as error:
        raise ImportRefused(f"It {error}.") from error


def _folder(path: Path) -> Iterator[File]:
    """By descriptors of folders, so that one that becomes a link meanwhile leads nowhere."""
    if path.is_symlink():
        raise ImportRefused("It is a link.")
    budget = Budget(MAX_TOTAL_BYTES)
    for num_folders, (parent, folders, names, descriptor) in enumerate(os.fwalk(path), start=1):
        if num_folders > MAX_FILES:
            raise ImportRefused(f"It holds more than {MAX_FILES:,} folders.")
        inside = Path(parent).relative_to(path)
        if len(inside.parts) >= MAX_DEPTH and folders:
            raise ImportRefused(f"It has folders in folders, more than {MAX_DEPTH} deep.")
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in (*names, *links):
            shown = (inside / name).as_posix()
            try:
                found = os.lstat(name, dir_fd=descriptor)
            except OSError as error:
                yield File(shown, limits.no_content, _unreadable(error))
                continue
            problem = None if stat.S_ISREG(found.st_mode) else IS_LINK
            problem = problem or limits.too_large(shown, found.st_size)
            yield File(shown, partial(_content, name, descriptor, limits.limit_of(shown), budget), problem)


def _content(name: str, folder: int, limit: int, budget: Budget) -> bytes:
    try:
        with os.fdopen(_descriptor(name, folder), "rb") as opened:
            content = opened.read(limit + 1)
    except OSError as error:
        raise BadFile(_unreadable(error)) from error
    budget.spend(len(content))
    if len(content) > limit:
        raise BadFile(f"has more than {limit:,} bytes")
    return content


def _descriptor(path: Path | str, folder: int | None = None) -> int:
    """Of a plain file, whatever lay there a moment ago. Raises BadFile, OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadFile(IS_LINK)
    return descriptor


def _unreadable(error: OSError) -> str:
    return f"cannot be read ({error.strerror})"
