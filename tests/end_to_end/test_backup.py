"""A backup taken by the console command while a worker trains, and what a restore makes of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.database import Database, open_database
from core.run_state import RunState
from core.settings import Settings
from tests.end_to_end.test_survival import launch, outcome, read, state_of, wait_until, working

NUM_BACKUPS = 3


def trainyard(settings: Settings, command: str, file: Path) -> str:
    """What the command says; it must end well."""
    arguments = [sys.executable, "-P", "-m", "app.cli", command, str(file), "--data-dir", str(settings.data_dir)]
    said = subprocess.run(arguments, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert said.stderr == "", "nothing was left out"
    return said.stdout


@pytest.mark.timeout(300)
def test_runs_restored_from_a_backup_taken_while_they_trained_end_as_undisturbed_ones(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    epochs = 150  # two backups take seconds on a busy machine, and it must still be training then
    with working(settings):
        run_id = launch(database, epochs=epochs, validation=200, selection="best_val")
        waiting = launch(database, epochs=2)
        taken_at = []
        for number in range(NUM_BACKUPS):
            wait_until(lambda seen=number: read(database, run_id).epochs_done > 2 * seen)  # type: ignore[misc]
            assert "Backed up 2 runs" in trainyard(settings, "backup", tmp_path / f"{number}.tar")
            taken_at.append(read(database, run_id).epochs_done)
        assert taken_at[1] < epochs, "it was taken under way"
        wait_until(lambda: state_of(database, waiting) is RunState.COMPLETED)
    elsewhere = Settings(data_dir=tmp_path / "restored")
    assert "Restored 2 runs" in trainyard(elsewhere, "restore", tmp_path / "1.tar")
    again = open_database(elsewhere.database_file)
    assert 1 <= read(again, run_id).epochs_done <= taken_at[1]
    assert state_of(again, run_id) is RunState.QUEUED
    with working(elsewhere):
        wait_until(lambda: state_of(again, waiting) is RunState.COMPLETED)
    assert read(again, run_id).attempt == 2
    for each in (run_id, waiting):
        assert outcome(again, each) == outcome(database, each)
    again.close()
