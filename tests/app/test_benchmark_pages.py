"""A benchmark from the launch form, the API and the report's page, and what the pages say while it has the machine."""

import csv
import html
import io
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.database import Database
from core.experiments import runs_of_experiment
from core.metrics import record_environment, record_latency
from core.tables import Run
from tests.app.trained_runs import claim, complete, join, launch, record_epochs

FORM = {"dataset": "digits", "architecture": "lenet5", "batch_size": "32, 64", "benchmark": "yes", "repeats": "2"}


def words(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def benchmark(client: TestClient, **asked: Any) -> dict[str, Any]:
    body = {"base": {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 1}, "benchmark": True} | asked
    answer = client.post("/api/v1/experiments", json=body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_ticked_box_makes_a_benchmark_and_the_form_says_how_many_runs_that_is(
    client: TestClient, database: Database
) -> None:
    told = words(client, "/runs/new?" + "&".join(f"{name}={text}" for name, text in FORM.items()))
    assert "2 configs × 1 seed × 2 repeats = 4 runs a benchmark: alone, one after another" in told
    assert '"benchmark": true, "repeats": 2}' in told
    assert client.post("/runs", data=FORM).headers["location"] == "/experiments/1"
    with database.reading() as session:
        assert [run.repeat for run in runs_of_experiment(session, 1)] == [1, 1, 2, 2]
    text = client.get("/runs/new?experiment=1").text
    assert re.search(r'name="benchmark"[^>]* checked', text)
    assert 'name="repeats" value="2"' in text
    assert "Repeats : must be a whole number from 1 to 20" in " ".join(
        re.sub(r"<[^>]+>", " ", client.post("/runs", data=FORM | {"repeats": "21"}).text).split()
    )
    lone = client.post("/runs", data={**FORM, "batch_size": "64", "repeats": "1"})
    assert lone.headers["location"] == "/experiments/2", "also of one run, which is trained alone"
    assert client.post("/runs", data={**FORM, "batch_size": "64", "benchmark": ""}).headers["location"] == "/runs/6"


def test_a_benchmark_over_rest_tells_what_it_is_and_repeats_without_one_are_refused(client: TestClient) -> None:
    told = benchmark(client, seeds=2)
    assert (told["benchmark"], told["repeats"], sum(told["num_runs"].values())) == (True, 3, 6)
    assert client.get("/api/v1/runs/5").json()["repeat"] == 3
    assert client.get("/api/v1/queue").json()["benchmark"] == "next"
    refused = client.post("/api/v1/experiments", json={"base": {"dataset": "digits"}, "repeats": 2})
    assert refused.status_code == 422
    assert "means something only in a benchmark" in refused.text
    plain = client.post("/api/v1/experiments/report", json={"dataset": "digits", "seeds": 1}).json()
    assert (plain["benchmark"], plain["repeats"]) == (False, None)


def test_the_report_is_reproduced_as_a_benchmark_where_that_is_asked(client: TestClient) -> None:
    told = words(client, "/experiments/report?dataset=digits&seeds=1&benchmark=yes")
    assert "5 configs × 1 seed × 3 repeats = 15 runs." in told
    assert (
        client.post("/experiments/report", data={"dataset": "digits", "seeds": "1", "benchmark": "yes"})
        .headers["location"]
        .endswith("/experiments/1")
    )
    assert client.get("/api/v1/experiments/1").json()["repeats"] == 3
    assert "5 configs × 1 seed × 3 repeats, a benchmark" in words(client, "/experiments")


def test_the_pages_say_who_waits_for_a_benchmark_and_for_what(client: TestClient, database: Database) -> None:
    here = join(database, slots=2)
    before = launch(database)
    under_way = claim(database, here)
    first = benchmark(client, repeats=2)["groups"][0]["run_ids"][0]
    behind = launch(database, seed=9)
    told = words(client, "/runs")
    assert "A benchmark's run is next, and is trained alone." in told
    assert "first in the queue, to be trained alone" in told
    assert "It is a benchmark's run, which is trained alone: it starts when what is under way" in words(
        client, f"/runs/{first}"
    )
    assert "It starts when what is under way has ended: its runs are trained alone." in words(client, "/experiments/1")
    assert under_way.run_id == before
    complete(database, under_way)
    alone = claim(database, here)
    told = words(client, "/runs")
    assert "A benchmark's run is trained alone. Nothing else starts until it has ended." in told
    assert "second in the queue, waits for a benchmark's run" in told
    told = words(client, f"/runs/{behind}")
    assert "Added to the queue, second, starts when the benchmark lets it." in told
    assert "A benchmark's run is trained alone now; the rest of the queue waits until it has ended." in told
    assert "seed 0, repeat 1 of a benchmark, run 2" in words(client, f"/runs/{first}")
    record_epochs(database, alone, 1)
    told = words(client, "/experiments/1")
    assert "1 config × 1 seed × 2 repeats. It is a benchmark : its runs are trained alone" in told
    assert "0 of 2 91.00 % –" in told, "a repeat is no further seed"
    assert "seed 0, repeat 2" in told


@pytest.mark.parametrize("repeats", [0, 21])
def test_as_many_repeats_as_make_sense_are_taken(client: TestClient, repeats: int) -> None:
    body = {"base": {"dataset": "digits"}, "benchmark": True, "repeats": repeats}
    assert client.post("/api/v1/experiments", json=body).status_code == 422


@pytest.fixture
def measured(client: TestClient, database: Database) -> list[int]:
    """A benchmark of one config and two seeds, twice each, trained: its runs took 1, 2, 3 and 6 s an epoch."""
    ids: list[int] = benchmark(client, seeds=2, repeats=2)["groups"][0]["run_ids"]
    worker = join(database)
    for run_id, seconds in zip(ids, (1.0, 2.0, 3.0, 6.0), strict=True):
        lease = claim(database, worker)
        record_epochs(database, lease, 1)
        with database.writing() as session:
            record_environment(session, lease, {"device_name": "A CPU", "torch_version": "2.15.0", "threads": 1})
            record_latency(session, lease, single_image_seconds=0.0002, batch_seconds=seconds, batch_images=100)
            run = session.get_one(Run, run_id)
            run.seconds_per_epoch, run.cores_busy_beside = seconds, 0.1
        complete(database, lease)
    return ids


def test_compare_shows_medians_with_ranges_and_says_that_the_conditions_were_the_same(
    client: TestClient, measured: list[int]
) -> None:
    told = words(client, "/compare?experiment=1")
    assert "The conditions were the same: A CPU, torch 2.15.0, 1 thread; every run was trained alone" in told
    assert "an epoch 2.50 s 1.00–6.00" in told
    assert "answer, one image 0.200 ms" in told
    assert "runs 4" in told
    assert "A seed that was trained again counts once for its result" in told
    assert "seed 1 × 2" in told
    (group,) = client.get("/api/v1/compare?experiment=1").json()["groups"]
    assert (group["n"], group["last"]["test_accuracy"]["n"]) == (2, 2)
    assert [seed["repeats"] for seed in group["seeds"]] == [[measured[0], measured[2]], [measured[1], measured[3]]]
    assert group["costs"]["seconds_per_epoch"] == {"n": 4, "mean": 3.0, "median": 2.5, "low": 1.0, "high": 6.0}
    assert group["costs"]["run_memory_bytes"] is None
    (line,) = csv.DictReader(io.StringIO(client.get("/api/v1/compare/table.csv?experiment=1").text))
    assert (line["seconds_per_epoch_median"], line["batch_seconds_max"]) == ("2.5", "6.0")
    assert (line["n"], line["conditions_are_same"]) == ("2", "True")


def test_compare_says_what_differed_where_the_conditions_were_not_the_same(
    client: TestClient, database: Database, measured: list[int]
) -> None:
    with database.writing() as session:
        first, second, third, _ = (session.get_one(Run, run_id) for run_id in measured)
        first.environment = {"device_name": "<b>", "torch_version": "2.15.0", "threads": 2}
        second.most_runs_beside, third.export_beside = 1, True
        third.cores_busy_beside = 1.4
    told = words(client, "/compare?experiment=1")
    assert (
        "The conditions were not the same, so times differ for other reasons too: device name <b> or A CPU; "
        "threads 2 or 1; 1 of 4 runs had other runs beside them; 1 of 4 runs had exports beside them; "
        "1 of 4 runs were trained while something else kept more than 0.5 CPU cores busy." in told
    )
    assert "launch the configs as a benchmark" in told
    conditions = client.get("/api/v1/compare?experiment=1").json()["conditions"]
    assert (conditions["are_same"], conditions["shared"]) == (False, {"torch_version": "2.15.0"})
    assert len(conditions["differences"]) == 5
    with database.writing() as session:
        before = session.get_one(Run, measured[1])
        before.environment = {**(before.environment or {}), "training_step": "version 2"}
    told = words(client, "/compare?experiment=1")
    assert re.search("training step (an older version or version 2|version 2 or an older version);", told)
    with database.writing() as session:
        session.get_one(Run, measured[3]).most_runs_beside = None
    assert "1 of 4 runs had not recorded what ran beside them" in words(client, "/compare?experiment=1")
    assert "It was trained alone" in words(client, f"/compare?runs={measured[0]}"), "of one run there is no other"
    launch(database, batch_size=7)
    assert "Nothing is measured yet." in words(client, f"/compare?runs={measured[3] + 1}")
