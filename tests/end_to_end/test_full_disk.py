"""A disk that is full when a checkpoint is written: the run ends with a reason and goes on when there is room."""

import psutil
import pytest

from core import queue
from core.database import Database
from core.run_state import RunState
from core.runs import artifacts_of_run
from core.settings import Settings
from tests.end_to_end.test_survival import launch, outcome, read, state_of, trainers_of, wait_until, working

CHECKPOINT_FITS_NOT = 100_000  # bytes; one of LeNet-5 takes 360 kB


@pytest.mark.timeout(200)
def test_a_checkpoint_that_cannot_be_written_ends_the_run_which_goes_on_when_there_is_room(
    settings: Settings, database: Database
) -> None:
    with working(settings) as worker:
        undisturbed = launch(database, epochs=30)
        wait_until(lambda: state_of(database, undisturbed) is RunState.COMPLETED)
        run_id = launch(database, epochs=30)
        wait_until(lambda: read(database, run_id).epochs_done >= 2)
        (trainer,) = trainers_of(worker)
        _, most = trainer.rlimit(psutil.RLIMIT_FSIZE)
        trainer.rlimit(psutil.RLIMIT_FSIZE, (CHECKPOINT_FITS_NOT, most))
        wait_until(lambda: state_of(database, run_id) is RunState.FAILED)
        failed = read(database, run_id)
        assert "could not be written: File too large" in (failed.failure_reason or "")
        assert "Free disk space" in (failed.failure_suggestion or "")
        with database.reading() as session:
            (checkpoint,) = artifacts_of_run(session, run_id)
        assert [file.name for file in (settings.runs_dir / str(run_id)).iterdir()] == [checkpoint.file_name]
        assert 2 <= checkpoint.epoch == failed.epochs_done < 30

        trainer.rlimit(psutil.RLIMIT_FSIZE, (most, most))
        with database.writing() as session:
            queue.requeue(session, run_id)
        wait_until(lambda: state_of(database, run_id) is RunState.COMPLETED)
        assert outcome(database, run_id) == outcome(database, undisturbed)
