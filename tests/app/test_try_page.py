"""Try it: the page, what it says of an image, and its faces where there is little or nothing to try."""

import re

import numpy as np
import pytest
from fastapi.testclient import TestClient

from core import queue
from core.activations import bars, layer_pictures, maps
from core.architectures.catalogue import resolve
from core.architectures.shapes import trace
from core.database import Database
from core.png import png_bytes
from core.run_changes import rename
from core.runs import run_by_id
from core.settings import Settings
from tests.app.answering_runs import answering, make_digits, random_weights, record_checkpoint, stroke
from tests.app.imported_datasets import make_imported
from tests.app.trained_runs import launch, started

SENT = png_bytes(np.kron(stroke(3), np.ones((10, 10), np.uint8)))


def page(client: TestClient, query: str = "") -> str:
    answer = client.get(f"/try{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def answers(client: TestClient, query: str = "", image: bytes = SENT, status: int = 200) -> str:
    answer = client.post(f"/try/answers{query}", content=image)
    assert answer.status_code == status, answer.text
    return answer.text


def test_where_nothing_is_trained_it_says_what_to_do_first(client: TestClient, database: Database) -> None:
    assert "No network is trained yet" in page(client)
    run = launch(database)
    assert "not here" in page(client, f"?runs={run}")
    assert client.post("/try/answers", content=SENT).status_code == 404


def test_without_a_choice_the_newest_run_of_each_network_answers_to_a_test_image(
    client: TestClient, database: Database, settings: Settings
) -> None:
    make_digits(settings)
    runs = [answering(database, settings, seed=seed) for seed in range(2)]
    runs.append(answering(database, settings, architecture={"name": "custom-mlp"}))
    shown = page(client)
    assert re.findall(r'href="/runs/(\d+)">run', shown) == [str(runs[1]), str(runs[2])]
    assert "Test image 0, as the network sees it" in shown
    assert "Test image 7, as the network sees it" in page(client, "?sample=7")
    assert "Test image 59, as the network sees it" in page(client, "?sample=999999")


def test_a_group_is_one_line_with_the_range_of_its_seeds(
    client: TestClient, database: Database, settings: Settings
) -> None:
    make_digits(settings)
    for seed in range(3):
        answering(database, settings, seed=seed)
    with database.reading() as session:
        config_hash = run_by_id(session, 1).config_hash
    shown = answers(client, f"?groups={config_hash[:12]}")
    assert "LeNet-5, 3 seeds" in shown
    assert re.search(r"\d of 3 say so", shown)
    assert len(re.findall("--low:", shown)) == 10
    own = answers(client, "?runs=1,2,3")
    assert "--low:" not in own
    assert own.count("<table") == 3


def test_names_are_escaped_and_odd_images_refused(client: TestClient, database: Database, settings: Settings) -> None:
    make_digits(settings)
    run = answering(database, settings)
    with database.writing() as session:
        rename(session, run, "<script>alert(1)</script>")
    for shown in (page(client, f"?layers={run}"), answers(client, f"?layers={run}")):
        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert" in shown
    assert "That is no PNG, JPEG or WebP." in answers(client, image=b"<svg/>", status=422)
    assert "an empty image" in answers(client, image=png_bytes(np.zeros((50, 50), np.uint8)))


def test_the_layers_of_one_model_are_pictures(client: TestClient, database: Database, settings: Settings) -> None:
    make_digits(settings)
    run = answering(database, settings)
    shown = answers(client, f"?layers={run}")
    pictures = re.findall(r'alt="(\d+) (maps|values as bars)', shown)
    assert [kind for _, kind in pictures].count("maps") == 6
    assert pictures[-1] == ("10", "values as bars")
    assert "Layer by layer" not in answers(client, "?layers=999")


def test_a_running_run_is_tried_and_one_without_an_epoch_told_of(
    client: TestClient, database: Database, settings: Settings
) -> None:
    make_digits(settings)
    lease = started(database, epochs=9)
    waiting = launch(database, seed=1)
    record_checkpoint(database, settings, lease, 1, random_weights(database, lease.run_id, 1))
    shown = page(client, f"?runs={lease.run_id},{waiting}")
    assert "still training" in shown
    assert f"Run {waiting} is queued; it can be tried after its first epoch." in shown
    assert f'data-open-runs="{lease.run_id},{waiting}"' in shown


def test_of_a_run_that_was_tried_before_it_says_what_has_become_of_it_since(
    client: TestClient, database: Database, settings: Settings
) -> None:
    make_digits(settings)
    lease = started(database, epochs=9)
    record_checkpoint(database, settings, lease, 1, random_weights(database, lease.run_id, 1))
    query = f"?runs={lease.run_id}&layers={lease.run_id}"
    assert "epoch 1, still training" in answers(client, query)
    with database.writing() as session:
        queue.cancel(session, lease.run_id)
        queue.hand_back(session, lease)
        rename(session, lease.run_id, "Anew")
    shown = answers(client, query)
    assert "epoch 1" in shown
    assert "still training" not in shown
    assert "<bdi>Anew</bdi>" in shown


def test_an_imported_dataset_of_colour_photographs_with_names_of_its_own(
    client: TestClient, database: Database, settings: Settings
) -> None:
    made = make_imported(settings, database)
    run = answering(database, settings, dataset="shapes")
    shown = page(client, f"?runs={run}&layers={run}")
    assert "are photographs" in shown
    assert "<canvas" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    told = answers(client, f"?runs={run}")
    assert "Scaled to 32×32." in told
    own = answers(client, f"?runs={run}&prepare=none", image=png_bytes(made.image("test", 3)))
    assert own.count("<tr") == 5


def test_maps_and_bars_are_drawn_true() -> None:
    values = np.zeros((3, 4, 4), np.float32)
    values[1], values[2, 0, 0] = 2, -2
    sheet = maps(values, -2, 2)
    assert sheet.shape == (4, 14)
    assert (sheet[0, 0], sheet[0, 5], sheet[0, 10]) == (127, 255, 0)
    columns = bars(np.array([4, -2, 0], np.float32))
    light = (columns > 200).sum(0)
    assert light[0] == pytest.approx(2 * light[1], abs=2)
    assert light[2] <= 1
    assert np.flatnonzero(columns[:, 0] > 200).min() == 0


def test_every_layer_that_changes_values_has_a_picture_and_broken_numbers_do_not_break_it() -> None:
    traced = trace(resolve("lenet5-moon", {"dropout": 0.5}, (1, 28, 28), 10), (1, 28, 28))
    values = {layer.number: np.full(layer.output_shape, np.nan, np.float32) for layer in traced}
    kinds = [picture.label.split()[0] for picture in layer_pictures(traced, values)]
    assert {"Conv2d", "Linear"} <= set(kinds)
    assert not {"Dropout", "Flatten"} & set(kinds)
