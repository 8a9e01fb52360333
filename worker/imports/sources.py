"""The files in a zip, a tar, a .tar.gz or a folder, one after another, in memory, within limits."""

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from worker.imports.limits import DAMAGE, MAX_FILES, MAX_TOTAL_BYTES, Budget, File, limit_of, too_large
from worker.imports.refusals import BadFile, ImportRefused
from worker.imports.tars import files_in_tar
from worker.imports.zips import files_in_zip


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
        return files_in_zip(path)
    if start[:2] == b"\x1f\x8b" or start[257:262] == b"ustar":
        return files_in_tar(path, is_packed=start[:2] == b"\x1f\x8b")
    raise ImportRefused("It is no .zip, .tar or .tar.gz.", "Pack the folder anew as one of these.")


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
            problem = problem or too_large(shown, found.st_size)
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
