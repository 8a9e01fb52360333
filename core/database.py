"""One SQLite file: reading and writing sessions, its pragmas, and what is refused at opening.

One writer at a time per process (a lock), BEGIN IMMEDIATE for each writing transaction, read-only reading sessions.
"""

import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Connection, Engine, create_engine, event, insert, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, SQLModel

from core import dataset_tables, gallery, run_tables, tables  # noqa: F401 create_all makes the tables of all

SCHEMA_VERSION = 13  # the newest step in core/migrations
# Below this version a WAL reset can lose a committed transaction (sqlite.org, release log 3.51.3).
FIRST_SOUND_SQLITE = (3, 51, 3)
BUSY_TIMEOUT_SECONDS = 30
# WAL needs shared memory and real locks between the processes, which these do not give.
SHARED_FILE_SYSTEMS = frozenset({
    "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "9p", "virtiofs", "vboxsf", "vmhgfs", "ceph",
    "glusterfs", "lustre", "fuse.sshfs", "fuse.vmhgfs-fuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs",
})  # fmt: skip


class DatabaseRefused(RuntimeError):
    """The database file cannot be used safely; the message says why and what to do."""


class Database:
    """The sessions of one process. `reading()` and `writing()` are the only ways to rows."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._write_lock = threading.Lock()
        self._writer = _engine(
            file, begin="BEGIN IMMEDIATE", pragmas=("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
        )
        self._reader = _engine(file, begin="BEGIN", pragmas=("query_only=ON",))

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that holds the write lock from its start and commits at its end, or rolls back."""
        with self._write_lock, Session(self._writer, expire_on_commit=False) as session, session.begin():
            session.connection()  # BEGIN IMMEDIATE now, so that what is read is what will be changed
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A read-only session over one snapshot."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def watch(self) -> "ChangeWatch":
        """A watch of its own connection; use it from one thread."""
        return ChangeWatch(self._reader)

    def close(self) -> None:
        self._reader.dispose()
        self._writer.dispose()


class ChangeWatch:
    """Tells cheaply whether any other connection committed, by PRAGMA data_version."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.raw_connection()
        self._seen: int | None = None

    def changed(self) -> bool:
        """True where something was committed since the call before, and at the first call."""
        cursor = self._connection.cursor()
        version = int(cursor.execute("PRAGMA data_version").fetchone()[0])
        cursor.close()
        changed = version != self._seen
        self._seen = version
        return changed

    def close(self) -> None:
        self._connection.close()


def open_database(file: Path) -> Database:
    """Opens the file, makes it where there is none; raises DatabaseRefused where it would not be safe."""
    _refuse_shared_folder(file.parent)
    database = Database(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with database.writing() as session:
            _bring_up_to_date(session.connection(), file)
    except DatabaseRefused:
        database.close()
        raise
    except (DatabaseError, OSError, sqlite_module().Error) as error:
        database.close()
        advice = "If it is damaged, restore a backup; else look at permissions and at what is free on the disk."
        raise DatabaseRefused(f"{file} cannot be opened: {getattr(error, 'orig', error)}. {advice}") from error
    return database


def _bring_up_to_date(connection: Connection, file: Path) -> None:
    """Makes the tables of a new file and migrates those of an older one; raises DatabaseRefused for a newer one."""
    schema = connection.execute(text("PRAGMA user_version")).scalar_one()
    if schema == SCHEMA_VERSION:
        return
    if schema > SCHEMA_VERSION:
        raise DatabaseRefused(
            f"{file} was written by a newer version of Trainyard (schema {schema}; this one reads {SCHEMA_VERSION})."
            " Use that version, or set TRAINYARD_DATA_DIR to a new folder."
        )
    if schema == 0:
        SQLModel.metadata.create_all(connection)
        connection.execute(insert(tables.QueueControl).values(id=1))
    else:
        from core.migrations import upgrade  # alembic is needed once in a file's life

        copy_database(file, file.with_name(f"{file.name}.schema-{schema}"))
        upgrade(connection, schema)
    connection.execute(text(f"PRAGMA user_version = {SCHEMA_VERSION}"))


def copy_database(file: Path, target: Path) -> None:
    """What is committed in `file`, as one whole database at `target`, while others read and write it."""
    with closing(sqlite_module().connect(file)) as source, closing(sqlite_module().connect(target)) as copy:
        source.backup(copy)


def sqlite_module() -> Any:  # a module, of which there are two
    """pysqlite3 where the system's SQLite has the WAL bug and a newer one is installed, else the system's."""
    if sqlite3.sqlite_version_info < FIRST_SOUND_SQLITE and sys.platform == "linux":
        try:
            import pysqlite3.dbapi2 as newer
        except ImportError:
            return sqlite3
        return newer
    return sqlite3


def sqlite_warning() -> str | None:
    """What to say at start about the SQLite in use, or None where it is sound."""
    module = sqlite_module()
    if tuple(module.sqlite_version_info) >= FIRST_SOUND_SQLITE:
        return None
    return f"SQLite {module.sqlite_version} has a rare bug that can lose a committed write; 3.51.3 or newer has not."


def _engine(file: Path, *, begin: str, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(
        f"sqlite:///{file}",
        module=sqlite_module(),
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:  # the driver's connection: sqlite3's or pysqlite3's
        connection.isolation_level = None  # the driver begins nothing by itself
        for pragma in pragmas:
            _execute_patiently(connection, f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _execute_patiently(connection: Any, statement: str) -> None:
    """SQLite does not wait by itself where two switch a new file to WAL at once: it says locked (wal.html, 8)."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite_module().OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _refuse_shared_folder(folder: Path) -> None:
    folder = folder.resolve()
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    mount = next((parent for parent in (folder, *folder.parents) if parent in mounts), None)
    kind = mounts[mount].lower() if mount else ""
    if kind in SHARED_FILE_SYSTEMS:
        raise DatabaseRefused(
            f"{folder} lies on a network or shared folder ({kind}), where SQLite can lose data."
            " Set TRAINYARD_DATA_DIR to a folder on a local disk."
        )
