"""What a backup holds: its manifest, and what its database says of itself and of the runs' files."""

import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from core.database import SCHEMA_VERSION, sqlite_module

MANIFEST = "manifest.json"
DATABASE = "trainyard.sqlite3"
_NAME_OF_FILE = re.compile(r"runs/[1-9][0-9]{0,18}/[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class BackupRefused(RuntimeError):
    """A backup was not made or not restored; the message says why and what to do. Nothing half is left."""


class Manifest(BaseModel):
    """The tar's first member. `datasets`: imported ones, whose images are in the tar. `left_out`: what the database
    names and was missing or damaged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    schema_version: int
    created_at: AwareDatetime
    num_runs: int
    num_files: int
    datasets: tuple[str, ...] = ()
    database_sha256: str
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class NamedFile:
    """A file of a run as the database has it; `name` is its path below the data folder and in the tar."""

    name: str
    sha256: str
    num_bytes: int


def named_files(database_file: Path) -> list[NamedFile]:
    """Every file the runs of this database left, once each; raises BackupRefused for a name that none of ours has."""
    query = "SELECT DISTINCT run_id, file_name, sha256, num_bytes FROM artifact ORDER BY run_id, file_name"
    with closing(sqlite_module().connect(database_file)) as connection:
        rows = connection.execute(query).fetchall()
    files = [NamedFile(f"runs/{run_id}/{name}", sha256, num_bytes) for run_id, name, sha256, num_bytes in rows]
    strange = next((file.name for file in files if not _NAME_OF_FILE.fullmatch(file.name)), None)
    if strange is not None:
        raise BackupRefused(f"The database names the file {strange!r}, which no run can have left.")
    return files


def facts_of(database_file: Path) -> tuple[int, int]:
    """Its schema and its number of runs; raises BackupRefused where this version cannot read it."""
    with closing(sqlite_module().connect(database_file)) as connection:
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
        if not 1 <= schema <= SCHEMA_VERSION:
            raise BackupRefused(
                f"The database has schema {schema}; this version reads 1 to {SCHEMA_VERSION}. Use a newer Trainyard."
            )
        (num_runs,) = connection.execute("SELECT count(*) FROM run").fetchone()
    return schema, num_runs
