"""Continue and Start from these weights: on the run's page, in the launch form, and over REST."""

import re
from typing import Any

from fastapi.testclient import TestClient

from core.database import Database
from core.runs import artifacts_of_run, run_by_id
from core.settings import Settings
from tests.app.test_run_page import actions, figure, words
from tests.app.trained_runs import BASE, complete, launch
from tests.core.test_sources import completed, open_run, read


def new_run(client: TestClient, answer: Any) -> int:  # httpx's response
    assert answer.status_code == 303, answer.text
    return int(re.fullmatch(r"/runs/(\d+)", answer.headers["location"])[1])  # type: ignore[index]


def sent(html: str, **changes: str) -> dict[str, str]:
    """What the launch form would send of its hidden fields, boxes and text fields."""
    inputs = re.findall(r"<input ([^>]*)>", html)
    named = [dict(re.findall(r'([\w-]+)="([^"]*)"', text)) | {"text": text} for text in inputs]
    ticked = [
        field for field in named
        if "name" in field and (field["type"] in ("hidden", "text") or " checked" in field["text"])
    ]  # fmt: skip
    return {field["name"]: field.get("value", "") for field in ticked} | changes


def test_a_completed_run_is_continued_from_its_page(client: TestClient, database: Database, settings: Settings) -> None:
    first = completed(database, settings, epochs=2)
    told = client.get(f"/runs/{first}").text
    assert {"continue", "start"} <= actions(told)
    assert "the result is that of one run of as many epochs, bit for bit" in words(told)
    form = {"epochs": "5", "launch_key": "here"}
    run_id = new_run(client, client.post(f"/runs/{first}/continue", data=form))
    assert new_run(client, client.post(f"/runs/{first}/continue", data=form)) == run_id, "pressed twice"
    told = client.get(f"/runs/{run_id}").text
    assert f"Goes on from run {first}, lenet5 on digits, seed 0: its 2 epochs are this run's past" in words(told)
    assert figure(told, "test_loss")["layout"]["shapes"][0]["x0"] == 2.5
    assert figure(told, "test_loss")["data"][0]["x"] == [1, 2]
    assert client.post(f"/runs/{first}/continue", data={"epochs": "2"}).status_code == 422
    assert "continue" not in actions(client.get(f"/runs/{run_id}").text), "it has not ended"


def test_of_a_cosine_schedule_the_page_says_that_it_is_not_one_run(
    client: TestClient, database: Database, settings: Settings
) -> None:
    first = completed(database, settings, epochs=2, schedule="cosine")
    assert "The result is not that of one run of as many epochs." in words(client.get(f"/runs/{first}").text)
    run_id = new_run(client, client.post(f"/runs/{first}/continue", data={"epochs": "5"}))
    assert "so this is not what one run of 5 would be" in words(client.get(f"/runs/{run_id}").text)


def test_a_run_starts_from_weights_through_the_form_and_again(
    client: TestClient, database: Database, settings: Settings
) -> None:
    first = completed(database, settings)
    link = re.search(r'id="act-start" href="([^"]*)"', client.get(f"/runs/{first}").text)
    assert link
    page = client.get(link[1].replace("&amp;", "&")).text
    assert f"Start from the weights of run {first}" in words(page)
    run = read(database, new_run(client, client.post("/runs", data=sent(page, seed="3"))))
    assert (run.config["source"]["run_id"], run.config["source"]["epoch"], run.seed) == (first, 2, 3)
    assert (settings.runs_dir / str(run.id) / "source.safetensors").is_file()
    assert f"Started from the weights of run {first}" in words(client.get(f"/runs/{run.id}").text)

    again = read(database, new_run(client, client.post(f"/runs/{run.id}/again")))
    assert (again.config, again.config_hash) == (run.config, run.config_hash)
    assert (settings.runs_dir / str(again.id) / "source.safetensors").is_file()
    edited = client.get(f"/runs/new?from={run.id}").text
    assert f'value="weights {first} {run.config["source"]["sha256"]}" checked' in edited
    scratch = {name: value for name, value in sent(edited).items() if name != "source"}
    assert read(database, new_run(client, client.post("/runs", data=scratch))).config["source"] is None


def test_the_form_tells_beside_its_field_what_does_not_fit(
    client: TestClient, database: Database, settings: Settings
) -> None:
    first = completed(database, settings)
    page = client.get(f"/runs/new?from={first}&source=weights+{first}").text
    refused = client.post("/runs", data=sent(page, **{"lenet5.filters": "6, 20"}))
    assert refused.status_code == 422
    assert "are 20×6×5×5 here and 16×6×5×5 there, and 2 more do not fit" in words(refused.text)
    reason = re.search(r'data-reason-of="network"[^>]*>([^<]*)<', refused.text)
    assert reason
    assert f"does not fit the weights of run {first}" in reason[1]
    for nonsense in ("weights", "weights x", "weights 404", "copy 1", "weights a/b c d", f"weights {first} short"):
        answer = client.post("/runs", data=sent(page, source=nonsense))
        assert answer.status_code == 422, nonsense
        assert client.get("/runs/new", params={"source": nonsense}).status_code == 200


def test_the_form_continues_a_continued_run_and_refuses_what_would_not_be_that(
    client: TestClient, database: Database, settings: Settings
) -> None:
    first = completed(database, settings)
    run_id = new_run(client, client.post(f"/runs/{first}/continue", data={"epochs": "5"}))
    page = client.get(f"/runs/new?from={run_id}").text
    assert f"Continue run {first}" in words(page)
    refused = client.post("/runs", data=sent(page, learning_rate="0.5"))
    assert f"must be 0.01, as in run {first}, which it continues" in words(refused.text)
    longer = read(database, new_run(client, client.post("/runs", data=sent(page, epochs="9"))))
    assert (longer.epochs, longer.epochs_done) == (9, 2)
    refused = client.post("/runs", data=sent(page, seeds="2", seed="0"))
    assert "continues one run, and these are 2" in words(refused.text)


def test_an_experiment_starts_from_weights_through_form_and_rest(
    client: TestClient, database: Database, settings: Settings
) -> None:
    first = completed(database, settings)
    page = client.get(f"/runs/new?from={first}&source=weights+{first}&seeds=2").text
    answer = client.post("/runs", data=sent(page))
    base = BASE | {"source": {"mode": "weights", "run_id": first}}
    by_rest = client.post("/api/v1/experiments", json={"base": base, "seeds": 2})
    assert (answer.status_code, by_rest.status_code) == (303, 201), by_rest.text
    for experiment in (int(answer.headers["location"].rpartition("/")[2]), by_rest.json()["id"]):
        told = client.get(f"/api/v1/experiments/{experiment}").json()
        (group,) = told["groups"]
        files = [settings.runs_dir / str(run_id) / "source.safetensors" for run_id in group["run_ids"]]
        assert [file.is_file() for file in files] == [True, True]


def test_continue_and_weights_over_rest(client: TestClient, database: Database, settings: Settings) -> None:
    first = completed(database, settings)
    key = {"Idempotency-Key": "further"}
    answer = client.post(f"/api/v1/runs/{first}/continue", json={"epochs": 5}, headers=key)
    run = answer.json()
    assert (answer.status_code, run["epochs_done"], run["config"]["source"]["mode"]) == (201, 2, "continue")
    assert client.post(f"/api/v1/runs/{first}/continue", json={"epochs": 5}, headers=key).json()["id"] == run["id"]
    refused = client.post(f"/api/v1/runs/{first}/continue", json={"epochs": 1})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "epochs")
    assert client.post("/api/v1/runs/404/continue", json={"epochs": 5}).status_code == 404

    source = {"mode": "weights", "run_id": first}
    tuned = client.post("/api/v1/runs", json=BASE | {"source": source, "learning_rate": 0.001})
    assert (tuned.status_code, tuned.json()["config"]["source"]["epoch"]) == (201, 2)
    again = client.post("/api/v1/runs", json=tuned.json()["config"])
    assert again.json()["config_hash"] == tuned.json()["config_hash"]
    misfit = client.post("/api/v1/runs", json=BASE | {"source": source, "architecture": {"name": "custom-mlp"}})
    assert (misfit.status_code, misfit.json()["errors"][0]["field"]) == (422, "architecture")
    (settings.runs_dir / str(first) / "weights.safetensors").unlink()
    gone = client.post("/api/v1/runs", json=BASE | {"source": source})
    assert "is gone from the disk" in gone.json()["errors"][0]["reason"]
    assert client.get("/api/v1/runs").json()["num_matching"] == 4, "what was refused has left no run"


def test_a_run_without_what_it_could_leave_offers_neither(
    client: TestClient, database: Database, settings: Settings
) -> None:
    lease = open_run(database, settings, 1)
    assert not {"continue", "start"} & actions(client.get(f"/runs/{lease.run_id}").text)
    complete(database, lease)  # early: 1 of 4 epochs
    assert not {"continue", "start"} & actions(client.get(f"/runs/{lease.run_id}").text)
    assert not {"continue", "start"} & actions(client.get(f"/runs/{launch(database)}").text)


def test_a_request_that_is_repeated_is_answered_the_same_when_its_source_has_moved_on(
    client: TestClient, database: Database, settings: Settings
) -> None:
    first = completed(database, settings)
    weights, past = ({"source": {"mode": mode, "run_id": first}} for mode in ("weights", "continue"))
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/runs", BASE | weights),
        ("/runs", BASE | past),
        (f"/runs/{first}/continue", {"epochs": 5}),
        ("/experiments", {"base": BASE | weights, "seeds": 2}),
    ]

    def answers() -> list[Any]:
        return [
            client.post(f"/api/v1{path}", json=body, headers={"Idempotency-Key": f"key-{number}"})
            for number, (path, body) in enumerate(asked)
        ]

    form = sent(client.get(f"/runs/new?from={first}&source=weights+{first}").text)
    run_id = new_run(client, client.post("/runs", data=form))
    further = {"epochs": "6", "launch_key": "here"}
    longer = new_run(client, client.post(f"/runs/{first}/continue", data=further))
    before = answers()
    assert [answer.status_code for answer in before] == [201] * len(asked), [answer.text for answer in before]
    with database.writing() as session:  # other files now, and then none
        for file in artifacts_of_run(session, first):
            file.sha256, run_by_id(session, first).name = "1" * 64, "renamed"
    for _ in range(2):
        again = answers()
        assert [answer.status_code for answer in again] == [200] * len(asked), [answer.text for answer in again]
        assert [answer.json()["id"] for answer in again] == [answer.json()["id"] for answer in before]
        assert new_run(client, client.post("/runs", data=form)) == run_id
        assert new_run(client, client.post(f"/runs/{first}/continue", data=further)) == longer
        with database.writing() as session:
            for file in artifacts_of_run(session, first):
                session.delete(file)
