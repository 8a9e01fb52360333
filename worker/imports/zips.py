"""The files in a zip."""

import os
import stat
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from worker.imports.limits import DAMAGE, MAX_FILES, SLIPS, Budget, File, limit_of, no_content, too_large
from worker.imports.refusals import BadFile, ImportRefused

UNREADABLE = (*DAMAGE, *SLIPS, RuntimeError, OSError)
SAYS_UTF8 = 0x800


def files_in_zip(file: BinaryIO) -> Iterator[File]:
    budget = Budget(os.fstat(file.fileno()).st_size)
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > MAX_FILES:
            raise ImportRefused(f"It holds more than {MAX_FILES:,} files.")
        ends_at = 0
        for member in sorted(members, key=lambda member: member.header_offset):
            if member.header_offset < ends_at:
                raise ImportRefused("Its files overlap each other, as a bomb's do.")
            ends_at = member.header_offset + member.compress_size
        for member in members:
            name = _name(member)
            if not (name.endswith("/") and not member.file_size):
                yield File(name, partial(_unzipped, archive, member, budget), _zip_problem(member, name))
            elif "\0" in name or ".." in name.split("/") or name.startswith("/"):
                yield File(name, no_content)


def _name(member: zipfile.ZipInfo) -> str:
    """As it was meant: the Mac's Archive Utility writes UTF-8 without saying so, and the format's own letters are those
    of DOS. Not `filename`, which ends at a NUL."""
    name = member.orig_filename
    if member.flag_bits & SAYS_UTF8:
        return name
    try:
        return name.encode("cp437").decode()
    except UnicodeError:
        return name


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
