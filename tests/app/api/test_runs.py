"""Runs over REST: launched, listed, changed, moved, deleted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from core.bin import purge
from core.database import Database
from core.experiment_plan import plan_experiment
from core.experiments import launch_experiment
from core.lease import Lease
from core.queue import claim_oldest, fail
from core.settings import Settings
from core.tables import IdempotencyKey
from core.workers import join

RUN = {"architecture": {"name": "lenet5", "parameters": {}}, "dataset": "digits", "epochs": 2, "seed": 0}
Answer = dict[str, Any]  # parsed JSON


def launch(client: TestClient, **changes: object) -> Answer:
    answer = client.post("/api/v1/runs", json=RUN | changes)
    assert answer.status_code == 201, answer.text
    launched: Answer = answer.json()
    return launched


def claim(database: Database) -> Lease:
    with database.writing() as session:
        worker_id = join(session, host="here", process_id=1, slots=1, threads=1)
        run = claim_oldest(session, worker_id)
        assert run is not None
        assert run.id is not None
        return Lease(run.id, worker_id, run.attempt)


def test_a_launched_run_is_queued_whole_and_can_be_read_where_it_says(client: TestClient) -> None:
    answer = client.post("/api/v1/runs", json=RUN)
    run = answer.json()
    assert answer.status_code == 201
    assert client.get(answer.headers["location"]).json() == run
    assert (run["state"], run["attempt"], run["epochs_done"], run["queue_position"]) == ("queued", 0, 0, 1)
    assert run["name"] == "lenet5 on digits, seed 0"
    assert run["num_parameters"] == 44_426
    assert (run["summary"], run["failure"], run["progress"], run["started_at"]) == (None, None, None, None)
    assert datetime.fromisoformat(run["created_at"]).tzinfo is not None
    defaults = {"optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.9, "batch_size": 64, "validation": "none"}
    assert run["config"] == run["config"] | RUN | defaults


def test_one_key_makes_one_run(client: TestClient) -> None:
    key = {"Idempotency-Key": "3f1c"}
    first = client.post("/api/v1/runs", json=RUN, headers=key)
    again = client.post("/api/v1/runs", json=RUN | {"batch_size": 64}, headers=key)  # the default, said
    other = client.post("/api/v1/runs", json=RUN | {"seed": 1}, headers=key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert first.json() == again.json()
    assert client.get("/api/v1/runs").json()["num_matching"] == 1
    assert client.post("/api/v1/runs", json=RUN, headers={"Idempotency-Key": "other"}).json()["id"] == 2


def test_one_key_makes_one_run_also_when_asked_at_once(client: TestClient) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: client.post("/api/v1/runs", json=RUN, headers={"Idempotency-Key": "once"}), range(16))
        )
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    assert {answer.json()["id"] for answer in answers} == {1}


def test_a_key_is_forgotten_after_a_day(client: TestClient, database: Database) -> None:
    key = {"Idempotency-Key": "yesterday"}
    assert client.post("/api/v1/runs", json=RUN, headers=key).json()["id"] == 1
    with database.writing() as session:
        session.get_one(IdempotencyKey, "yesterday").created_at = datetime.now(UTC) - timedelta(hours=24, minutes=1)
    assert client.post("/api/v1/runs", json=RUN | {"seed": 5}, headers=key).json()["id"] == 2
    with database.reading() as session:
        assert len(session.exec(select(IdempotencyKey)).all()) == 1


def test_the_run_of_a_key_that_was_purged_is_not_made_again(
    client: TestClient, database: Database, settings: Settings
) -> None:
    key = {"Idempotency-Key": "gone"}
    client.post("/api/v1/runs", json=RUN, headers=key)
    client.delete("/api/v1/runs/1")
    assert client.post("/api/v1/runs", json=RUN, headers=key).json()["deleted_at"] is not None
    purge(database, settings.runs_dir, [1])
    assert client.post("/api/v1/runs", json=RUN, headers=key).status_code == 404


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "é"])
def test_a_key_that_is_none_is_refused(client: TestClient, key: str) -> None:
    answer = client.post("/api/v1/runs", json=RUN, headers={b"Idempotency-Key": key.encode()})
    assert answer.status_code == 422


@pytest.fixture
def several(client: TestClient) -> TestClient:
    """Seven runs: 1, 3, 5, 7 lenet5 and 2, 4, 6 report-mlp; 1 to 3 are cancelled."""
    for number in range(1, 8):
        architecture = {"name": "lenet5" if number % 2 else "report-mlp"}
        launch(client, architecture=architecture, seed=number, name=f"number {number % 3} 100%")
    for run_id in (1, 2, 3):
        client.post(f"/api/v1/runs/{run_id}/cancel")
    return client


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [7, 6, 5, 4, 3, 2, 1]),
        ("order=asc", [1, 2, 3, 4, 5, 6, 7]),
        ("state=cancelled", [3, 2, 1]),
        ("state=cancelled&state=queued&architecture=report-mlp", [6, 4, 2]),
        ("dataset=mnist", []),
        ("q=NUMBER 1", [7, 4, 1]),
        ("q=0%25", [7, 6, 5, 4, 3, 2, 1]),
        ("q=0%25x", []),
        ("q=n_mber", []),
        ("sort=name&order=asc", [3, 6, 1, 4, 7, 2, 5]),
        ("sort=seed&order=desc&limit=2", [7, 6]),
    ],
)
def test_runs_are_filtered_and_sorted(several: TestClient, query: str, ids: list[int]) -> None:
    assert [run["id"] for run in several.get(f"/api/v1/runs?{query}").json()["runs"]] == ids


@pytest.mark.parametrize("sort", ["id", "name", "state", "test_accuracy", "seconds_per_epoch"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_hold_every_run_once_also_while_runs_are_added(several: TestClient, sort: str, order: str) -> None:
    wanted = {"sort": sort, "order": order, "limit": "2"}
    whole = [run["id"] for run in several.get("/api/v1/runs", params=wanted | {"limit": "50"}).json()["runs"]]
    seen, cursor = [], None
    while True:
        page = several.get("/api/v1/runs", params=wanted | ({"cursor": cursor} if cursor else {})).json()
        seen += [run["id"] for run in page["runs"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["runs"]) == 2
        launch(several, name="number 00 added meanwhile")
    assert [run_id for run_id in seen if run_id <= 7] == whole
    assert len(seen) == len(set(seen))


def test_a_cursor_of_another_order_is_refused(several: TestClient) -> None:
    cursor = several.get("/api/v1/runs?limit=1").json()["next_cursor"]
    assert several.get("/api/v1/runs", params={"cursor": cursor, "sort": "name"}).status_code == 400


def test_a_change_is_whole_or_not_at_all(client: TestClient) -> None:
    launch(client)
    changed = client.patch("/api/v1/runs/1", json={"name": " Wider ", "priority": 4, "held": True}).json()
    assert (changed["name"], changed["priority"], changed["held"], changed["queue_position"]) == (
        "Wider",
        4,
        True,
        None,
    )
    assert client.patch("/api/v1/runs/1", json={"held": False}).json()["queue_position"] == 1
    client.post("/api/v1/runs/1/cancel")
    assert client.patch("/api/v1/runs/1", json={"name": "later", "priority": 5}).status_code == 409
    assert client.get("/api/v1/runs/1").json()["name"] == "Wider"
    assert client.patch("/api/v1/runs/1", json={"name": "later"}).json()["name"] == "later"


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"name": "  "}, {"name": "a\nb"}, {"state": "completed"}, {"priority": 2**70}, {"held": 3}]
)
def test_a_change_that_cannot_be_is_refused(client: TestClient, change: dict[str, object]) -> None:
    before = launch(client)
    assert client.patch("/api/v1/runs/1", json=change).status_code == 422
    assert client.get("/api/v1/runs/1").json() == before


def test_notes_and_tags_are_changed_and_found_by(client: TestClient) -> None:
    launch(client)
    launch(client, seed=1)
    changed = client.patch("/api/v1/runs/1", json={"notes": "one\ntwo", "tags": ["wide", "Try"]}).json()
    assert (changed["notes"], changed["tags"]) == ("one\ntwo", ["Try", "wide"])
    assert client.patch("/api/v1/runs/1", json={"tags": ["try"]}).json()["tags"] == ["Try"], "as it was spelled first"
    assert client.patch("/api/v1/runs/1", json={"name": "same"}).json()["notes"] == "one\ntwo"
    assert [run["id"] for run in client.get("/api/v1/runs?tag=Try&tag=other").json()["runs"]] == [1]
    assert client.get("/api/v1/runs?tag=other").json()["runs"] == []
    assert client.patch("/api/v1/runs/1", json={"notes": "", "tags": []}).json()["tags"] == []


@pytest.mark.parametrize("change", [{"tags": ["a,b"]}, {"tags": [" "]}, {"tags": ["x"] * 21}, {"notes": "a\u0000b"}])
def test_notes_and_tags_that_cannot_be_are_refused(client: TestClient, change: dict[str, object]) -> None:
    before = launch(client)
    assert client.patch("/api/v1/runs/1", json=change | {"name": "unchanged"}).status_code == 422
    assert client.get("/api/v1/runs/1").json() == before


def test_runs_of_an_experiment_are_listed_alone(client: TestClient, database: Database) -> None:
    launch(client)
    plan = plan_experiment(base={"architecture": {"name": "lenet5"}, "dataset": "digits"}, grid={}, seeds=2)
    with database.writing() as session:
        experiment = launch_experiment(session, plan).id
    listed = client.get("/api/v1/runs", params={"experiment": experiment}).json()["runs"]
    assert [(run["id"], run["experiment_id"]) for run in listed] == [(3, experiment), (2, experiment)]


def test_many_runs_are_changed_at_once_and_each_that_cannot_is_told(client: TestClient, database: Database) -> None:
    for seed in range(3):
        launch(client, seed=seed)
    claim(database)
    answer = client.post("/api/v1/runs/bulk", json={"action": "delete", "ids": [1, 2, 3, 404]})
    assert answer.status_code == 200
    assert answer.json() == {
        "done": [2, 3],
        "refused": [
            {"id": 1, "reason": "Run 1 is running; it cannot be deleted before it is cancelled."},
            {"id": 404, "reason": "There is no run 404."},
        ],
    }
    assert client.post("/api/v1/runs/bulk", json={"action": "restore", "ids": [2, 3]}).json()["done"] == [2, 3]
    client.post("/api/v1/runs/bulk", json={"action": "tag", "ids": [1, 3], "tag": "both"})
    assert [run["id"] for run in client.get("/api/v1/runs?tag=both").json()["runs"]] == [3, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"action": "tag", "ids": [1]},
        {"action": "tag", "ids": [1], "tag": "a,b"},
        {"action": "complete", "ids": [1]},
        {"action": "delete", "ids": []},
        {"action": "delete", "ids": list(range(1, 1002))},
        {"action": "delete", "ids": [2**63]},
    ],
)
def test_a_change_of_many_that_cannot_be_is_refused_whole(client: TestClient, change: dict[str, object]) -> None:
    before = launch(client)
    assert client.post("/api/v1/runs/bulk", json=change).status_code == 422
    assert client.get("/api/v1/runs/1").json() == before


def test_a_queued_run_is_cancelled_at_once_and_a_running_one_is_asked(client: TestClient, database: Database) -> None:
    launch(client)
    assert client.post("/api/v1/runs/1/cancel").json()["state"] == "cancelled"
    assert client.post("/api/v1/runs/1/cancel").status_code == 409
    assert client.post("/api/v1/runs/1/requeue").json()["state"] == "queued"
    claim(database)
    asked = client.post("/api/v1/runs/1/cancel").json()
    assert (asked["state"], asked["attempt"], asked["cancel_requested"]) == ("running", 1, True)
    assert client.post("/api/v1/runs/1/requeue").status_code == 409
    assert client.post("/api/v1/runs/1/export").status_code == 409


def test_a_failure_is_told_with_reason_and_suggestion_until_the_run_is_requeued(
    client: TestClient, database: Database
) -> None:
    launch(client, dataset="mnist")
    lease = claim(database)
    with database.writing() as session:
        fail(session, lease, "MNIST cannot be reached.", "Run it on digits.", "digits")
    failed = client.get("/api/v1/runs/1").json()
    assert failed["state"] == "failed"
    assert failed["failure"] == {
        "reason": "MNIST cannot be reached.", "suggestion": "Run it on digits.", "suggested_dataset": "digits",
    }  # fmt: skip
    assert client.post("/api/v1/runs/1/requeue").json()["failure"] is None


def test_a_deleted_run_is_not_listed_and_can_be_had_back(client: TestClient) -> None:
    launch(client)
    assert client.delete("/api/v1/runs/1").status_code == 204
    assert client.get("/api/v1/runs").json()["num_matching"] == 0
    assert client.get("/api/v1/runs/1").json()["deleted_at"] is not None
    restored = client.post("/api/v1/runs/1/restore").json()
    assert (restored["deleted_at"], restored["state"]) == (None, "cancelled")
    assert client.get("/api/v1/runs").json()["num_matching"] == 1
    assert client.delete("/api/v1/runs/2").status_code == client.post("/api/v1/runs/2/restore").status_code == 404


def test_a_running_run_is_not_deleted(client: TestClient, database: Database) -> None:
    launch(client)
    claim(database)
    assert client.delete("/api/v1/runs/1").status_code == 409


def test_a_hundred_launches_at_once_all_succeed(client: TestClient) -> None:
    """More than the server has threads: those who wait to write must not keep the writer from its thread."""
    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(lambda seed: client.post("/api/v1/runs", json=RUN | {"seed": seed}), range(100)))
    assert {answer.status_code for answer in answers} == {201}
    assert client.get("/api/v1/queue").json()["waiting"] == list(range(1, 101))
