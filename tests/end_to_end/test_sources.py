"""Runs that start from what others left, trained by a real worker."""

from pathlib import Path

from core import queue, runs
from core.database import Database
from core.inheritance import take_over
from core.metrics import epochs_of_run
from core.run_config import RunConfig, parse_run_config, resolve_run
from core.run_state import RunState
from core.settings import Settings
from core.sources import continuation, settle
from core.spent_checkpoints import remove_spent_checkpoints
from tests.end_to_end.test_survival import launch, outcome, read, state_of, wait_until, working


def launch_from(database: Database, settings: Settings, config: RunConfig) -> int:
    with database.writing() as session:
        run = queue.enqueue(session, settle(session, resolve_run(config)))
        take_over(session, settings.runs_dir, run)
        assert run.id is not None
        return run.id


def continued(database: Database, settings: Settings, run_id: int, epochs: int) -> int:
    return launch_from(database, settings, continuation(read(database, run_id), epochs))


def started_from(database: Database, settings: Settings, run_id: int, **changes: object) -> int:
    source = {"source": {"mode": "weights", "run_id": run_id}}
    return launch_from(database, settings, parse_run_config(read(database, run_id).config | changes | source))


def is_completed(database: Database, *run_ids: int) -> bool:
    return all(state_of(database, run_id) is RunState.COMPLETED for run_id in run_ids)


def damage(file: Path) -> None:
    """Another file in its place: the link's other end stays as it is."""
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def test_a_run_continued_from_5_to_10_epochs_ends_with_the_weights_of_10_in_one_go(
    settings: Settings, database: Database
) -> None:
    dropout = {"architecture": {"name": "lenet5-moon"}, "augmentation": "affine", "schedule": "step", "step_epochs": 4}
    best = {"validation": 200, "selection": "best_val", "optimizer": "adam", "learning_rate": 0.001}
    with working(settings):
        whole = [launch(database, **config, epochs=10) for config in (dropout, best)]
        half = [launch(database, **config, epochs=5) for config in (dropout, best)]
        wait_until(lambda: is_completed(database, *whole, *half))
        going_on = [continued(database, settings, run_id, 10) for run_id in half]
        remove_spent_checkpoints(database, settings.runs_dir)  # what they go on from is their own
        wait_until(lambda: is_completed(database, *going_on))
    for once, again, source in zip(whole, going_on, half, strict=True):
        assert outcome(database, again) == outcome(database, once)
        run, origin = read(database, again), read(database, source)
        assert (run.attempt, run.epochs_done, run.selected_epoch) == (1, 10, read(database, once).selected_epoch)
        assert run.name == f"{origin.name}, to epoch 10"
        with database.reading() as session:
            epochs = epochs_of_run(session, again)
            assert [epoch.attempt for epoch in epochs] == [0] * 5 + [1] * 5
            assert epochs[4].test_loss == epochs_of_run(session, source)[4].test_loss


def test_a_run_starts_from_weights_and_fails_clearly_where_their_file_is_damaged(
    settings: Settings, database: Database
) -> None:
    with working(settings):
        first = launch(database, epochs=8)
        wait_until(lambda: is_completed(database, first))
        tuned = started_from(database, settings, first, epochs=1, learning_rate=0.0001, seed=3)
        wait_until(lambda: is_completed(database, tuned))
    first_epoch = outcome(database, tuned)[1][0]
    assert first_epoch[2] > 0.9, "one small epoch from scratch would know next to nothing"
    assert read(database, tuned).attempt == 1
    with database.reading() as session:
        kinds = [file.kind for file in runs.artifacts_of_run(session, tuned)]
    assert {"source", "weights", "checkpoint"} <= set(kinds)

    broken, gone = (started_from(database, settings, first, epochs=2) for _ in range(2))
    damage(settings.runs_dir / str(broken) / "source.safetensors")
    (settings.runs_dir / str(gone) / "source.safetensors").unlink()
    with working(settings):
        wait_until(lambda: all(state_of(database, run_id) is RunState.FAILED for run_id in (broken, gone)))
    assert "source.safetensors is not the one that was written" in (read(database, broken).failure_reason or "")
    assert "source.safetensors cannot be read" in (read(database, gone).failure_reason or "")
    assert f"from run {first} anew" in (read(database, gone).failure_suggestion or "")
