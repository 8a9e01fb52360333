"""What a run says of the test images, over REST: a page, files, the confusion matrix, and why there is none."""

import io
import zlib
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from core.database import Database
from core.marks import read_marks
from core.predictions import PREDICTION
from core.run_tables import EpochAnswers
from core.settings import Settings
from core.tables import Run
from tests.app.predicted_runs import LABELS, make_dataset, predicted
from tests.app.trained_runs import fail, launch, started, trained

SAID = (0, 1, 0, 1, 2, 2)  # of cat, cat, cat, dog, dog, <b>


@pytest.fixture
def run(database: Database, settings: Settings) -> int:
    make_dataset(settings)
    return predicted(database, settings, SAID, [0.5, 0.75, 1, 1, 1, 0.25])


def get(client: TestClient, path: str, status: int = 200) -> Any:  # JSON
    answer = client.get(f"/api/v1/runs/{path}")
    assert answer.status_code == status, answer.text
    return answer.json()


def test_predictions_come_in_pages(client: TestClient, run: int) -> None:
    page = get(client, f"{run}/predictions?limit=2")
    assert (page["num_images"], page["num_right"], page["epoch"], page["next_offset"]) == (6, 4, 1, 2)
    assert page["predictions"][1] == {"image": 1, "label": "cat", "predicted": "dog", "confidence": 0.75}
    page = get(client, f"{run}/predictions?offset=5")
    assert ([row["image"] for row in page["predictions"]], page["next_offset"]) == ([5], None)
    assert get(client, f"{run}/predictions?offset=99")["predictions"] == []


def test_all_of_them_come_as_a_file(client: TestClient, run: int) -> None:
    answer = client.get(f"/api/v1/runs/{run}/predictions?format=npy")
    rows = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert rows.dtype == PREDICTION
    assert rows["class"].tolist() == list(SAID)
    lines = client.get(f"/api/v1/runs/{run}/predictions", headers={"Accept": "text/csv"}).text.splitlines()
    assert lines[:3] == ["image,label,predicted,confidence", "0,cat,cat,0.5", "1,cat,dog,0.75"]
    assert len(lines) == 7


def test_the_confusion_matrix_comes_with_its_classes(client: TestClient, run: int) -> None:
    told = get(client, f"{run}/confusion")
    assert told["counts"] == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert told["classes"] == ["cat", "dog", "<b>"]
    assert told["of_classes"][1] == {
        "name": "dog", "num_images": 2, "num_right": 1, "num_predicted": 2, "precision": 0.5, "recall": 0.5, "f1": 0.5
    }  # fmt: skip


def test_where_there_are_none_the_answer_says_why_and_what_to_do(
    client: TestClient, database: Database, settings: Settings, run: int
) -> None:
    exporting = trained(database, 0.5)
    lease, waiting = started(database, seed=1), launch(database)
    assert get(client, f"{lease.run_id}/predictions", 404)["detail"] == f"Run {lease.run_id} is running."
    fail(database, lease, "no", "luck")
    assert "failed" in get(client, f"{lease.run_id}/confusion", 404)["detail"]
    assert get(client, f"{waiting}/predictions", 404)["suggestion"] == "Its predictions come when it has completed."
    assert "come by themselves" in get(client, f"{exporting}/predictions", 404)["suggestion"]
    with database.writing() as session:
        session.get_one(Run, exporting).export_tries_left = 0
    assert get(client, f"{exporting}/predictions", 404)["suggestion"] == "The run's log says why."
    assert get(client, "99/predictions", 404)
    file = settings.runs_dir / str(run) / "predictions.npy"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"?")
    assert "is not the file that was written" in get(client, f"{run}/confusion", 404)["detail"]
    file.unlink()
    assert "no longer there" in get(client, f"{run}/confusion", 404)["detail"]


def test_until_the_file_is_written_what_was_said_after_the_selected_epoch_stands_for_it(
    client: TestClient, database: Database, settings: Settings
) -> None:
    make_dataset(settings)
    run = trained(database, 0.5, 4 / 6)
    ahead = np.array(SAID, np.uint8) - np.array(LABELS, np.uint8)
    for epoch, said in enumerate((np.ones(6, np.uint8), ahead), start=1):
        content = zlib.compress(np.stack([said, np.full(6, 51, np.uint8)]).tobytes())
        with database.writing() as session:
            session.add(EpochAnswers(run_id=run, epoch=epoch, content=content))
    page = get(client, f"{run}/predictions")
    assert (page["num_right"], page["epoch"]) == (4, 2)
    assert page["predictions"][1] == {"image": 1, "label": "cat", "predicted": "dog", "confidence": pytest.approx(0.2)}
    with database.writing() as session:
        [marks] = read_marks(session, [session.get_one(Run, run)], settings).values()
    assert isinstance(marks, np.ndarray)
    assert marks.tolist() == [1, 0, 1, 1, 0, 1]
    make_dataset(settings, labels=(1, 0, 0, 1, 1, 2, 2))
    assert "are not those that" in get(client, f"{run}/confusion", 404)["detail"]


@pytest.mark.parametrize("labels", [(0, 0, 0, 1, 1, 2, 2), (1, 0, 0, 1, 1, 2)])
def test_predictions_of_images_that_are_not_there_any_more_are_not_shown(
    client: TestClient, settings: Settings, run: int, labels: tuple[int, ...]
) -> None:
    make_dataset(settings, labels=labels)
    assert "are not those that" in get(client, f"{run}/confusion", 404)["detail"]


def test_disagreements_of_two_groups_come_with_their_classes(
    client: TestClient, database: Database, settings: Settings, run: int
) -> None:
    others = [predicted(database, settings, (0, 0, 0, 1, 1, 2), seed=seed, learning_rate=0.1) for seed in (0, 1)]
    address = f"/api/v1/compare/disagreements?runs={run},{others[0]},{others[1]}"
    told = client.get(address).json()
    assert [group["runs"] for group in told["groups"]] == [[run], others]
    assert (told["num_disagreements"], told["next_offset"], told["dataset"]) == (2, None, "digits")
    first = {"image": 1, "label": "cat", "predicted": "dog", "votes": [1, 0], "right": [0, 2], "distance": 1.0}
    assert sorted(told["disagreements"], key=lambda one: one["image"])[0] == first
    assert [one["difference"] for one in told["of_classes"]] == pytest.approx([1 / 3, 1 / 2, 0])
    assert client.get(f"{address}&limit=1").json()["next_offset"] == 1
    turned = client.get(f"{address}&first={told['groups'][1]['config_hash'][:8]}").json()
    assert turned["groups"] == told["groups"][::-1]
    assert "no two groups" in client.get(f"/api/v1/compare/disagreements?runs={run}").json()["detail"]


def test_without_the_dataset_there_is_nothing_to_compare_with(client: TestClient, database: Database) -> None:
    assert "not materialised" in get(client, f"{trained(database, 0.5)}/confusion", 404)["detail"]
