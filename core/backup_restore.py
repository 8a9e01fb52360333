"""From a backup to a data folder: every member is checked, and all of it comes or none."""

import hashlib
import os
import tarfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError
from sqlmodel import col

from core import workers
from core.backup import staging
from core.backup_contents import DATABASE, MANIFEST, BackupRefused, Manifest, facts_of, named_files
from core.database import DatabaseRefused, open_database, sqlite_module
from core.durable import sync_folder
from core.settings import Settings
from core.tables import Run

MOST_MANIFEST_BYTES = 16 * 2**20  # 100,000 files left out would fit
CHUNK_BYTES = 2**20
# What a database of ours never holds, and what could act when it is opened.
_ACTIVE_SCHEMA = "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view') OR sql LIKE 'CREATE VIRTUAL%'"


def restore_backup(settings: Settings, file: Path) -> Manifest:
    """Makes the data folder what it was; it must hold no database and no runs. Raises BackupRefused."""
    _refuse_used_folder(settings)
    try:
        with staging(settings.data_dir) as stage, tarfile.open(file, "r:") as tar:  # never compressed
            manifest = _unpack(tar, stage)
            _put_to_rest(stage / DATABASE)
            _refuse_used_folder(settings)  # a server may have been started meanwhile
            _bring_home(stage, settings)
    except OSError as error:
        raise BackupRefused(f"{file} was not restored: {error.strerror or error}.") from error
    except (tarfile.TarError, ValidationError) as error:
        raise BackupRefused(f"{file} is not a backup of Trainyard, or it is damaged. Use another copy.") from error
    except (DatabaseError, sqlite_module().Error) as error:
        raise BackupRefused(f"The database in {file} cannot be used: {getattr(error, 'orig', error)}.") from error
    except DatabaseRefused as error:
        raise BackupRefused(str(error)) from error
    return manifest


def _refuse_used_folder(settings: Settings) -> None:
    """A write-ahead log that lies there without its database would be taken for one of the new database."""
    files = (settings.data_dir / (DATABASE + end) for end in ("", "-wal", "-shm", "-journal"))
    there = [file for file in files if file.exists()]
    if settings.runs_dir.is_dir() and any(settings.runs_dir.iterdir()):
        there.append(settings.runs_dir)
    if there:
        raise BackupRefused(
            f"{there[0]} is there already, and a restore replaces nothing. Stop Trainyard and move the folder"
            f" {settings.data_dir} away, or set TRAINYARD_DATA_DIR to a new one."
        )


def _unpack(tar: tarfile.TarFile, stage: Path) -> Manifest:
    """Manifest, database and every file it names, checked by SHA-256, below `stage`; anything else is refused."""
    members = iter(tar)
    manifest = _manifest(tar, _next(members, MANIFEST))
    _unpack_member(tar, _next(members, DATABASE), stage, manifest.database_sha256)
    _check_database(stage / DATABASE, manifest)
    wanted = {file.name: file for file in named_files(stage / DATABASE) if file.name not in manifest.left_out}
    for member in members:
        file = wanted.pop(member.name, None)
        if file is None or member.size != file.num_bytes:
            raise BackupRefused(f"The backup holds {member.name!r}, which does not belong to it.")
        _unpack_member(tar, member, stage, file.sha256)
    if wanted:
        raise BackupRefused(f"The backup lacks files that its database names: {min(wanted)!r}, {len(wanted)} in all.")
    return manifest


def _next(members: Iterator[tarfile.TarInfo], name: str) -> tarfile.TarInfo:
    member = next(members, None)
    if member is None or member.name != name:
        raise BackupRefused(f"It is not a backup of Trainyard: {name} is not where it should be.")
    return member


def _manifest(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Manifest:
    content = tar.extractfile(member) if _is_plain(member) and member.size <= MOST_MANIFEST_BYTES else None
    if content is None:
        raise BackupRefused(f"Its {MANIFEST} is not one of Trainyard's.")
    return Manifest.model_validate_json(content.read())


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, stage: Path, sha256: str) -> None:
    """To its name below `stage`, which the caller has compared with the expected ones; never through a link."""
    content = tar.extractfile(member) if _is_plain(member) else None
    if content is None:
        raise BackupRefused(f"{member.name!r} in the backup is not a plain file.")
    target, digest = stage / member.name, hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as written:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            written.write(chunk)
        written.flush()
        os.fsync(written.fileno())
    if digest.hexdigest() != sha256:
        raise BackupRefused(f"{member.name!r} in the backup is damaged: its SHA-256 differs. Use another copy.")


def _is_plain(member: tarfile.TarInfo) -> bool:
    return member.type == tarfile.REGTYPE and not member.issparse()


def _check_database(file: Path, manifest: Manifest) -> None:
    schema, num_runs = facts_of(file)
    with closing(sqlite_module().connect(file)) as connection:
        sound = connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
        active = connection.execute(_ACTIVE_SCHEMA).fetchone() != (0,)
    if not sound or active or (schema, num_runs) != (manifest.schema_version, manifest.num_runs):
        raise BackupRefused("The database in the backup is damaged, or is not one of Trainyard's. Use another copy.")


def _put_to_rest(file: Path) -> None:
    """Migrates an older database; ends its workers, of which none lives any more, so that their runs wait again; what
    is in the bin stays there for its full time from now."""
    database = open_database(file)
    try:
        with database.writing() as session:
            for worker in workers.live_workers(session):
                assert worker.id is not None
                workers.end(session, worker.id)
            binned = col(Run.deleted_at).is_not(None)
            session.exec(update(Run).where(binned).values(deleted_at=datetime.now(UTC)))
    finally:
        database.close()


def _bring_home(stage: Path, settings: Settings) -> None:
    """The runs' files first: where the database is, all is. Both are renames on one disk."""
    unpacked = stage / "runs"
    if unpacked.exists():
        if settings.runs_dir.exists():
            settings.runs_dir.rmdir()
        unpacked.rename(settings.runs_dir)
    try:
        (stage / DATABASE).rename(settings.database_file)
    except OSError:
        if settings.runs_dir.exists():
            settings.runs_dir.rename(unpacked)
        raise
    sync_folder(settings.data_dir)
