"""Every door takes an imported dataset as it takes one of the catalogue: its shape, its classes, its pixels."""

from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from core.architectures.catalogue import FAMILIES
from core.database import Database
from core.settings import Settings
from core.tables import Run
from tests.app.imported_datasets import make_imported

LENET: dict[str, Any] = {"architecture": {"name": "lenet5"}, "dataset": "shapes", "epochs": 1}


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 96, 96), (3, 20, 31)])
def test_a_launch_follows_the_datasets_shape_and_its_number_of_classes(
    client: TestClient, database: Database, settings: Settings, shape: tuple[int, int, int]
) -> None:
    assert client.post("/api/v1/runs", json=LENET).status_code == 422, "there is no such dataset yet"
    make_imported(settings, database, shape=shape)
    for family in FAMILIES:
        assert client.post("/api/v1/runs", json=LENET | {"architecture": {"name": family}}).status_code == 201
    plan = {"base": LENET, "grid": {"architecture": list(FAMILIES)}, "seeds": 2}
    assert client.post("/api/v1/experiments", json=plan).status_code == 201
    assert client.post("/api/v1/experiments/report", json={"dataset": "shapes", "seeds": 1}).status_code == 201
    with database.reading() as session:
        for run in session.exec(select(Run)):
            last = next(layer for layer in reversed(run.layers) if layer["type"] == "Linear")
            assert last["out_features"] == 5
    shown = client.get("/runs/1").text
    assert f"{6 * (shape[0] * 25 + 1):,}" in shown, "the first convolution sees every channel"


def test_the_launch_form_shows_it_as_a_card_and_launches_on_it(
    client: TestClient, database: Database, settings: Settings
) -> None:
    make_imported(settings, database)
    page = client.get("/runs/new?dataset=shapes").text
    assert "40 to train, 40 to test, 5 classes" in page
    assert "<script>alert" not in page
    sheet = client.get("/datasets/shapes/samples.png").content
    assert (int.from_bytes(sheet[16:20], "big"), int.from_bytes(sheet[20:24], "big"), sheet[25]) == (168, 100, 2)
    assert client.get("/datasets/shapes/images/test/39.png").content[25] == 2, "RGB"
    assert client.get("/datasets/..%2Fruns/images/test/0.png").status_code == 404
    sent = client.post("/runs", data={"dataset": "shapes, digits", "architecture": "lenet5", "epochs": "1"})
    assert sent.headers["location"] == "/experiments/1"
    assert client.get("/experiments/1").status_code == client.get("/runs/new?experiment=1").status_code == 200


def test_more_validation_images_than_it_has_are_refused_before_the_launch(
    client: TestClient, database: Database, settings: Settings
) -> None:
    make_imported(settings, database)
    outlook = client.get("/runs/new/outlook?dataset=shapes&validation=40").text
    assert "must leave images to train on" in outlook
