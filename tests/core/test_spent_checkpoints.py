"""Checkpoints are cleaned up where nothing resumes from them, and what is told before is what is freed."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.event import listen

from core import queue
from core.bin import move_to_bin
from core.database import Database
from core.disk import bytes_of_runs, disk_use, largest_runs
from core.lease import Lease
from core.metrics import epochs_of_run
from core.run_state import RunState
from core.run_tables import Artifact
from core.runs import artifacts_of_run, run_by_id
from core.settings import Settings
from core.spent_checkpoints import Spent, remove_spent_checkpoints, spent_checkpoints
from tests.app.trained_runs import complete, record_epochs, started

CHECKPOINT_BYTES, WEIGHTS_BYTES = 3000, 500


def left(database: Database, settings: Settings, lease: Lease, kind: str, name: str, num_bytes: int) -> None:
    """A file of the run, on the disk and in its row."""
    folder = settings.runs_dir / str(lease.run_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes(num_bytes))
    digest = hashlib.sha256(bytes(num_bytes)).hexdigest()
    row = Artifact(run_id=lease.run_id, kind=kind, file_name=name, sha256=digest, num_bytes=num_bytes, epoch=1,
                   attempt=lease.attempt, created_at=datetime.now(UTC))  # fmt: skip
    with database.writing() as session:
        session.add(row)
        session.flush()
        if kind == "checkpoint":
            run_by_id(session, lease.run_id).checkpoint_id = row.id


def trained(database: Database, settings: Settings, end: RunState = RunState.COMPLETED) -> int:
    """One epoch; its checkpoint is the best one too."""
    lease = started(database)
    record_epochs(database, lease, 1)
    for kind in ("checkpoint", "best_checkpoint"):
        left(database, settings, lease, kind, "a1-e1.safetensors", CHECKPOINT_BYTES)
    if end is RunState.COMPLETED:
        left(database, settings, lease, "weights", "weights.safetensors", WEIGHTS_BYTES)
        complete(database, lease)
    elif end is RunState.FAILED:
        with database.writing() as session:
            queue.fail(session, lease, "It broke.", "Mend it.")
    elif end is RunState.CANCELLED:
        with database.writing() as session:
            queue.cancel(session, lease.run_id)
            queue.hand_back(session, lease)
    return lease.run_id


def test_what_is_told_is_freed_and_weights_and_figures_stay(database: Database, settings: Settings) -> None:
    run_id = trained(database, settings)
    told = Spent(num_runs=1, num_files=1, num_bytes=CHECKPOINT_BYTES)
    with database.reading() as session:
        assert spent_checkpoints(session) == told
    assert remove_spent_checkpoints(database, settings.runs_dir) == told
    assert [file.name for file in (settings.runs_dir / str(run_id)).iterdir()] == ["weights.safetensors"]
    with database.reading() as session:
        assert [artifact.kind for artifact in artifacts_of_run(session, run_id)] == ["weights"]
        assert run_by_id(session, run_id).checkpoint_id is None
        assert len(epochs_of_run(session, run_id)) == 1
        assert spent_checkpoints(session) == Spent(0, 0, 0)


@pytest.mark.parametrize("end", [RunState.RUNNING, RunState.FAILED, RunState.CANCELLED])
def test_a_run_that_may_go_on_keeps_its_checkpoint(database: Database, settings: Settings, end: RunState) -> None:
    run_id = trained(database, settings, end)
    assert remove_spent_checkpoints(database, settings.runs_dir).num_files == 0
    assert (settings.runs_dir / str(run_id) / "a1-e1.safetensors").exists()


def test_a_run_in_the_bin_stays_whole(database: Database, settings: Settings) -> None:
    run_id = trained(database, settings)
    with database.writing() as session:
        move_to_bin(session, run_id)
    assert remove_spent_checkpoints(database, settings.runs_dir).num_files == 0


def test_only_runs_that_completed_so_many_days_ago_are_cleaned(database: Database, settings: Settings) -> None:
    old, _ = trained(database, settings), trained(database, settings)
    with database.writing() as session:
        run_by_id(session, old).ended_at = datetime.now(UTC) - timedelta(days=8)
    assert remove_spent_checkpoints(database, settings.runs_dir, completed_days_ago=7).num_runs == 1
    with database.reading() as session:
        assert run_by_id(session, old).checkpoint_id is None
        assert spent_checkpoints(session).num_runs == 1


def test_disk_use_counts_each_file_once_and_the_bin_apart(database: Database, settings: Settings) -> None:
    kept, binned = trained(database, settings), trained(database, settings)
    with database.writing() as session:
        move_to_bin(session, binned)
    (settings.data_dir / "trainyard.sqlite3.schema-1").write_bytes(bytes(700))
    settings.materialised_dir.mkdir()
    (settings.materialised_dir / "images.npy").write_bytes(bytes(900))
    with database.reading() as session:
        use = disk_use(session, settings)
        assert (use.checkpoints_bytes, use.weights_bytes) == (CHECKPOINT_BYTES, WEIGHTS_BYTES)
        assert (use.bin_bytes, use.datasets_bytes, use.copies_bytes) == (CHECKPOINT_BYTES + WEIGHTS_BYTES, 900, 700)
        assert use.database_bytes > 4096
        ((run, num_bytes, checkpoints_bytes),) = [
            (use.run.id, use.num_bytes, use.checkpoints_bytes) for use in largest_runs(session, limit=5)
        ]
        assert (run, num_bytes, checkpoints_bytes) == (kept, CHECKPOINT_BYTES + WEIGHTS_BYTES, CHECKPOINT_BYTES)
        assert bytes_of_runs(session, [binned, 404]) == {binned: CHECKPOINT_BYTES + WEIGHTS_BYTES, 404: 0}


def test_many_checkpoints_are_counted_and_removed_in_a_few_statements(database: Database, settings: Settings) -> None:
    """Ten thousand took ten seconds, in which no worker could write."""
    for _ in range(5):
        trained(database, settings)
    statements: list[str] = []
    with database.writing() as session:
        engine = session.get_bind()
    listen(engine, "before_cursor_execute", lambda _, __, statement, *___: statements.append(statement))
    assert remove_spent_checkpoints(database, settings.runs_dir).num_runs == 5
    assert sum(not statement.startswith("INSERT INTO event") for statement in statements) < 8, statements
