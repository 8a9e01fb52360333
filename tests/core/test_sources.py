"""What a run may start from: found, checked and taken over at launch, so that nothing later can break it."""

import hashlib
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import select

from core import queue
from core.backup import back_up
from core.backup_restore import restore_backup
from core.bin import move_to_bin, purge_run
from core.comparison import compare
from core.database import Database, open_database
from core.experiment_plan import plan_experiment
from core.inheritance import take_over
from core.invalid_run_config import InvalidRunConfig
from core.lease import Lease
from core.metrics import epochs_of_run
from core.run_config import RunConfig, parse_run_config, resolve_run
from core.run_tables import Artifact, EpochAnswers
from core.runs import artifacts_of_run, run_by_id
from core.settings import Settings
from core.sources import can_be_continued, continuation, settle, settle_plan
from core.spent_checkpoints import remove_spent_checkpoints
from core.tables import Run
from tests.app.trained_runs import BASE, claim, complete, fail, join, record_epochs, started


def left(database: Database, settings: Settings, run_id: int, kind: str, name: str, epoch: int) -> None:
    """A file of the run, on the disk and in its row."""
    folder = settings.runs_dir / str(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    content = f"{kind} of {run_id} after {epoch}".encode()
    (folder / name).write_bytes(content)
    row = Artifact(run_id=run_id, kind=kind, file_name=name, sha256=hashlib.sha256(content).hexdigest(),
                   num_bytes=len(content), epoch=epoch, attempt=1, created_at=datetime.now(UTC))  # fmt: skip
    with database.writing() as session:
        session.add(row)
        session.flush()
        if kind == "checkpoint":
            run_by_id(session, run_id).checkpoint_id = row.id


def open_run(database: Database, settings: Settings, epochs_done: int, **differences: Any) -> Lease:
    lease = started(database, **differences)
    record_epochs(database, lease, *range(1, epochs_done + 1))
    left(database, settings, lease.run_id, "checkpoint", f"a1-e{epochs_done}.safetensors", epochs_done)
    return lease


def completed(database: Database, settings: Settings, epochs: int = 2, **differences: Any) -> int:
    lease = open_run(database, settings, epochs, **({"epochs": epochs} | differences))
    left(database, settings, lease.run_id, "weights", "weights.safetensors", epochs)
    complete(database, lease)
    return lease.run_id


def launch_from(database: Database, settings: Settings, config: RunConfig) -> Run:
    with database.writing() as session:
        run = queue.enqueue(session, settle(session, resolve_run(config)))
        take_over(session, settings.runs_dir, run)
        return run


def continued(database: Database, settings: Settings, run_id: int, epochs: int, **changes: Any) -> Run:
    config = continuation(read(database, run_id), epochs)
    return launch_from(database, settings, config.model_copy(update=changes))


def from_weights(database: Database, settings: Settings, run_id: int, **changes: Any) -> Run:
    source = {"mode": "weights", "run_id": run_id} | changes.get("source", {})
    return launch_from(database, settings, parse_run_config(BASE | changes | {"source": source}))


def read(database: Database, run_id: int | None) -> Run:
    assert run_id is not None
    with database.reading() as session:
        return run_by_id(session, run_id)


def files_of(database: Database, settings: Settings, run: Run) -> dict[str, bytes]:
    """By kind, each checked against its row."""
    assert run.id is not None
    with database.reading() as session:
        files = artifacts_of_run(session, run.id)
    contents = {file.kind: (settings.runs_dir / str(run.id) / file.file_name).read_bytes() for file in files}
    assert all(hashlib.sha256(contents[file.kind]).hexdigest() == file.sha256 for file in files)
    return contents


def problems_of(launch: Callable[[], object]) -> dict[str, str]:
    with pytest.raises(InvalidRunConfig) as refused:
        launch()
    return refused.value.problems


def test_a_continued_run_has_its_sources_past_and_checkpoint(database: Database, settings: Settings) -> None:
    first = completed(database, settings, epochs=2)
    with database.writing() as session:
        run_by_id(session, first).stack_size = 8
    run = continued(database, settings, first, 5)
    assert (run.state, run.epochs, run.epochs_done, run.attempt, run.test_accuracy) == ("queued", 5, 2, 0, 0.92)
    assert run.stack_size == 8
    assert run.config["source"]["epoch"] == 2
    with database.reading() as session:
        past = epochs_of_run(session, run.id or 0)
    assert [(epoch.epoch, epoch.attempt, epoch.test_accuracy) for epoch in past] == [(1, 0, 0.91), (2, 0, 0.92)]
    assert files_of(database, settings, run) == {"checkpoint": f"checkpoint of {first} after 2".encode()}
    lease = claim(database, join(database))
    record_epochs(database, lease, 3)  # the next one, and no other, is taken
    assert read(database, run.id).epochs_done == 3


def test_a_cancelled_or_failed_run_with_a_checkpoint_is_continued_and_a_running_one_is_not(
    database: Database, settings: Settings
) -> None:
    lease = open_run(database, settings, 2, epochs=4)
    assert not can_be_continued(read(database, lease.run_id))
    assert "still running" in problems_of(lambda: continued(database, settings, lease.run_id, 8))["source"]
    fail(database, lease, "It broke.", "Mend it.")
    assert can_be_continued(read(database, lease.run_id))
    assert continued(database, settings, lease.run_id, 8).epochs_done == 2


def test_what_is_continued_differs_in_nothing_but_its_length(database: Database, settings: Settings) -> None:
    first = completed(database, settings, epochs=2)
    told = problems_of(lambda: continued(database, settings, first, 5, learning_rate=0.5, seed=9))
    assert told == {
        "learning_rate": f"must be 0.01, as in run {first}, which it continues",
        "seed": f"must be 0, as in run {first}, which it continues",
    }
    assert "must be more than the 2" in problems_of(lambda: continued(database, settings, first, 2))["epochs"]
    early = completed(database, settings, epochs=2, validation=100, early_stopping_patience=1)
    with database.writing() as session:
        run_by_id(session, early).epochs = 9
    assert "stopped early" in problems_of(lambda: continued(database, settings, early, 20))["source"]
    assert not can_be_continued(read(database, early))


def test_what_is_continued_keeps_its_network_though_the_catalogue_means_another(
    database: Database, settings: Settings
) -> None:
    first = completed(database, settings, epochs=2)
    with database.writing() as session:  # as an older version resolved it: other activations, the same tensors
        old = run_by_id(session, first)
        old.layers = [layer | {"type": "GELU"} if layer["type"] in ("ReLU", "Tanh") else layer for layer in old.layers]
        old.config_hash, layers = "f" * 64, old.layers
        assert "GELU" in {layer["type"] for layer in layers}
    run = continued(database, settings, first, 5)
    again = launch_from(database, settings, parse_run_config(run.config))
    assert run.layers == again.layers == layers
    assert run.config_hash == again.config_hash
    assert run.num_parameters == old.num_parameters


def test_what_its_source_said_of_each_image_is_a_continued_runs_past(database: Database, settings: Settings) -> None:
    lease = open_run(database, settings, 2)
    with database.writing() as session:
        session.add_all(EpochAnswers(run_id=lease.run_id, epoch=epoch, content=bytes([epoch])) for epoch in (1, 2))
    fail(database, lease, "It broke.", "Mend it.")
    run = continued(database, settings, lease.run_id, 5)
    with database.reading() as session:
        past = session.exec(select(EpochAnswers).where(EpochAnswers.run_id == run.id)).all()
    assert {epoch.epoch: epoch.content for epoch in past} == {1: b"\1", 2: b"\2"}


def test_the_seeds_of_a_group_are_a_group_again_when_they_are_continued(database: Database, settings: Settings) -> None:
    firsts = [completed(database, settings, epochs=2, seed=seed) for seed in (0, 1)]
    plain = completed(database, settings, epochs=4)
    going_on = [continued(database, settings, first, 4) for first in firsts]
    with database.reading() as session:
        runs = [run_by_id(session, run_id) for run_id in (plain, *(run.id for run in going_on)) if run_id is not None]
        alone, together = compare(session, runs).groups
    assert [len(group.seeds) for group in (alone, together)] == [1, 2]
    assert alone.label == "LeNet-5, starts from scratch"
    assert together.label == "LeNet-5, starts from epoch 2, continued"
    assert [point.epoch for point in together.seeds[0].points] == [1, 2]


def test_weights_are_named_by_their_content_and_not_by_their_run(database: Database, settings: Settings) -> None:
    first, twin = completed(database, settings), completed(database, settings)
    run = from_weights(database, settings, first, seed=5, learning_rate=0.001)
    sha256 = hashlib.sha256(f"weights of {first} after 2".encode()).hexdigest()
    assert run.config["source"] == {
        "mode": "weights", "run_id": first, "epoch": 2, "sha256": sha256, "config_hash": None
    }  # fmt: skip
    assert (run.epochs_done, run.checkpoint_id, run.name) == (0, None, f"lenet5 on digits, seed 5, from run {first}")
    (settings.runs_dir / str(twin) / "weights.safetensors").write_bytes(f"weights of {first} after 2".encode())
    with database.writing() as session:
        copy = session.exec(select(Artifact).where(Artifact.run_id == twin, Artifact.kind == "weights")).one()
        copy.sha256 = sha256
    assert from_weights(database, settings, twin, learning_rate=0.001).config_hash == run.config_hash
    assert from_weights(database, settings, twin).config_hash != run.config_hash


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        (
            {"architecture": {"name": "lenet5", "parameters": {"filters": [6, 20]}}}, "architecture.parameters",
            "layer 4 (Conv2d 20 filters 5×5), weights, are 20×6×5×5 here and 16×6×5×5 there, and 2 more do not fit",
        ),
        ({"architecture": {"name": "custom-mlp"}}, "architecture", "does not fit the weights of run 1: layer "),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_refused_at_the_network_and_name_what_does_not(
    changes: dict[str, Any], field: str, reason: str, database: Database, settings: Settings
) -> None:
    completed(database, settings)
    told = problems_of(lambda: from_weights(database, settings, 1, **changes))
    assert list(told) == [field]
    assert reason in told[field]


def test_a_source_that_is_not_there_is_refused_with_what_to_do(database: Database, settings: Settings) -> None:
    assert "there is no run 404" in problems_of(lambda: from_weights(database, settings, 404))["source"]
    lease = open_run(database, settings, 1)
    reason = problems_of(lambda: from_weights(database, settings, lease.run_id))["source"]
    assert "is running, and weights come when a run has completed" in reason
    first = completed(database, settings)
    remove_spent_checkpoints(database, settings.runs_dir)
    told = problems_of(lambda: continued(database, settings, first, 5))
    assert "was removed to make room; start from its weights instead" in told["source"]
    assert not can_be_continued(read(database, first))
    shutil.rmtree(settings.runs_dir / str(first))
    told = problems_of(lambda: from_weights(database, settings, first))
    assert f"weights.safetensors of run {first} is gone from the disk" in told["source"]
    other = {"source": {"sha256": "0" * 64}}
    assert "is no longer there" in problems_of(lambda: from_weights(database, settings, first, **other))["source"]


def test_no_end_of_its_source_takes_from_a_run_what_it_starts_from(database: Database, settings: Settings) -> None:
    first = completed(database, settings)
    going_on, tuned = continued(database, settings, first, 5), from_weights(database, settings, first)
    before = [files_of(database, settings, run) for run in (going_on, tuned)]
    remove_spent_checkpoints(database, settings.runs_dir)
    with database.writing() as session:
        move_to_bin(session, first)
    purge_run(database, settings.runs_dir, first)
    assert not (settings.runs_dir / str(first)).exists()
    assert [files_of(database, settings, run) for run in (going_on, tuned)] == before
    again = launch_from(database, settings, parse_run_config(tuned.config))  # launched again from its own copy
    assert files_of(database, settings, again) == before[1]
    config = parse_run_config(going_on.config)
    assert "there is no run" in problems_of(lambda: launch_from(database, settings, config))["source"]


def test_a_backup_restores_what_a_run_starts_from(database: Database, settings: Settings) -> None:
    first = completed(database, settings)
    runs = [continued(database, settings, first, 5), from_weights(database, settings, first)]
    tar = settings.data_dir.parent / "runs.tar"
    back_up(settings, tar)
    restored = Settings(data_dir=settings.data_dir.parent / "restored")
    restore_backup(restored, tar)
    copy = open_database(restored.database_file)
    for run in runs:
        assert files_of(copy, restored, run) == files_of(database, settings, run)
    copy.close()


def test_an_experiment_starts_from_weights_and_continues_nothing(database: Database, settings: Settings) -> None:
    first = completed(database, settings)
    source: dict[str, Any] = {"mode": "weights", "run_id": first}
    with database.reading() as session:
        plan = settle_plan(session, plan_experiment(base=BASE | {"source": source}, grid={}, seeds=3))
        assert {run.config.source.epoch for run in plan.runs if run.config.source} == {2}
        assert len({run.config_hash for run in plan.runs}) == 1
        base = BASE | {"source": source | {"mode": "continue"}}
        asked = plan_experiment(base=base, grid={}, seeds=2)
        assert "continues one run" in problems_of(lambda: settle_plan(session, asked))["source"]
    assert "grid.source" in problems_of(lambda: plan_experiment(base=BASE, grid={"source": [source, None]}, seeds=1))
