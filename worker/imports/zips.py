"""The files in a zip."""

import stat
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from worker.imports.limits import DAMAGE, MAX_FILES, Budget, File, limit_of, no_content, too_large
from worker.imports.refusals import BadFile, ImportRefused

UNREADABLE = (*DAMAGE, RuntimeError, OSError, ValueError, OverflowError)


def files_in_zip(path: Path) -> Iterator[File]:
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
                yield File(name, no_content)


def _zip_problem(member: zipfile.ZipInfo, name: str) -> str | None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "is a link, a device or a pipe"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that is not read here; use deflate"
    return too_large(name, member.file_size)


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
