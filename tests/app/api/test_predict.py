"""An image is sent, and every chosen run answers by its newest weights."""

import base64
import io
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import numpy as np
import psutil
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.prediction import make_network
from core import dataset_writer
from core.bin import move_to_bin, purge
from core.database import Database
from core.dataset_store import Arrays
from core.datasets import DIGIT_CLASSES
from core.png import png_bytes
from core.settings import Settings
from core.trained_weights import stored_weights
from tests.app.answering_runs import answering, make_digits, random_weights, record_checkpoint, stroke
from tests.app.predicted_runs import make_dataset
from tests.app.trained_runs import complete, launch, started
from tests.core.hostile_images import DECODED, LARGE, REFUSED

MEBIBYTE = 2**20
SENT = png_bytes(np.kron(stroke(3), np.ones((10, 10), np.uint8)))


@pytest.fixture
def digits(settings: Settings) -> None:
    make_digits(settings)


def seen_in(answer: dict[str, dict[str, str]]) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["seen"]["png"]))))


@pytest.mark.usefixtures("digits")
def test_several_runs_answer_at_once_and_say_what_they_see(
    client: TestClient, database: Database, settings: Settings
) -> None:
    runs = [answering(database, settings, seed=seed) for seed in range(2)]
    runs.append(answering(database, settings, architecture={"name": "report-mlp"}))
    answer = client.post(f"/api/v1/predict?runs={','.join(map(str, runs))}", content=SENT)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [one["run"] for one in told["answers"]] == runs
    assert [one["weights"] for one in told["answers"]] == ["weights"] * 3
    for one in told["answers"]:
        assert sum(one["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert one["predicted"] == told["classes"][int(np.argmax(one["probabilities"]))]
        assert one["confidence"] == pytest.approx(max(one["probabilities"]))
    assert len({tuple(one["probabilities"]) for one in told["answers"]}) == 3
    assert np.abs(seen_in(told).astype(int) - stroke(3)).max() <= 1
    assert "20×20" in told["seen"]["notes"][0]


@pytest.mark.usefixtures("digits")
def test_paper_is_seen_as_its_negative_unless_one_says_no(
    client: TestClient, database: Database, settings: Settings
) -> None:
    run = answering(database, settings)
    paper = png_bytes(255 - np.kron(stroke(3), np.ones((10, 10), np.uint8)))
    as_sent = client.post(f"/api/v1/runs/{run}/predict", content=SENT).json()
    on_paper = client.post(f"/api/v1/runs/{run}/predict", content=paper).json()
    assert on_paper["answers"] == as_sent["answers"]
    assert (as_sent["seen"]["inverted"], on_paper["seen"]["inverted"]) == (False, True)
    kept = client.post(f"/api/v1/runs/{run}/predict?invert=no", content=paper).json()
    assert not kept["seen"]["inverted"]
    own = client.post(f"/api/v1/runs/{run}/predict?prepare=none", content=png_bytes(stroke(3))).json()
    assert (seen_in(own) == stroke(3)).all()
    refused = client.post(f"/api/v1/runs/{run}/predict?prepare=none", content=SENT)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "image")


@pytest.mark.usefixtures("digits")
def test_a_running_run_answers_by_its_last_checkpoint_and_then_by_the_next(
    client: TestClient, database: Database, settings: Settings
) -> None:
    lease = started(database, epochs=9)
    before = client.post(f"/api/v1/runs/{lease.run_id}/predict", content=SENT)
    assert (before.status_code, "after its first epoch" in before.json()["detail"]) == (404, True)
    answers = []
    for epoch in (1, 2):
        record_checkpoint(database, settings, lease, epoch, random_weights(database, lease.run_id, epoch))
        told = client.post(f"/api/v1/runs/{lease.run_id}/predict", content=SENT).json()["answers"][0]
        assert (told["epoch"], told["weights"]) == (epoch, "checkpoint")
        answers.append(told["probabilities"])
    assert answers[0] != answers[1]


@pytest.mark.usefixtures("digits")
def test_a_checkpoint_that_gives_way_while_it_is_read_is_followed_by_the_newer(
    client: TestClient, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = started(database, epochs=9)
    record_checkpoint(database, settings, lease, 1, random_weights(database, lease.run_id, 1))

    def found_before_the_next_epoch(*arguments: object) -> object:
        found = stored_weights(*arguments)  # type: ignore[arg-type]
        monkeypatch.undo()
        record_checkpoint(database, settings, lease, 2, random_weights(database, lease.run_id, 2))
        return found

    monkeypatch.setattr("app.prediction.stored_weights", found_before_the_next_epoch)
    told = client.post(f"/api/v1/runs/{lease.run_id}/predict", content=SENT)
    assert told.json()["answers"][0]["epoch"] == 2, told.text


@pytest.mark.usefixtures("digits")
def test_a_run_that_is_purged_while_it_is_asked_is_told_and_the_others_answer(
    client: TestClient, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    purged, run = answering(database, settings), answering(database, settings, seed=1)

    def found_before_it_is_purged(*arguments: object) -> object:
        found = stored_weights(*arguments)  # type: ignore[arg-type]
        monkeypatch.undo()
        with database.writing() as session:
            move_to_bin(session, purged)
        assert purge(database, settings.runs_dir, [purged]) == 1
        return found

    monkeypatch.setattr("app.prediction.stored_weights", found_before_it_is_purged)
    told = client.post(f"/api/v1/predict?runs={purged},{run}", content=SENT).json()
    assert [answer["run"] for answer in told["answers"]] == [run]
    assert told["left_out"] == [f"There is no run {purged}."]


@pytest.mark.usefixtures("digits")
def test_weights_that_are_gone_or_damaged_are_told_and_the_others_answer(
    client: TestClient, database: Database, settings: Settings
) -> None:
    runs = [answering(database, settings, seed=seed) for seed in range(3)]
    gone, damaged, whole = (settings.runs_dir / str(run) / "weights.safetensors" for run in runs)
    gone.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-4] + b"oops")
    alone = client.post(f"/api/v1/runs/{runs[0]}/predict", content=SENT)
    assert alone.status_code == 404
    assert "cannot be read" in alone.json()["detail"]
    waiting = launch(database, seed=9)
    told = client.post(f"/api/v1/predict?runs={','.join(map(str, [*runs, waiting, 999]))}", content=SENT).json()
    assert [answer["run"] for answer in told["answers"]] == [runs[2]]
    assert whole.exists()
    assert len(told["left_out"]) == 4


@pytest.mark.usefixtures("digits")
def test_a_deleted_run_of_another_dataset_or_kind_is_left_out(
    client: TestClient, database: Database, settings: Settings
) -> None:
    run, binned = answering(database, settings), answering(database, settings, seed=1)
    with database.writing() as session:
        move_to_bin(session, binned)
    make_dataset(settings, "kmnist")  # 3×5×7, three classes
    lease = started(database, dataset="kmnist")
    complete(database, lease)
    told = client.post(f"/api/v1/predict?runs={run},{binned},{lease.run_id}", content=SENT).json()
    assert [answer["run"] for answer in told["answers"]] == [run]
    assert "kmnist" in " ".join(told["left_out"])
    assert "bin" in " ".join(told["left_out"])


def test_a_run_on_images_of_other_greys_is_left_out_for_it_would_be_asked_with_the_wrong_normalisation(
    client: TestClient, database: Database, settings: Settings
) -> None:
    digits = make_digits(settings)
    arrays = Arrays(digits.images("train"), digits.labels("train"), digits.images("test"), digits.labels("test"))
    dataset_writer.write(
        settings.materialised_dir, "mnist", arrays, classes=DIGIT_CLASSES, mean=0.5, std=0.1, source="made for a test"
    )
    run, other = answering(database, settings), answering(database, settings, dataset="mnist")
    told = client.post(f"/api/v1/predict?runs={run},{other}", content=SENT).json()
    assert [answer["run"] for answer in told["answers"]] == [run]
    assert told["left_out"] == ["Runs on other images than those of digits are left out: mnist."]
    assert client.post(f"/api/v1/predict?runs={other}", content=SENT).json()["dataset"] == "mnist"


@pytest.mark.usefixtures("digits")
def test_what_is_no_number_and_what_was_trained_on_other_images_is_no_answer(
    client: TestClient, database: Database, settings: Settings
) -> None:
    lease = started(database, epochs=9)
    weights = random_weights(database, lease.run_id, 0)
    record_checkpoint(database, settings, lease, 1, {name: tensor * np.nan for name, tensor in weights.items()})
    diverged = client.post(f"/api/v1/runs/{lease.run_id}/predict", content=SENT)
    assert (diverged.status_code, "diverged" in diverged.json()["detail"]) == (404, True)
    assert client.post(f"/try/gallery?runs={lease.run_id}&label=1", content=SENT).status_code == 200
    assert client.get(f"/try/gallery?runs={lease.run_id}").status_code == 200
    run = answering(database, settings)
    assert client.post(f"/api/v1/runs/{run}/predict", content=SENT).status_code == 200
    make_dataset(settings, "digits")  # in its place: 3×5×7, three classes
    other = client.post(f"/api/v1/runs/{run}/predict", content=SENT)
    assert (other.status_code, "cannot be read" in other.json()["detail"]) == (404, True)


def test_with_nothing_trained_it_says_so(client: TestClient) -> None:
    answer = client.post("/api/v1/predict", content=SENT)
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no trained run yet.")


@pytest.mark.usefixtures("digits")
def test_networks_that_are_asked_again_are_kept_and_no_more_than_may_be(
    client: TestClient, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [answering(database, settings, seed=seed) for seed in range(3)]
    made: list[int | None] = []

    def counted(stored, *arguments, **options):  # type: ignore[no-untyped-def]
        made.append(stored.run.id)
        return make_network(stored, *arguments, **options)

    monkeypatch.setattr("app.prediction.make_network", counted)
    monkeypatch.setattr("app.prediction.MOST_NETWORKS", 2)
    for run in (0, 1, 1, 0, 2, 0, 1):
        assert client.post(f"/api/v1/runs/{runs[run]}/predict", content=SENT).status_code == 200
    assert made == [runs[0], runs[1], runs[2], runs[1]]


def test_twenty_hostile_images_leave_nothing_behind_and_grow_the_server_by_less_than_64_mib(
    serve: Callable[[Settings], AbstractContextManager[tuple[subprocess.Popen[str], str]]],
    database: Database, settings: Settings,
) -> None:  # fmt: skip
    make_digits(settings)
    run = answering(database, settings)
    hostile = REFUSED | DECODED
    assert len(hostile) == 20
    with serve(settings) as (server, address), httpx2.Client(timeout=60) as sender:
        process, where = psutil.Process(server.pid), f"{address}/api/v1/runs/{run}/predict"
        assert sender.post(where, content=SENT).status_code == 200
        before, files = process.memory_info().rss, files_of(settings)
        for name, make in (hostile | LARGE).items():
            answer = sender.post(where, content=make())
            told = 200 if name in DECODED | LARGE else 422
            assert answer.status_code == told, f"{name}: {answer.text}"
        assert peak_of(server.pid) - before < 64 * MEBIBYTE
        assert files_of(settings) == files


def peak_of(process_id: int) -> int:
    """Bytes of the largest resident set since it started."""
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def files_of(settings: Settings) -> set[str]:
    """But for what SQLite makes and removes as it likes."""
    return {str(file) for file in settings.data_dir.rglob("*") if "sqlite3-" not in file.name}
