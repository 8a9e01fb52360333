"""From a backup to a data folder: every member is checked, and all of it comes or none."""

import hashlib
import os
import tarfile
from collections.abc import Iterator, Sequence
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
from core.backup_datasets import FOLDER, NamedDataset, named_datasets
from core.database import DatabaseRefused, open_database, sqlite_module
from core.dataset_tables import ImportedDataset
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
            _put_to_rest(stage / DATABASE, manifest)
            _refuse_used_folder(settings, manifest.datasets)  # a server may have been started meanwhile
            _bring_home(stage, settings, manifest)
    except OSError as error:
        raise BackupRefused(f"{file} was not restored: {error.strerror or error}.") from error
    except (tarfile.TarError, ValidationError) as error:
        raise BackupRefused(f"{file} is not a backup of Trainyard, or it is damaged. Use another copy.") from error
    except (DatabaseError, sqlite_module().Error) as error:
        raise BackupRefused(f"The database in {file} cannot be used: {getattr(error, 'orig', error)}.") from error
    except DatabaseRefused as error:
        raise BackupRefused(str(error)) from error
    return manifest


def _refuse_used_folder(settings: Settings, datasets: Sequence[str] = ()) -> None:
    """A write-ahead log that lies there without its database would be taken for one of the new database."""
    files = (settings.data_dir / (DATABASE + end) for end in ("", "-wal", "-shm", "-journal"))
    images = (settings.materialised_dir / name for name in datasets)
    there = [file for file in (*files, *images) if file.exists()]
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
    imported = [one for one in named_datasets(stage / DATABASE) if one.name in manifest.datasets]
    of_datasets = {file for one in imported for file in one.files}
    for member in members:
        file = wanted.pop(member.name, None)
        if file is not None and member.size == file.num_bytes:
            _unpack_member(tar, member, stage, file.sha256)
        elif member.name in of_datasets:
            of_datasets.remove(member.name)
            _unpack_member(tar, member, stage, None)
        else:
            raise BackupRefused(f"The backup holds {member.name!r}, which does not belong to it.")
    if wanted or of_datasets:
        lacks, num = min([*wanted, *of_datasets]), len(wanted) + len(of_datasets)
        raise BackupRefused(f"The backup lacks files that its database names: {lacks!r}, {num} in all.")
    _check_datasets(imported, manifest, stage)
    return manifest


def _check_datasets(imported: Sequence[NamedDataset], manifest: Manifest, stage: Path) -> None:
    broken = next((one.name for one in imported if not one.is_whole(stage)), None)
    unknown = next(iter({*manifest.datasets} - {one.name for one in imported}), None)
    if broken or unknown:
        raise BackupRefused(f"The images of {broken or unknown!r} in the backup are damaged. Use another copy.")


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


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, stage: Path, sha256: str | None) -> None:
    """To its name below `stage`, which the caller has compared with the expected ones; never through a link. `sha256`:
    None for a file that is checked with the others of its dataset."""
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
    if sha256 is not None and digest.hexdigest() != sha256:
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


def _put_to_rest(file: Path, manifest: Manifest) -> None:
    """Migrates an older database; ends its workers, of which none lives any more, so that their runs wait again; what
    is in the bin stays there for its full time from now; a dataset without its images can be imported again."""
    database = open_database(file)
    try:
        with database.writing() as session:
            for worker in workers.live_workers(session):
                assert worker.id is not None
                workers.end(session, worker.id)
            binned = col(Run.deleted_at).is_not(None)
            session.exec(update(Run).where(binned).values(deleted_at=datetime.now(UTC)))
            lost = col(ImportedDataset.name).not_in(manifest.datasets) & col(ImportedDataset.deleted_at).is_(None)
            session.exec(update(ImportedDataset).where(lost).values(deleted_at=datetime.now(UTC)))
    finally:
        database.close()


def _bring_home(stage: Path, settings: Settings, manifest: Manifest) -> None:
    """The database last: where it is, all is. Each is a rename on one disk."""
    moves = [(stage / FOLDER / name, settings.materialised_dir / name) for name in manifest.datasets]
    if (stage / "runs").exists():
        moves.append((stage / "runs", settings.runs_dir))  # in the place of an empty folder
    moves.append((stage / DATABASE, settings.database_file))
    done: list[tuple[Path, Path]] = []
    try:
        for original, target in moves:
            target.parent.mkdir(parents=True, exist_ok=True)
            original.rename(target)
            done.append((original, target))
    except OSError:
        for original, target in reversed(done):
            target.rename(original)
        raise
    for folder in {target.parent for _, target in moves}:
        sync_folder(folder)
