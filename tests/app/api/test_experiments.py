"""Experiments over REST: launched once, listed page by page, changed, cancelled; the report again."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

BASE = {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 2}
MANY: dict[str, Any] = {"base": BASE, "grid": {"learning_rate": [0.1, 0.01]}, "seeds": 3}
Answer = dict[str, Any]  # parsed JSON


def launch(client: TestClient, **changes: object) -> Answer:
    answer = client.post("/api/v1/experiments", json=MANY | changes)
    assert answer.status_code == 201, answer.text
    launched: Answer = answer.json()
    return launched


def test_a_launch_makes_an_experiment_with_its_groups_and_runs(client: TestClient) -> None:
    answer = client.post("/api/v1/experiments", json=MANY)
    made = answer.json()
    assert answer.status_code == 201
    assert client.get(answer.headers["location"]).json() == made
    assert (made["name"], made["base"], made["grid"]) == ("Learning rate on digits", BASE, MANY["grid"])
    assert (made["seeds"], made["num_groups"], made["num_runs"]["queued"]) == ([0, 1, 2], 2, 6)
    assert (made["epochs"], made["epochs_done"], made["ended_at"]) == (12, 0, None)
    assert [group["varied"] for group in made["groups"]] == [{"learning_rate": 0.1}, {"learning_rate": 0.01}]
    runs = [client.get(f"/api/v1/runs/{run}").json() for group in made["groups"] for run in group["run_ids"]]
    assert {run["experiment_id"] for run in runs} == {made["id"]}
    assert [run["config"]["seed"] for run in runs] == [0, 1, 2, 0, 1, 2]


def test_seeds_may_be_a_list_and_the_name_ones_own(client: TestClient) -> None:
    made = launch(client, grid={}, seeds=[5, 1], name="How lucky?")
    assert (made["name"], made["seeds"], made["num_groups"]) == ("How lucky?", [5, 1], 1)


def test_one_key_makes_one_experiment(client: TestClient) -> None:
    key = {"Idempotency-Key": "3f1c"}
    first, again = (client.post("/api/v1/experiments", json=MANY, headers=key) for _ in range(2))
    other = client.post("/api/v1/experiments", json=MANY | {"seeds": 1}, headers=key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert first.json() == again.json()
    assert client.get("/api/v1/runs").json()["num_matching"] == 6


def test_the_list_goes_back_page_by_page(client: TestClient) -> None:
    ids = [launch(client, seeds=1, name=f"number {number}")["id"] for number in range(3)]
    first = client.get("/api/v1/experiments?limit=2").json()
    assert [listed["id"] for listed in first["experiments"]] == ids[:0:-1]
    last = client.get(f"/api/v1/experiments?limit=2&before={first['next_before']}").json()
    assert ([listed["id"] for listed in last["experiments"]], last["next_before"]) == (ids[:1], None)


def test_the_report_is_launched_by_dataset_and_seeds(client: TestClient) -> None:
    answer = client.post("/api/v1/experiments/report", json={"dataset": "digits", "seeds": 2})
    assert answer.status_code == 201
    assert (answer.json()["num_groups"], answer.json()["num_runs"]["queued"]) == (5, 10)
    refused = client.post("/api/v1/experiments/report", json={"dataset": "imagenet"})
    assert refused.status_code == 422
    assert "dataset" in {error["field"] for error in refused.json()["errors"]}


def test_name_and_notes_change_and_all_open_runs_are_cancelled_at_once(client: TestClient) -> None:
    experiment = f"/api/v1/experiments/{launch(client)['id']}"
    changed = client.patch(experiment, json={"name": "Rates", "notes": "0.1 is too much"}).json()
    assert (changed["name"], changed["notes"]) == ("Rates", "0.1 is too much")
    client.post(f"/api/v1/runs/{changed['groups'][0]['run_ids'][0]}/cancel")
    cancelled = client.post(f"{experiment}/cancel").json()
    assert (cancelled["num_runs"]["cancelled"], cancelled["num_runs"]["queued"]) == (6, 0)
    assert cancelled["ended_at"] is not None
    assert client.get(experiment).json() == cancelled


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"base": BASE | {"epochs": 0}}, "epochs"),
        ({"base": BASE | {"colour": "red"}}, "colour"),
        ({"grid": {"learning_rate": [0.1, -1]}}, "learning_rate"),
        ({"grid": {"colour": ["red"]}}, "grid.colour"),
        ({"seeds": "many"}, "seeds"),
        ({"seeds": 0}, "seeds"),
        ({"seeds": [1, 1]}, "seeds"),
        ({"seeds": 501}, "grid"),
        ({"name": "two\nlines"}, "name"),
        ({"base": {"dataset": "digits"}}, "architecture"),
    ],
)
def test_a_refusal_names_the_field(client: TestClient, changes: Answer, field: str) -> None:
    answer = client.post("/api/v1/experiments", json=MANY | changes)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert client.get("/api/v1/runs").json()["num_matching"] == 0


def test_an_experiment_that_is_not_there_is_not_found(client: TestClient) -> None:
    assert client.get("/api/v1/experiments/9").status_code == 404
    assert client.post("/api/v1/experiments/9/cancel").status_code == 404
    assert client.patch("/api/v1/experiments/9", json={}).status_code == 404
