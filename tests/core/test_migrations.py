"""A file that the first release wrote is brought up to date, keeps all that was in it, and a copy of it as it was."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import SQLModel

from core import queue, queue_order
from core.bin import move_to_bin
from core.database import SCHEMA_VERSION, Database, DatabaseRefused, open_database, sqlite_module
from core.experiments import groups_of
from core.metrics import epochs_of_run
from core.run_state import RunState
from core.runs import RunFilter, artifacts_of_run, list_runs, run_by_id

# Written by release 0.1.0: two completed runs, a failed one, a queued one, a cancelled one; the queue is paused.
SCHEMA_1 = Path(__file__).parent / "files" / "schema-1.sqlite3"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Path(shutil.copy(SCHEMA_1, tmp_path / "trainyard.sqlite3"))


@pytest.fixture
def migrated(file: Path) -> Iterator[Database]:
    database = open_database(file)
    yield database
    database.close()


def test_every_run_epoch_artifact_and_setting_of_an_older_file_is_kept(migrated: Database) -> None:
    with migrated.reading() as session:
        runs = list_runs(session, RunFilter(sort="id", descending=False)).runs
        states = [RunState.COMPLETED, RunState.COMPLETED, RunState.FAILED, RunState.QUEUED, RunState.CANCELLED]
        assert [run.state for run in runs] == states
        assert [len(epochs_of_run(session, run.id)) for run in runs if run.id is not None] == [2, 2, 0, 0, 0]
        assert [file.kind for file in artifacts_of_run(session, 1)] == ["checkpoint", "weights"]
        assert runs[2].name == "<script>alert(1)</script>"
        assert all((run.experiment_id, run.notes, run.deleted_at) == (None, "", None) for run in runs)
        assert [run.train_seconds_per_epoch is None for run in runs] == [False, False, True, True, True]
        assert all((run.run_memory_bytes, run.most_runs_beside, run.repeat) == (None, None, None) for run in runs)
        assert queue_order.is_paused(session)
        assert len(groups_of(runs)) == 4, "two of them differ in nothing but the seed"


def test_a_migrated_file_has_the_tables_of_a_new_one(migrated: Database) -> None:
    with migrated.reading() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, SQLModel.metadata) == []
        assert session.connection().execute(text("PRAGMA user_version")).scalar_one() == SCHEMA_VERSION
        assert session.connection().execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert session.connection().execute(text("PRAGMA foreign_key_check")).all() == []


def test_a_migrated_file_can_be_worked_with(migrated: Database) -> None:
    with migrated.writing() as session:
        queue.requeue(session, 5)
        move_to_bin(session, 4)
    with migrated.reading() as session:
        assert run_by_id(session, 5).state is RunState.QUEUED
        assert run_by_id(session, 4).deleted_at is not None


def test_the_file_as_it_was_is_kept_beside_it(file: Path, migrated: Database) -> None:
    kept = sqlite_module().connect(file.with_name("trainyard.sqlite3.schema-1"))
    assert kept.execute("PRAGMA user_version").fetchone() == (1,)
    assert kept.execute("SELECT count(*) FROM epoch").fetchone() == (4,)
    kept.close()


def test_server_and_worker_that_open_an_older_file_at_once_migrate_it_once(file: Path) -> None:
    with ThreadPoolExecutor(2) as both:
        for database in both.map(open_database, [file, file]):
            with database.reading() as session:
                assert list_runs(session, RunFilter()).num_matching == 5
            database.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_halfway(connection: object, schema: int) -> None:
        real(connection, schema)  # type: ignore[arg-type]
        raise OSError("disk full")

    from core import migrations

    real = migrations.upgrade
    monkeypatch.setattr(migrations, "upgrade", fail_halfway)
    with pytest.raises(DatabaseRefused, match="disk full"):
        open_database(file)
    monkeypatch.undo()
    untouched = sqlite_module().connect(file)
    assert untouched.execute("PRAGMA user_version").fetchone() == (1,)
    assert untouched.execute("SELECT count(*) FROM sqlite_master WHERE name = 'experiment'").fetchone() == (0,)
    untouched.close()
    open_database(file).close()
