"""What the curves say, on the page of a run and over REST."""

import re
from html import unescape
from typing import Any

from fastapi.testclient import TestClient

from core.database import Database
from core.settings import Settings
from tests.app.predicted_runs import make_dataset, predicted
from tests.app.trained_runs import fail, launch, record_epochs, started, trained

DIVERGED = "The training loss became NaN or infinite in epoch 2, by step 4."


def diagnosis(client: TestClient, run_id: int) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/runs/{run_id}/diagnosis")
    assert answer.status_code == 200
    told: list[dict[str, Any]] = answer.json()
    return told


def form_behind(client: TestClient, run_id: int, words: str) -> str:
    """The launch form that a button of the panel leads to."""
    page = client.get(f"/runs/{run_id}/diagnosis").text
    href = re.search(rf'href="([^"]*)">{re.escape(words)}<', page)
    assert href is not None, page
    return client.get(unescape(href[1])).text


def typed(form: str, name: str) -> str:
    """What is in a field of the launch form."""
    (tag,) = re.findall(rf'<input[^>]* name="{re.escape(name)}"[^>]*>', form)
    value = re.search(r'value="([^"]*)"', tag)
    assert value is not None
    return value[1]


def test_a_run_of_which_nothing_was_found_has_no_such_panel(client: TestClient, database: Database) -> None:
    run_id = trained(database, 0.9)
    assert "What the curves say" not in client.get(f"/runs/{run_id}").text
    assert client.get(f"/runs/{run_id}/diagnosis").text.strip() == ""
    assert diagnosis(client, run_id) == []


def test_a_run_that_diverged_leads_to_the_same_with_a_smaller_learning_rate(
    client: TestClient, database: Database
) -> None:
    lease = started(database, learning_rate=10, name="mine")
    record_epochs(database, lease, 1)
    fail(database, lease, DIVERGED, "Lower it.")
    assert "Learning rate too high." in client.get(f"/runs/{lease.run_id}").text
    form = form_behind(client, lease.run_id, "Learning rate 1")
    assert re.search(rf'Filled in from <a href="[^"]*/runs/{lease.run_id}">', form)
    assert typed(form, "learning_rate") == "1"
    assert 'value="mine"' not in form


def test_a_config_that_is_offered_over_rest_can_be_launched_as_it_is(client: TestClient, database: Database) -> None:
    network = {"name": "report-mlp", "parameters": {"hidden": [30]}}
    (told,) = diagnosis(client, launch(database, architecture=network))
    assert (told["kind"], round(told["evidence"]["lowest_possible_loss"], 4)) == ("softmax", 1.4612)
    (remedy,) = told["remedies"]
    launched = client.post("/api/v1/runs", json=remedy["config"])
    assert launched.status_code == 201
    assert launched.json()["config"]["architecture"] == {"name": "lenet5-1998", "parameters": {"hidden": [30]}}


def test_the_network_without_its_softmax_is_chosen_in_the_form_with_its_parameters(
    client: TestClient, database: Database
) -> None:
    network = {"name": "report-mlp", "parameters": {"hidden": [30]}}
    form = form_behind(client, launch(database, architecture=network), "LeNet-5 of 1998: the same network without it")
    assert re.search(r'<input[^>]*name="architecture"[^>]*value="lenet5-1998"[^>]*checked', form)
    assert typed(form, "lenet5-1998.hidden") == "30"


def test_a_class_that_is_never_said_is_named_and_its_name_breaks_nothing(
    client: TestClient, database: Database, settings: Settings
) -> None:
    make_dataset(settings)
    run_id = predicted(database, settings, [0, 0, 0, 1, 1, 0])
    assert diagnosis(client, run_id)[0]["evidence"] == {"epoch": 1, "num_images_by_class": {"<b>": 1}}
    page = client.get(f"/runs/{run_id}").text
    assert "After epoch 1 no test image is read as &lt;b&gt;, though 1 of 6 are." in page


def test_a_run_that_is_not_there_has_no_diagnosis(client: TestClient) -> None:
    assert client.get("/api/v1/runs/99/diagnosis").status_code == 404
