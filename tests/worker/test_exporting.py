"""Completed runs are exported by a process of its own: what it writes is right, and it can be killed at any moment."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnxruntime
import psutil
import pytest
from sqlalchemy import delete, func, update
from sqlmodel import col, select
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from core.benchmark_mode import may_start
from core.bin import move_to_bin, restore
from core.database import Database, open_database
from core.dataset_store import materialised
from core.epoch_answers import unpacked
from core.experiment_plan import plan_experiment
from core.experiments import launch_experiment, runs_of_experiment
from core.exports import EXPORTED_KINDS, begin_export, export_again, is_export_due
from core.metrics import epochs_of_run
from core.predictions import PREDICTION
from core.queue import cancel
from core.run_files import artifact_of_run
from core.run_state import RunState
from core.run_tables import Artifact, EpochAnswers
from core.runs import artifacts_of_run, log_of_run, run_by_id
from core.settings import Settings
from core.tables import EXPORT_TRIES, Run
from core.workers import end, join
from tests.app.trained_runs import complete, launch, record_epochs, started
from worker import export_child
from worker.claims import FreeSpaceFloor
from worker.export_child import ExportChild
from worker.messages import send
from worker.supervisor import Supervisor
from worker.writer import Writer

PATIENCE_SECONDS = 240.0  # at the lowest priority, on a machine that is busy with something else
pytestmark = pytest.mark.timeout(300)


@contextmanager
def working(settings: Settings) -> Iterator[psutil.Process]:
    """A real worker of one slot."""
    environment = {**os.environ, **settings.as_environment(), "TRAINYARD_SLOTS": "1"}
    with subprocess.Popen([sys.executable, "-P", "-m", "worker"], env=environment) as worker:
        try:
            yield psutil.Process(worker.pid)
            worker.terminate()
            assert worker.wait(20) == 0
        finally:
            worker.kill()


def wait_until_exported(database: Database, *run_ids: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(len(exported(database, run_id)) < len(EXPORTED_KINDS) for run_id in run_ids):
        assert time.monotonic() < deadline, [said(database, run_id) for run_id in run_ids]
        time.sleep(0.05)


def wait_until_completed(database: Database, *run_ids: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(state_of(database, run_id) is not RunState.COMPLETED for run_id in run_ids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def state_of(database: Database, run_id: int) -> RunState:
    with database.reading() as session:
        return run_by_id(session, run_id).state


def exported(database: Database, run_id: int) -> dict[str, Artifact]:
    with database.reading() as session:
        return {file.kind: file for file in artifacts_of_run(session, run_id) if file.kind in EXPORTED_KINDS}


def said(database: Database, run_id: int) -> list[str]:
    with database.reading() as session:
        return [line.line for line in log_of_run(session, run_id)]


def file_of(database: Database, settings: Settings, artifact: Artifact) -> Path:
    assert artifact.id is not None
    with database.reading() as session:
        return artifact_of_run(session, settings.runs_dir, artifact.run_id, artifact.id)[1]


def exporter(settings: Settings) -> subprocess.Popen[bytes]:
    """The exporting process, without its low priority: others may be busy on this machine."""
    return subprocess.Popen(
        [sys.executable, "-c", "from worker.exporting import main; main()"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env={**os.environ, **settings.as_environment()},
    )  # fmt: skip


def export_now(database: Database, settings: Settings) -> None:
    """All that waits, as the supervisor has it done."""
    child = ExportChild(settings, database, Writer(database), FreeSpaceFloor(settings.data_dir, 0))
    deadline = time.monotonic() + PATIENCE_SECONDS
    child.attend(1)
    while child.is_busy:
        assert time.monotonic() < deadline
        child.attend(1)
        time.sleep(0.01)


RUNS: list[dict[str, object]] = [
    {"epochs": 2},
    {"epochs": 1, "architecture": {"name": "report-mlp"}, "learning_rate": 0.05},
    {"epochs": 2, "validation": 200, "selection": "best_val", "precision": "bf16",
     "architecture": {"name": "lenet5", "parameters": {"batch_norm": True, "dropout": 0.2}}},
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Database, list[int]]]:
    """Runs that a real worker trained and exported: a last Softmax, batch norm, bfloat16, a validation split."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("exporting") / "data")
    database = open_database(settings.database_file)
    run_ids = [launch(database, device="cpu", **values) for values in RUNS]
    with working(settings):
        wait_until_exported(database, *run_ids)
    yield settings, database, run_ids
    database.close()


Trained = tuple[Settings, Database, list[int]]


@pytest.mark.parametrize("number", range(len(RUNS)))
def test_predictions_give_the_recorded_accuracy_exactly(trained: Trained, number: int) -> None:
    settings, database, run_ids = trained
    artifact = exported(database, run_ids[number])["predictions"]
    predictions = np.load(file_of(database, settings, artifact), allow_pickle=False)
    assert predictions.dtype == PREDICTION
    labels = materialised(settings.materialised_dir, "digits").labels("test")
    with database.reading() as session:
        accuracy = run_by_id(session, run_ids[number]).test_accuracy
    assert np.count_nonzero(predictions["class"] == labels) / len(labels) == accuracy
    assert artifact.facts["num_correct"] / artifact.facts["num_images"] == accuracy
    assert 0.1 <= predictions["confidence"].min() <= predictions["confidence"].max() <= 1


@pytest.mark.parametrize("number", range(len(RUNS)))
def test_what_was_said_after_the_selected_epoch_is_what_is_predicted(trained: Trained, number: int) -> None:
    settings, database, run_ids = trained
    artifact = exported(database, run_ids[number])["predictions"]
    predictions = np.load(file_of(database, settings, artifact), allow_pickle=False)
    labels = materialised(settings.materialised_dir, "digits").labels("test")
    with database.reading() as session:
        said, shares = unpacked(session.get_one(EpochAnswers, (run_ids[number], artifact.epoch)).content)
        kept = session.exec(select(func.count()).where(EpochAnswers.run_id == run_ids[number])).one()
        assert kept == len(epochs_of_run(session, run_ids[number]))
    assert np.array_equal(said + labels, predictions["class"])
    assert np.abs(shares / 255 - predictions["confidence"]).max() < 0.5 / 255 + 1e-6


@pytest.mark.parametrize("number", range(len(RUNS)))
def test_the_onnx_file_was_compared_with_torch_and_answers_raw_pixels(trained: Trained, number: int) -> None:
    settings, database, run_ids = trained
    files = exported(database, run_ids[number])
    assert files["onnx"].facts["num_images"] == 360
    assert 0 < files["onnx"].facts["largest_probability_difference"] < 1e-5
    session = onnxruntime.InferenceSession(
        file_of(database, settings, files["onnx"]), providers=["CPUExecutionProvider"]
    )
    images = materialised(settings.materialised_dir, "digits").images("test").astype(np.float32) / 255
    (probabilities,) = session.run(["probabilities"], {"images": images})
    predicted = np.load(file_of(database, settings, files["predictions"]))
    agreeing = np.count_nonzero(probabilities.argmax(1) == predicted["class"])
    assert agreeing >= 355 if RUNS[number].get("precision") == "bf16" else agreeing == 360


@pytest.mark.parametrize("number", range(len(RUNS)))
def test_tensorboard_reads_every_epoch_of_every_metric(trained: Trained, number: int) -> None:
    settings, database, run_ids = trained
    file = file_of(database, settings, exported(database, run_ids[number])["tensorboard"])
    assert "tfevents" in file.name, "by which TensorBoard knows it"
    read = {
        (value.tag, event.step): value.tensor.float_val[0]
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
    }
    with database.reading() as session:
        epochs = epochs_of_run(session, run_ids[number])
    tags = {
        "train_loss",
        "train_accuracy",
        "test_loss",
        "test_accuracy",
        "learning_rate",
        "seconds",
        "images_per_second",
    }
    if "validation" in RUNS[number]:
        tags |= {"val_loss", "val_accuracy"}
    expected = {(tag, epoch.epoch): getattr(epoch, tag) for epoch in epochs for tag in tags}
    assert read == pytest.approx(expected, rel=1e-6)


def test_what_was_exported_is_recorded_with_its_hash_and_told(trained: Trained) -> None:
    settings, database, run_ids = trained
    for artifact in exported(database, run_ids[0]).values():
        content = file_of(database, settings, artifact).read_bytes()
        assert (artifact.num_bytes, artifact.sha256) == (len(content), sha256(content).hexdigest())
    with database.reading() as session:
        assert not is_export_due(session)
    assert not [line for line in said(database, run_ids[0]) if "xport" in line]


def again(database: Database, settings: Settings, run_id: int) -> dict[str, str]:
    """Takes a run's exports away and makes it due; gives their SHA-256."""
    hashes = {}
    for kind, artifact in exported(database, run_id).items():
        hashes[kind] = artifact.sha256
        file_of(database, settings, artifact).unlink()
        with database.writing() as session:
            session.delete(artifact)
            run_by_id(session, run_id).export_tries_left = EXPORT_TRIES
    return hashes


def test_a_process_that_is_killed_anywhere_leaves_whole_files_and_the_next_makes_the_same(trained: Trained) -> None:
    settings, database, run_ids = trained
    run_id, folder = run_ids[0], settings.runs_dir / str(run_ids[0])
    before = again(database, settings, run_id)
    weights = {file.name for file in folder.iterdir()}
    with database.writing() as session:
        assert begin_export(session) == run_id
    with exporter(settings) as process:
        assert process.stdin is not None
        send(process.stdin.fileno(), {"run_id": run_id})
        while {file.name for file in folder.iterdir()} == weights:  # until the first file, or part of one, is there
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert exported(database, run_id) == {}, "no row is there before all files are"
    export_now(database, settings)
    assert {kind: file.sha256 for kind, file in exported(database, run_id).items()} == before
    assert [line for line in said(database, run_id) if "died" in line] == [
        "The process that exported this run died; it is tried again."
    ]


def test_a_run_whose_export_kills_its_process_is_given_up(trained: Trained) -> None:
    settings, database, run_ids = trained
    before = again(database, settings, run_ids[1])
    for _ in range(EXPORT_TRIES):  # as processes that die right after they began
        with database.writing() as session:
            assert begin_export(session) is not None
    export_now(database, settings)
    assert exported(database, run_ids[1]) == {}
    with database.writing() as session:
        run_by_id(session, run_ids[1]).export_tries_left = EXPORT_TRIES
    export_now(database, settings)
    assert {kind: file.sha256 for kind, file in exported(database, run_ids[1]).items()} == before


def test_what_cannot_be_made_is_told_once_and_the_rest_is_made(trained: Trained) -> None:
    settings, database, run_ids = trained
    again(database, settings, run_ids[1])
    weights = settings.runs_dir / str(run_ids[1]) / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    export_now(database, settings)
    weights.write_bytes(content)
    assert set(exported(database, run_ids[1])) == {"tensorboard"}
    told = [line for line in said(database, run_ids[1]) if line.startswith("Not exported")]
    assert len(told) == 2
    assert all("SHA-256" in line for line in told), told
    with database.reading() as session:
        assert not is_export_due(session)
    with database.writing() as session:
        export_again(session, run_ids[1])
    export_now(database, settings)
    assert set(exported(database, run_ids[1])) == set(EXPORTED_KINDS)
    with database.writing() as session:
        assert export_again(session, run_ids[1]).export_tries_left == 0, "nothing is missing"


def test_where_the_process_cannot_even_start_it_is_given_up_with_a_reason(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settings, database, run_ids = trained
    before = again(database, settings, run_ids[1])
    (tmp_path / "torch.py").write_text("raise ImportError('a broken installation')")
    with monkeypatch.context() as broken:
        broken.setenv("PYTHONPATH", str(tmp_path))
        broken.setattr(export_child, "PAUSE_SECONDS", 0.05)
        child = ExportChild(settings, database, Writer(database), FreeSpaceFloor(settings.data_dir, 0))
        deadline, starts = time.monotonic() + PATIENCE_SECONDS, 0
        while not [line for line in said(database, run_ids[1]) if "before it was ready" in line]:
            assert time.monotonic() < deadline
            was_busy = child.is_busy
            child.attend(1)
            starts += child.is_busy and not was_busy
            time.sleep(0.01)
    assert starts == export_child.MOST_FALSE_STARTS
    assert "ended 3 times before it was ready (exit code 1). Nothing is exported until" in capfd.readouterr().err
    with database.reading() as session:
        assert not is_export_due(session)
    with database.writing() as session:
        export_again(session, run_ids[1])
    export_now(database, settings)
    assert {kind: file.sha256 for kind, file in exported(database, run_ids[1]).items()} == before


def test_a_run_in_the_bin_is_not_exported_until_it_is_restored(trained: Trained) -> None:
    settings, database, run_ids = trained
    again(database, settings, run_ids[2])
    with database.writing() as session:
        move_to_bin(session, run_ids[2])
    export_now(database, settings)
    assert exported(database, run_ids[2]) == {}
    with database.writing() as session:
        restore(session, run_ids[2])
    export_now(database, settings)
    assert set(exported(database, run_ids[2])) == set(EXPORTED_KINDS)


def test_the_exporting_process_gives_way_to_a_benchmark_at_once_and_that_was_no_try(trained: Trained) -> None:
    settings, database, (run_id, *_) = trained
    with database.writing() as session:
        worker = join(session, host="here", process_id=1, slots=1, threads=1)
        session.exec(update(Run).where(col(Run.id) == run_id).values(export_tries_left=EXPORT_TRIES))
        session.exec(delete(Artifact).where(col(Artifact.run_id) == run_id, col(Artifact.kind) == "onnx"))
    child = ExportChild(settings, database, Writer(database), FreeSpaceFloor(settings.data_dir, 0))
    child.attend(worker)
    is_started = child.is_busy
    assert is_started
    plan = plan_experiment(base={"architecture": {"name": "lenet5"}, "dataset": "digits"}, grid={}, seeds=1, repeats=1)
    with database.writing() as session:
        launch_experiment(session, plan)
        assert not may_start(session)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while child.is_busy:
        assert time.monotonic() < deadline
        child.attend(worker)
        time.sleep(0.01)
    with database.writing() as session:
        assert may_start(session)
        assert run_by_id(session, run_id).export_tries_left == EXPORT_TRIES
        cancel(session, runs_of_experiment(session, 1)[0].id or 0)
    export_now(database, settings)
    assert "onnx" in exported(database, run_id)


def test_a_worker_that_is_stopped_while_it_exports_has_not_tried(trained: Trained) -> None:
    settings, database, (run_id, *_) = trained
    with database.writing() as session:
        worker = join(session, host="here", process_id=1, slots=1, threads=1)
        session.exec(update(Run).where(col(Run.id) == run_id).values(export_tries_left=EXPORT_TRIES))
        session.exec(delete(Artifact).where(col(Artifact.run_id) == run_id, col(Artifact.kind) == "onnx"))
    child = ExportChild(settings, database, Writer(database), FreeSpaceFloor(settings.data_dir, 0))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _tries_left(database, run_id) == EXPORT_TRIES:
        assert time.monotonic() < deadline
        child.attend(worker)
        time.sleep(0.01)
    child.end(worker)
    assert _tries_left(database, run_id) == EXPORT_TRIES
    export_now(database, settings)
    assert "onnx" in exported(database, run_id)


def _tries_left(database: Database, run_id: int) -> int:
    with database.reading() as session:
        return run_by_id(session, run_id).export_tries_left


def test_a_worker_judged_dead_ends_its_exports_before_it_joins_anew(database: Database, settings: Settings) -> None:
    lease = started(database)
    record_epochs(database, lease, 1)
    complete(database, lease)
    supervisor = Supervisor(settings.model_copy(update={"slots": 1}), database)
    try:
        exports, worker = supervisor._exports, supervisor._worker_id
        exports.attend(worker)
        assert exports._child
        child = psutil.Process(exports._child.pid)
        with database.writing() as session:
            end(session, worker)
        supervisor._beat_if_due()
        assert supervisor._worker_id != worker
        assert not child.is_running(), "nothing of this worker is exported that the database does not know of"
        assert not exports.is_busy, "and the next export is a new one"
    finally:
        supervisor._stop()
