"""Catalogue, queue, workers and health over REST."""

import shutil

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from core.database import Database, open_database
from core.dataset_store import Arrays
from core.dataset_writer import write
from core.settings import Settings
from core.workers import beat, end, join


def test_every_architecture_is_told_with_its_layers(client: TestClient) -> None:
    listed = {architecture["name"]: architecture for architecture in client.get("/api/v1/architectures").json()}
    counts = {name: architecture["num_parameters"] for name, architecture in listed.items()}
    assert counts == {
        "lenet5": 44_426, "lenet5-1998": 61_706, "custom-mlp": 61_637, "report-mlp": 61_706,
        "lenet5-moon": 61_750, "lenet5-moon2": 115_510,
    }  # fmt: skip
    one = client.get("/api/v1/architectures/lenet5").json()
    assert one == listed["lenet5"]
    assert sum(layer["num_parameters"] for layer in one["layers"]) == 44_426
    assert sum(layer["num_multiply_adds"] for layer in one["layers"]) == one["num_multiply_adds"]
    assert (one["layers"][0]["type"], one["layers"][0]["output_shape"]) == ("Conv2d", [6, 24, 24])
    assert one["parameters"]["pool"] == "avg"


@pytest.mark.parametrize("name", ["vgg", "%00", "%FF", "x" * 65])
def test_an_architecture_that_is_not_there_is_not_found(client: TestClient, name: str) -> None:
    assert client.get(f"/api/v1/architectures/{name}").status_code == 404


def test_a_dataset_tells_what_was_measured_once_its_images_are_there(client: TestClient, settings: Settings) -> None:
    def archive() -> dict[str, object]:
        listed = {dataset["name"]: dataset for dataset in client.get("/api/v1/datasets").json()}
        assert set(listed) == {"digits", "mnist", "fashion-mnist", "kmnist", "archive"}
        told: dict[str, object] = listed["archive"]
        return told

    assert (archive()["is_ready"], archive()["num_train"]) == (False, None)
    images, labels = np.zeros((20, 1, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 10
    arrays = Arrays(images, labels, images[:10], labels[:10])
    folder = settings.materialised_dir
    write(folder, "archive", arrays, classes=tuple("0123456789"), mean=0.25, std=0.5, source="a test")
    told = archive()
    assert (told["is_ready"], told["num_train"], told["num_test"], told["mean"]) == (True, 20, 10, 0.25)
    assert told["title"] == "Your archives"
    shutil.rmtree(folder / "archive")
    assert archive()["is_ready"] is False


def test_the_queue_is_paused_and_resumed(client: TestClient) -> None:
    client.post("/api/v1/runs", json={"architecture": {"name": "lenet5"}, "dataset": "digits"})
    paused = client.post("/api/v1/queue/pause").json()
    assert (paused["paused"], paused["waiting"], paused["num_runs"]["queued"]) == (True, [1], 1)
    assert client.get("/api/v1/queue").json() == paused
    assert paused["paused_with_running"] is False
    assert client.post("/api/v1/queue/pause?with_running=true").json()["paused_with_running"] is True
    going_on = client.post("/api/v1/queue/resume").json()
    assert (going_on["paused"], going_on["paused_with_running"]) == (False, False)


def test_workers_are_told_while_they_are_heard(client: TestClient, database: Database) -> None:
    assert client.get("/readyz").json() == {"status": "ready", "num_workers": 0, "free_space_low": False}
    with database.writing() as session:
        worker_id = join(session, host="here", process_id=17, slots=2, threads=1)
        beat(session, worker_id, {"device": "cpu"})
    (worker,) = client.get("/api/v1/workers").json()
    assert (worker["process_id"], worker["slots"], worker["vitals"]) == (17, 2, {"device": "cpu"})
    assert client.get("/readyz").json()["num_workers"] == 1
    with database.writing() as session:
        end(session, worker_id)
    assert client.get("/api/v1/workers").json() == []


def test_ready_means_that_the_database_can_be_written(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.database.BUSY_TIMEOUT_SECONDS", 0.1)
    other = open_database(settings.database_file)
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        assert client.get("/readyz").status_code == 200
        with other.writing():
            refused = client.get("/readyz")
            busy = client.post("/api/v1/queue/pause")
        assert (refused.status_code, busy.status_code, busy.headers["retry-after"]) == (503, 503, "1")
        assert refused.headers["content-type"] == "application/problem+json"
        assert client.get("/readyz").status_code == 200
    other.close()
