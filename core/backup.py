"""A backup: one tar of the database as it stood at one moment and of the files it names, taken while runs are trained.

With the images of imported datasets, and without those that are fetched or made again, the token, and the copies that
migrations make.
"""

import fcntl
import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.exc import DatabaseError

from core.backup_contents import DATABASE, MANIFEST, BackupRefused, Manifest, NamedFile, facts_of, named_files
from core.backup_datasets import NamedDataset, named_datasets
from core.database import Database, copy_database, sqlite_module
from core.durable import link_or_copy, sync_folder
from core.settings import Settings

STAGING = ".staging"


def back_up(settings: Settings, file: Path) -> Manifest:
    """Writes `file`, whole or not at all; raises BackupRefused."""
    if file.exists():
        raise BackupRefused(f"{file} is there already. Choose another name.")
    if not settings.database_file.is_file():
        raise BackupRefused(f"There is no database in {settings.data_dir}: nothing to back up.")
    try:
        with staging(settings.data_dir) as stage:
            named, imported = _freeze(settings, stage)
            damaged = {one.name for one in named if _sha256_of(stage / one.name) != one.sha256}
            whole = [one for one in imported if one.is_whole(stage)]
            lost = [f"images of {one.name}" for one in imported if one not in whole]
            schema_version, num_runs = facts_of(stage / DATABASE)
            manifest = Manifest(
                schema_version=schema_version, created_at=datetime.now(UTC), num_runs=num_runs,
                num_files=len(named) - len(damaged), datasets=tuple(one.name for one in whole),
                database_sha256=str(_sha256_of(stage / DATABASE)), left_out=(*sorted(damaged), *lost),
            )  # fmt: skip
            members = [DATABASE, *(one.name for one in named if one.name not in damaged)]
            members += [file for one in whole for file in one.files]
            num_bytes = sum((stage / name).stat().st_size for name in members)
            _refuse_too_little_room(settings, file.absolute().parent, num_bytes)
            _write_tar(file, manifest, stage, members)
    except OSError as error:
        reason = error.strerror or error
        raise BackupRefused(f"{file} was not written: {reason}. Free disk space or choose another place.") from error
    except (DatabaseError, sqlite_module().Error) as error:
        raise BackupRefused(f"The database could not be copied: {getattr(error, 'orig', error)}.") from error
    return manifest


@contextmanager
def staging(data_dir: Path) -> Iterator[Path]:
    """An empty folder on the data folder's disk, for one backup or restore at a time; raises BackupRefused.

    What a killed one left there is removed by the next, or when the server starts.
    """
    folder = data_dir / STAGING
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRefused(f"Another backup or restore of {data_dir} is at work.") from None
        _empty(folder)
        try:
            yield folder
        finally:
            _empty(folder)
    finally:
        os.close(handle)


def remove_leftovers(data_dir: Path) -> None:
    """What a killed backup or restore left, whose links would keep the room of files that go; unless one is at work."""
    if (data_dir / STAGING).is_dir():
        with suppress(BackupRefused), staging(data_dir):
            pass


def _freeze(settings: Settings, stage: Path) -> tuple[list[NamedFile], list[NamedDataset]]:
    """Database, files and images as they stand now. The write lock is held: nobody records, supersedes or purges
    meanwhile, and a file goes only after the commit that no longer names it."""
    database = Database(settings.database_file)
    try:
        with database.writing():
            copy_database(settings.database_file, stage / DATABASE)
            named, imported = named_files(stage / DATABASE), named_datasets(stage / DATABASE)
            for name in (*(one.name for one in named), *(file for one in imported for file in one.files)):
                with suppress(FileNotFoundError):  # left out, and told
                    link_or_copy(settings.data_dir / name, stage / name)
    finally:
        database.close()
    return named, imported


def _refuse_too_little_room(settings: Settings, folder: Path, num_bytes: int) -> None:
    """On the disk of the data folder, what is kept free for runs stays free."""
    free, is_ours = shutil.disk_usage(folder).free, folder.stat().st_dev == settings.data_dir.stat().st_dev
    floor_mib = settings.min_free_mib if is_ours else 0
    if free < num_bytes + floor_mib * 2**20:
        kept = f", of which {floor_mib} MiB are kept free for runs. Choose another disk" if floor_mib else ""
        raise BackupRefused(f"It takes {num_bytes // 2**20} MiB, and {folder} has {free // 2**20} MiB left{kept}.")


def _write_tar(file: Path, manifest: Manifest, stage: Path, members: Sequence[str]) -> None:
    """The manifest first, then the members in this order, under a temporary name until all is on the disk."""
    partial = file.with_name(f"{file.name}.partial")
    told = manifest.model_dump_json(indent=2).encode()
    try:
        with partial.open("wb") as written:
            with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as tar:
                _add(tar, MANIFEST, io.BytesIO(told), len(told))
                for name in members:
                    with (stage / name).open("rb") as member:
                        _add(tar, name, member, os.fstat(member.fileno()).st_size)
            written.flush()
            os.fsync(written.fileno())
        partial.rename(file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(file.absolute().parent)


def _add(tar: tarfile.TarFile, name: str, content: BinaryIO, num_bytes: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime = num_bytes, datetime.now(UTC).timestamp()
    tar.addfile(member, content)


def _sha256_of(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
