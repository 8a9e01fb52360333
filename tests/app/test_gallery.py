"""The gallery keeps what a network misread, tells what was said then, and asks the models of now."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from core import dataset_writer
from core.database import Database
from core.dataset_store import Arrays
from core.datasets import DIGIT_CLASSES
from core.gallery import kept_images
from core.png import png_bytes
from core.settings import Settings
from tests.app.answering_runs import answering, make_digits, random_weights, record_checkpoint, stroke
from tests.app.imported_datasets import make_imported
from tests.app.trained_runs import started

SENT = png_bytes(np.kron(stroke(3), np.ones((10, 10), np.uint8)))


@pytest.fixture
def runs(database: Database, settings: Settings) -> list[int]:
    make_digits(settings)
    return [answering(database, settings, seed=seed) for seed in range(2)]


def test_an_image_is_kept_as_it_was_seen_with_what_was_said_and_later_models_are_asked_again(
    client: TestClient, database: Database, settings: Settings, runs: list[int]
) -> None:
    query = f"runs={runs[0]},{runs[1]}"
    kept = client.post(f"/try/gallery?{query}&label=7", content=SENT)
    assert (kept.status_code, "Kept as image 1, a 7." in kept.text) == (200, True), kept.text
    (told,) = client.get("/api/v1/gallery").json()
    assert [answer["run"] for answer in told["answers"]] == runs
    assert (told["label"], told["dataset"]) == ("7", "digits")
    with database.reading() as session:
        assert np.abs(kept_images(session)[0].pixels[0].astype(int) - stroke(3)).max() <= 1
    said = client.post(f"/api/v1/predict?{query}", content=SENT).json()["answers"]
    assert [answer["said"] for answer in told["answers"]] == [answer["predicted"] for answer in said]
    newer = answering(database, settings, seed=9)
    page = client.get(f"/try/gallery?runs={newer}").text
    assert page.count("LeNet-5, seed 9") == 2, "among those that answer, and what it says now"
    assert page.count("LeNet-5, seed 0") == 1, "what it said then"
    again = client.get("/try?kept=1").text
    assert "Image 1 of the gallery, as the network sees it" in again
    assert "It is labelled <b>7</b>" in again


def test_it_is_deleted_and_then_gone(client: TestClient, runs: list[int]) -> None:
    for label in ("1", "2"):
        assert client.post(f"/api/v1/gallery?runs={runs[0]}&label={label}", content=SENT).status_code == 201
    shown = client.get(f"/try/gallery?runs={runs[0]}").text
    assert f'action="/try/gallery/1/delete?runs={runs[0]}"' in shown
    deleted = client.post(f"/try/gallery/1/delete?runs={runs[0]}")
    assert (deleted.status_code, deleted.headers["location"]) == (303, f"/try/gallery?runs={runs[0]}")
    assert [one["id"] for one in client.get("/api/v1/gallery").json()] == [2]
    assert client.delete("/api/v1/gallery/2").status_code == 204
    assert client.delete("/api/v1/gallery/2").status_code == 404
    assert client.get("/try?kept=2").status_code == 404
    assert "Nothing is kept yet" in client.get("/try/gallery").text


def test_what_cannot_be_kept_is_refused_in_words(
    client: TestClient, runs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = f"runs={runs[0]}"
    unknown = client.post(f"/api/v1/gallery?{where}&label=eleven", content=SENT)
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "image")
    assert client.post(f"/try/gallery?{where}&label=10", content=SENT).status_code == 422
    assert "no PNG" in client.post(f"/try/gallery?{where}&label=1", content=b"no").text
    monkeypatch.setattr("core.gallery.MOST_IMAGES", 1)
    assert client.post(f"/api/v1/gallery?{where}&label=1", content=SENT).status_code == 201
    full = client.post(f"/api/v1/gallery?{where}&label=1", content=SENT)
    assert (full.status_code, "delete one first" in full.json()["detail"]) == (409, True)


def test_models_are_asked_only_of_classes_that_they_know_and_class_names_are_escaped(
    client: TestClient, database: Database, settings: Settings, runs: list[int]
) -> None:
    make_imported(settings, database)
    run = answering(database, settings, dataset="shapes")
    assert client.post(f"/try/gallery?runs={run}&label=4", content=SENT).status_code == 200
    for query in (f"?runs={run}", f"?runs={runs[0]}"):
        page = client.get(f"/try/gallery{query}").text
        assert "<script>alert" not in page
        assert ("No chosen model knows the class &lt;script&gt;" in page) == (query == f"?runs={runs[0]}")


def test_models_of_another_dataset_are_asked_with_the_image_made_as_theirs_are(
    client: TestClient, database: Database, settings: Settings, runs: list[int]
) -> None:
    small = np.zeros((20, 1, 14, 14), np.uint8)  # twelve pixels high, against the twenty of digits
    small[:, 0, 1:13, 5:8] = 255
    labels = (np.arange(20) % 10).astype(np.uint8)
    dataset_writer.write(
        settings.materialised_dir, "mnist", Arrays(small, labels, small, labels), classes=DIGIT_CLASSES, mean=0.1,
        std=0.3, source="made for a test",
    )  # fmt: skip
    lease = started(database, dataset="mnist", architecture={"name": "custom-mlp"}, epochs=2)
    weights = random_weights(database, lease.run_id, 0, (1, 14, 14))
    record_checkpoint(database, settings, lease, 1, weights)
    assert client.post(f"/try/gallery?runs={runs[0]}&label=7", content=SENT).status_code == 200
    page = client.get(f"/try/gallery?runs={lease.run_id}").text
    assert "Now answer: <bdi>Custom MLP" in page
    assert "No chosen model" not in page
    again = client.get(f"/try?kept=1&runs={lease.run_id}").text
    assert "Image 1 of the gallery, as the network sees it, 14 by 14 pixels" in again
    assert "Cropped, scaled to 12×12" in again


def test_with_no_model_there_is_nothing_to_keep(client: TestClient) -> None:
    assert client.post("/api/v1/gallery?label=7", content=SENT).status_code == 404
    assert "Nothing is kept yet" in client.get("/try/gallery").text
