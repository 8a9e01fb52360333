"""What a run left, over REST: epochs, summary, log, events, files."""

import csv
import hashlib
import math
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from core.database import Database
from core.lease import Lease
from core.metrics import record_epoch, record_progress, record_weights
from core.queue import add_log_line, claim_oldest, complete, enqueue
from core.records import EpochFigures, WrittenFile
from core.run_config import parse_run_config, resolve_run
from core.settings import Settings
from core.workers import join

BYTES = bytes(range(256)) * 40


@pytest.fixture
def lease(database: Database) -> Lease:
    """Run 1, claimed."""
    config = parse_run_config({"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 3})
    with database.writing() as session:
        enqueue(session, resolve_run(config))
        worker_id = join(session, host="here", process_id=1, slots=1, threads=1)
        assert claim_oldest(session, worker_id) is not None
        return Lease(1, worker_id, 1)


def figures(epoch: int, *, train_loss: float = 0.5, test_accuracy: float = 0.9) -> EpochFigures:
    return EpochFigures(
        epoch=epoch, train_loss=train_loss, train_accuracy=0.8, val_loss=None, val_accuracy=None,
        test_loss=0.4, test_accuracy=test_accuracy, learning_rate=0.01, train_seconds=2.0, evaluation_seconds=0.5,
        checkpoint_seconds=0.1, images_per_second=718.5, peak_memory_bytes=10**8,
    )  # fmt: skip


def record(database: Database, lease: Lease, epoch: EpochFigures) -> None:
    with database.writing() as session:
        record_epoch(session, lease, epoch, [], selected=True)


def test_the_summary_is_the_selected_epoch_s(client: TestClient, database: Database, lease: Lease) -> None:
    assert client.get("/api/v1/runs/1").json()["summary"] is None
    record(database, lease, figures(1))
    record(database, lease, figures(2, test_accuracy=0.95))
    run = client.get("/api/v1/runs/1").json()
    assert run["epochs_done"] == 2
    assert run["summary"] == {
        "selected_epoch": 2, "train_loss": 0.5, "train_accuracy": 0.8, "val_loss": None, "val_accuracy": None,
        "test_loss": 0.4, "test_accuracy": 0.95, "non_finite": [], "seconds_per_epoch": 2.6,
        "images_per_second": 718.5, "peak_memory_bytes": 10**8, "num_parameters": 44_426,
    }  # fmt: skip


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_null_and_named(
    client: TestClient, database: Database, lease: Lease, loss: float
) -> None:
    record(database, lease, figures(1, train_loss=loss))
    (epoch,) = client.get("/api/v1/runs/1/epochs").json()
    assert (epoch["train_loss"], epoch["non_finite"], epoch["test_loss"]) == (None, ["train_loss"], 0.4)
    summary = client.get("/api/v1/runs/1").json()["summary"]
    assert (summary["train_loss"], summary["non_finite"]) == (None, ["train_loss"])
    assert client.get("/api/v1/runs/1/events").json()[-1]["payload"]["train_loss"] is None


@pytest.mark.parametrize(("query", "accept"), [("?format=csv", "*/*"), ("", "text/csv")])
def test_metrics_come_as_a_csv_file_too(
    client: TestClient, database: Database, lease: Lease, query: str, accept: str
) -> None:
    record(database, lease, figures(1, train_loss=math.nan))
    record(database, lease, figures(2))
    answer = client.get(f"/api/v1/runs/1/epochs{query}", headers={"Accept": accept})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="run-1-epochs.csv"'
    first, second = csv.DictReader(answer.text.splitlines())
    assert (first["epoch"], first["train_loss"], first["non_finite"]) == ("1", "", "train_loss")
    assert (second["epoch"], second["train_loss"], second["non_finite"]) == ("2", "0.5", "")
    assert list(second) == list(client.get("/api/v1/runs/1/epochs").json()[0])


def test_progress_is_told_while_the_run_runs(client: TestClient, database: Database, lease: Lease) -> None:
    with database.writing() as session:
        record_progress(session, lease, phase="training", epoch=1, step=7, steps_per_epoch=23, loss=2.25)
    progress = client.get("/api/v1/runs/1").json()["progress"]
    assert (progress["phase"], progress["step"], progress["loss"]) == ("training", 7, [7, 2.25])
    with database.writing() as session:
        complete(session, lease)
    assert client.get("/api/v1/runs/1").json()["progress"] is None


def test_the_log_is_read_on_from_where_it_was(client: TestClient, database: Database, lease: Lease) -> None:
    with database.writing() as session:
        for number in range(5):
            add_log_line(session, lease, f"line {number}")
    lines = client.get("/api/v1/runs/1/log?limit=2").json()
    assert [line["line"] for line in lines] == ["line 3", "line 4"]
    assert client.get(f"/api/v1/runs/1/log?after={lines[0]['id']}").json() == lines[1:]


def test_events_tell_the_run_s_way(client: TestClient, database: Database, lease: Lease) -> None:
    record(database, lease, figures(1))
    told = [(event["kind"], event["payload"].get("state")) for event in client.get("/api/v1/runs/1/events").json()]
    assert told == [("state", "queued"), ("state", "running"), ("epoch", None)]


@pytest.fixture
def weights(settings: Settings, database: Database, lease: Lease) -> Path:
    """The run's weights, as a worker leaves them."""
    file = settings.runs_dir / "1" / "weights.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(BYTES)
    digest = hashlib.sha256(BYTES).hexdigest()
    with database.writing() as session:
        record_weights(session, lease, WrittenFile("weights", file.name, digest, len(BYTES), 3))
    return file


def test_weights_are_downloaded_where_the_list_says_with_their_sha256(client: TestClient, weights: Path) -> None:
    (artifact,) = client.get("/api/v1/runs/1/artifacts").json()
    assert (artifact["kind"], artifact["num_bytes"]) == ("weights", len(BYTES))
    download = client.get(artifact["url"])
    assert download.content == BYTES
    assert hashlib.sha256(download.content).hexdigest() == artifact["sha256"] == download.headers["x-content-sha256"]
    assert download.headers["etag"] == f'"{artifact["sha256"]}"'
    assert 'filename="run-1-weights.safetensors"' in download.headers["content-disposition"]
    assert client.get(artifact["url"], headers={"Range": "bytes=1-2"}).content == b"\x01\x02"


def test_a_file_that_is_gone_or_another_run_s_is_not_found(client: TestClient, weights: Path) -> None:
    client.post("/api/v1/runs", json={"architecture": {"name": "lenet5"}, "dataset": "digits"})
    assert client.get("/api/v1/runs/2/artifacts/1").status_code == 404
    assert client.get("/api/v1/runs/1/artifacts/..%2f..%2ftrainyard.sqlite3").status_code == 404
    weights.unlink()
    assert client.get("/api/v1/runs/1/artifacts/1").status_code == 404


@pytest.mark.parametrize("record_kind", ["epochs", "events", "log", "artifacts", "artifacts/1"])
def test_a_run_that_is_not_there_left_nothing(client: TestClient, record_kind: str) -> None:
    assert client.get(f"/api/v1/runs/1/{record_kind}").status_code == 404
