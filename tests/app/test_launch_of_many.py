"""New run with several values in a field or several seeds: an experiment, told before it starts."""

import json
import re
import shlex
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.database import Database
from core.experiments import experiment_by_id, runs_of_experiment
from core.tables import Experiment, Run
from tests.app.test_new_run_page import Page, page, refused
from tests.app.trained_runs import claim, join, record_epochs


def launched(client: TestClient, **texts: str) -> int:
    """What a browser sends of the page that the URL fills; the id of the experiment."""
    answer = client.post("/runs", data=page(client, **texts).sent)
    assert answer.status_code == 303, Page(answer.text).reasons
    path, _, experiment_id = answer.headers["location"].rpartition("/")
    assert path == "/experiments"
    return int(experiment_id)


def read(database: Database, experiment_id: int) -> tuple[Experiment, list[Run]]:
    with database.reading() as session:
        return experiment_by_id(session, experiment_id), runs_of_experiment(session, experiment_id)


def test_a_comma_list_and_seeds_make_an_experiment(client: TestClient, database: Database) -> None:
    texts = {"learning_rate": "0.1, 0.01", "batch_size": "32,64", "epochs": "2", "seeds": "3"}
    shown = page(client, **texts)
    assert "4 configs × 3 seeds = 12 runs" in shown.text
    assert "Start 12 runs" in shown.text
    experiment, runs = read(database, launched(client, **texts))
    assert experiment.grid == {"batch_size": [32, 64], "learning_rate": [0.1, 0.01]}
    assert experiment.base == {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 2}
    assert (experiment.seeds, len(runs)) == ([0, 1, 2], 12)
    assert experiment.name == "Batch size and learning rate on digits"


def test_seeds_may_be_counted_up_or_listed(client: TestClient, database: Database) -> None:
    assert read(database, launched(client, seed="7", seeds="2", name="Luck"))[0].seeds == [7, 8]
    experiment, runs = read(database, launched(client, seed="0, 1, 5", name="Luck"))
    assert (experiment.seeds, experiment.name) == ([0, 1, 5], "Luck")
    assert len({run.config_hash for run in runs}) == 1


def test_a_semicolon_parts_lists(client: TestClient, database: Database) -> None:
    experiment, runs = read(database, launched(client, **{"lenet5.filters": "6, 16; 10, 32", "lenet5.pool": "max,avg"}))
    paths = {"architecture.parameters.filters": [[6, 16], [10, 32]], "architecture.parameters.pool": ["max", "avg"]}
    assert experiment.grid == paths
    assert len({run.config_hash for run in runs}) == 4


def test_several_networks_each_take_their_own_parameters(client: TestClient, database: Database) -> None:
    texts = {"architecture": "lenet5, custom-mlp", "lenet5.pool": "max, avg", "custom-mlp.dropout": "0.5"}
    _, runs = read(database, launched(client, **texts))
    assert [(run.architecture, run.config["architecture"]["parameters"]) for run in runs] == [
        ("lenet5", {"pool": "max"}), ("lenet5", {"pool": "avg"}), ("custom-mlp", {"dropout": 0.5}),
    ]  # fmt: skip


def test_the_boxes_of_a_form_without_script_add_to_the_choice(client: TestClient, database: Database) -> None:
    form: dict[str, Any] = page(client).sent
    ticked = {"also.optimizer": ["adam", "sgd"], "also.architecture": "lenet5-moon"}
    answer = client.get("/runs/new", params=form | ticked)
    assert "4 configs × 1 seed = 4 runs" in answer.text
    again = Page(answer.text).sent
    assert (again["optimizer"], again["also.optimizer"], again["also.architecture"]) == ("sgd", "adam", "lenet5-moon")
    location = client.post("/runs", data=again).headers["location"]
    _, runs = read(database, int(location.rpartition("/")[2]))
    assert {(run.config["optimizer"], run.config["momentum"]) for run in runs} == {("sgd", 0.9), ("adam", None)}


def test_what_means_nothing_beside_one_of_several_choices_multiplies_nothing(client: TestClient) -> None:
    assert "3 configs × 1 seed" in page(client, optimizer="sgd, adam", momentum="0.9, 0.5").text


def test_none_can_be_one_of_the_values(client: TestClient, database: Database) -> None:
    _, runs = read(database, launched(client, validation="none, 100"))
    assert [run.config["validation"] for run in runs] == ["none", 100]


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"learning_rate": "0.1, -1"}, "learning_rate", "must be greater than 0 (where learning rate -1)"),
        ({"epochs": "ten, 2"}, "epochs", "must be a whole number (where epochs ten)"),
        ({"epochs": "2, 2"}, "epochs", "says a value twice"),
        ({"schedule": "cosine", "warmup_epochs": "3", "epochs": "2, 9"}, "warmup_epochs", "(where epochs 2)"),
        ({"lenet5.filters": "6, 16; 6"}, "lenet5.filters", "not 1 (where filters 6)"),
        ({"seed": "0, 1", "seeds": "2"}, "seeds", "must be 1 where the seeds are listed"),
        ({"seed": "1, 1"}, "seed", "twice"),
        ({"seed": "0, x"}, "seed", "whole number"),
        ({"seeds": "0"}, "seeds", "from 1 to 1,000"),
        ({"seeds": "three"}, "seeds", "whole number"),
        ({"device": "auto, cpu"}, "device", "must be"),
    ],
)
def test_a_refused_value_is_named_beside_its_field(
    client: TestClient, changes: dict[str, str], field: str, reason: str
) -> None:
    answer = refused(client, **changes)
    assert list(answer.reasons) == [field]
    assert reason in answer.reasons[field]


def test_too_many_runs_are_refused_with_their_number(client: TestClient) -> None:
    answer = refused(client, epochs=", ".join(map(str, range(1, 60))), seeds="20")
    assert "makes 1,180 runs; an experiment has at most 1,000" in answer.text


@pytest.mark.parametrize("networks", ["lenet5", "lenet5, custom-mlp"])
def test_millions_of_networks_are_refused_before_they_fill_the_memory(client: TestClient, networks: str) -> None:
    filters = "; ".join(f"{number}, 16" for number in range(1, 201))
    rates = ", ".join(f"0.{number:03}" for number in range(300))
    twice = ", ".join(["max", "avg"] * 100)
    texts = {"lenet5.filters": filters, "lenet5.dropout": rates, "lenet5.pool": twice}
    answer = client.get("/runs/new/outlook", params=texts | {"architecture": networks})
    assert answer.status_code == 200
    assert re.search(r"makes 12,000,00[01] networks", answer.text)


def test_every_problem_of_several_networks_is_told_at_once(client: TestClient) -> None:
    form = page(client, architecture="lenet5, lenet5-moon").sent
    answer = client.post("/runs", data=form | {"lenet5.dropout": "2", "lenet5-moon.filters": "6", "epochs": "0"})
    assert set(Page(answer.text).reasons) == {"lenet5.dropout", "lenet5-moon.filters", "epochs"}


@pytest.mark.parametrize(
    "texts",
    [
        {"learning_rate": "0.1, 0.01", "seeds": "2", "seed": "4", "name": "it's"},
        {"architecture": "lenet5, lenet5-moon", "lenet5.pool": "max, avg", "seed": "0, 9"},
        {"optimizer": "adam, sgd", "momentum": "0.8", "lenet5.hidden": "120, 84; 60"},
    ],
)
def test_the_curl_command_means_the_same_experiment(
    client: TestClient, database: Database, texts: dict[str, str]
) -> None:
    words = shlex.split(page(client, **texts).command)
    assert words[3] == "http://127.0.0.1:8000/api/v1/experiments"
    answer = client.post("/api/v1/experiments", json=json.loads(words[-1]))
    assert answer.status_code == 201, answer.text
    by_curl, by_form = read(database, answer.json()["id"]), read(database, launched(client, **texts))
    assert [run.config for run in by_curl[1]] == [run.config for run in by_form[1]]
    assert by_curl[0].name == by_form[0].name


@pytest.mark.parametrize(
    "texts",
    [
        {"learning_rate": "0.1, 0.01", "seeds": "2", "seed": "4", "name": "Rates", "epochs": "3"},
        {"architecture": "lenet5, lenet5-moon", "lenet5.pool": "max, avg", "seed": "0, 9"},
        {"optimizer": "adam, sgd", "momentum": "0.8, 0.9", "lenet5.filters": "6, 16; 10, 32", "nesterov": "true"},
        {"validation": "none, 100", "lenet5.batch_norm": "true, false", "dataset": "mnist, digits"},
    ],
)
def test_an_experiment_fills_the_form_with_its_grid_and_seeds(
    client: TestClient, database: Database, texts: dict[str, str]
) -> None:
    first = launched(client, **texts)
    filled = Page(client.get(f"/runs/new?experiment={first}").text)
    again = client.post("/runs", data=filled.sent).headers["location"]
    (one, its_runs), (other, other_runs) = read(database, first), read(database, int(again.rpartition("/")[2]))
    assert (one.name, one.base, one.grid, one.seeds) == (other.name, other.base, other.grid, other.seeds)
    assert [run.config for run in its_runs] == [run.config for run in other_runs]
    changed = Page(client.get(f"/runs/new?experiment={first}&epochs=9").text)
    assert changed.sent["epochs"] == "9"


def test_a_run_of_an_experiment_fills_the_form_without_its_made_up_name(client: TestClient, database: Database) -> None:
    _, runs = read(database, launched(client, epochs="2, 3"))
    sent = Page(client.get(f"/runs/new?from={runs[1].id}").text).sent
    assert (sent["name"], sent["epochs"]) == ("", "3")


def test_the_report_fills_the_form(client: TestClient, database: Database) -> None:
    client.post("/api/v1/experiments/report", json={"dataset": "digits", "seeds": 2})
    shown = client.get("/runs/new?experiment=1")
    assert "5 configs × 2 seeds = 10 runs" in shown.text
    filled = Page(shown.text)
    form: dict[str, Any] = filled.sent | {"also.architecture": filled.ticked}
    location = client.post("/runs", data=form).headers["location"]
    (_, first), (_, again) = read(database, 1), read(database, int(location.rpartition("/")[2]))
    assert {run.config_hash for run in first} == {run.config_hash for run in again}


def test_the_same_form_sent_twice_is_one_experiment(client: TestClient, database: Database) -> None:
    form = page(client, epochs="1, 2").sent
    first, again = (client.post("/runs", data=form).headers["location"] for _ in range(2))
    other = client.post("/runs", data=form | {"seeds": "2"}).headers["location"]
    assert first == again != other


def test_the_time_it_takes_is_that_of_all_runs_over_the_slots(client: TestClient, database: Database) -> None:
    assert "Time: unknown until the first run on Digits" in page(client, epochs="1, 2").text
    client.post("/runs", data={"epochs": "1"})
    record_epochs(database, claim(database, join(database, slots=2)), 1)  # ten seconds an epoch
    shown = page(client, epochs="2, 4", seeds="2").text  # 20, 40, 20 and 40 s on two slots
    assert "about 1 min once they start" in shown


def test_the_outlook_keeps_the_address_short_and_names_the_networks(client: TestClient) -> None:
    typed = page(client).sent | {"also.architecture": "custom-mlp"}
    answer = client.get("/runs/new/outlook", params=typed)
    assert answer.headers["hx-replace-url"] == "/runs/new?architecture=lenet5%2C+custom-mlp"
    assert "Start 2 runs" in answer.text
    assert "The first of them" in answer.text
    assert "61,637" in answer.text  # parameters of the second
