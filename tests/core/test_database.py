"""The SQLite file: two writers, readers that only read, and the files and folders it refuses."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core.database import SCHEMA_VERSION, Database, DatabaseRefused, open_database
from core.events import events_after, newest_event_id, record_event
from core.tables import Worker

ADD_FIFTY = """
import sys
from pathlib import Path
from core.database import open_database
from core.tables import Worker
database = open_database(Path(sys.argv[1]))
for _ in range(50):
    with database.writing() as session:
        session.get_one(Worker, 1).heartbeat += 1
database.close()
"""


def add_worker(database: Database) -> None:
    with database.writing() as session:
        session.add(Worker(id=1, host="bench", process_id=1, slots=1, threads=1, started_at=datetime.now(UTC)))


def heartbeat(database: Database) -> int:
    with database.reading() as session:
        return session.get_one(Worker, 1).heartbeat


def test_two_processes_that_write_at_once_lose_nothing(database: Database) -> None:
    add_worker(database)
    command = [sys.executable, "-c", ADD_FIFTY, str(database.file)]
    writers = [subprocess.Popen(command) for _ in range(2)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert heartbeat(database) == 100


def test_threads_over_two_connections_that_write_at_once_lose_nothing(database: Database) -> None:
    add_worker(database)
    other = open_database(database.file)

    def add_one(number: int) -> None:
        with (database, other)[number % 2].writing() as session:
            session.get_one(Worker, 1).heartbeat += 1

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add_one, range(60)))
    other.close()
    assert heartbeat(database) == 60


def test_two_that_make_the_same_new_file_at_once_both_open_it(tmp_path: Path) -> None:
    def opened(number: int) -> None:
        open_database(tmp_path / f"{number // 4}.sqlite3").close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(opened, range(40)))
    assert len(list(tmp_path.glob("*.sqlite3"))) == 10


def test_a_reading_session_cannot_write(database: Database) -> None:
    with database.reading() as session:
        record_event(session, "queue", paused=True)
        with pytest.raises(OperationalError, match="readonly"):
            session.commit()
    with database.reading() as session:
        assert newest_event_id(session) == 0


def test_a_writing_session_that_raises_leaves_nothing(database: Database) -> None:
    def write_and_fail() -> None:
        with database.writing() as session:
            record_event(session, "queue", paused=True)
            session.flush()
            raise RuntimeError("of the test")

    with pytest.raises(RuntimeError):
        write_and_fail()
    with database.reading() as session:
        assert events_after(session, 0) == []


def test_a_reading_session_sees_one_moment(database: Database) -> None:
    with database.reading() as session:
        before = newest_event_id(session)
        with database.writing() as writing:
            record_event(writing, "queue", paused=True)
        assert newest_event_id(session) == before


def test_the_file_keeps_every_commit_and_its_foreign_keys(database: Database) -> None:
    with database.reading() as session:
        assert session.connection().execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    with database.writing() as session:
        assert session.connection().execute(text("PRAGMA foreign_keys")).scalar_one() == 1
        assert session.connection().execute(text("PRAGMA synchronous")).scalar_one() == 2


def test_a_file_of_another_schema_version_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "trainyard.sqlite3"
    other = sqlite3.connect(file)
    other.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    other.close()
    with pytest.raises(DatabaseRefused, match=f"schema {SCHEMA_VERSION + 1}"):
        open_database(file)
    other = sqlite3.connect(file)
    assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    other.close()


def test_opening_again_keeps_what_was_there(database: Database) -> None:
    add_worker(database)
    again = open_database(database.file)
    assert heartbeat(again) == 0
    again.close()


def test_a_watch_sees_the_commit_of_another_connection(database: Database) -> None:
    watch = database.watch()
    assert watch.changed(), "the first look cannot know"
    assert not watch.changed()
    with database.writing() as session:
        record_event(session, "queue", paused=True)
    assert watch.changed()
    assert not watch.changed()
    other = open_database(database.file)
    watch.changed()
    with other.writing() as session:
        record_event(session, "queue", paused=False)
    assert watch.changed()
    other.close()
    watch.close()


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p"])
def test_a_network_or_shared_folder_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = [SimpleNamespace(mountpoint="/", fstype="ext4"), SimpleNamespace(mountpoint=str(tmp_path), fstype=kind)]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    with pytest.raises(DatabaseRefused, match=kind):
        open_database(tmp_path / "data" / "trainyard.sqlite3")
    assert not (tmp_path / "data" / "trainyard.sqlite3").exists()


def test_a_local_disk_below_a_network_mount_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = [SimpleNamespace(mountpoint="/", fstype="nfs"), SimpleNamespace(mountpoint=str(tmp_path), fstype="ext4")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    open_database(tmp_path / "trainyard.sqlite3").close()
    assert (tmp_path / "trainyard.sqlite3").exists()
