"""Comparison over REST: everything that the page shows."""

import csv
import io

import pytest
from fastapi.testclient import TestClient

from core.database import Database
from core.experiments import launch_experiment
from core.report import reproduction
from tests.app.trained_runs import trained


def test_groups_come_with_config_figures_curves_and_what_was_published(client: TestClient, database: Database) -> None:
    lenet = {"name": "lenet5", "parameters": {"pool": "max"}}
    for seed, accuracy in enumerate((0.8, 0.9)):
        trained(database, 0.5, accuracy, seed=seed, architecture=lenet)
    told = client.get("/api/v1/compare?runs=1,2,99").json()
    (group,) = told["groups"]
    assert told["left_out"] == ["Run 99 was not found."]
    assert (group["n"], group["label"], group["best_by"]) == (2, "LeNet-5", "test")
    assert group["config"]["architecture.parameters.pool"] == "max"
    accuracy = group["last"]["test_accuracy"]
    assert accuracy == accuracy | {"n": 2, "mean": pytest.approx(0.85), "low": 0.8, "high": 0.9}
    assert accuracy["interval"]["high"] == pytest.approx(0.85 + 12.7062047 * 0.05)  # t with one degree of freedom
    assert group["last"]["val_loss"] is None
    assert [point["epoch"] for point in group["curve"]] == [1, 2]
    assert [seed["last"]["test_accuracy"] for seed in group["seeds"]] == [0.8, 0.9]
    assert group["published"]["name"] == "LeNet5"
    assert set(group["published"]["differs"]) == {"dataset", "epochs"}
    assert group["published"]["epochs"][9]["test_accuracy"] == 0.9889


def test_an_experiment_and_a_group_can_be_asked_for(client: TestClient, database: Database) -> None:
    with database.writing() as session:
        launch_experiment(session, reproduction("digits", 2))
    groups = client.get("/api/v1/compare?experiment=1").json()["groups"]
    assert [group["n"] for group in groups] == [2] * 5
    assert all(group["last"] is None for group in groups)
    again = client.get(f"/api/v1/compare?groups={groups[2]['config_hash'][:10]}").json()["groups"]
    assert [group["config_hash"] for group in again] == [groups[2]["config_hash"]]
    assert client.get("/api/v1/compare").json() == {"groups": [], "verdicts": [], "left_out": []}


def test_the_table_and_the_curves_come_as_csv(client: TestClient, database: Database) -> None:
    for seed, accuracy in enumerate((0.8, 0.9)):
        trained(database, 0.5, accuracy, seed=seed, name="=1+1")
    table, curves = (client.get(f"/api/v1/compare/{name}.csv?runs=1,2") for name in ("table", "curves"))
    assert 'filename="comparison.csv"' in table.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert (row["label"], row["n"], row["last_test_accuracy_low"]) == ("LeNet-5", "2", "0.8")
    lines = list(csv.DictReader(io.StringIO(curves.text)))
    assert [(line["run"], line["epoch"], line["test_accuracy"]) for line in lines] == [
        ("1", "1", "0.5"), ("1", "2", "0.8"), ("2", "1", "0.5"), ("2", "2", "0.9"),
    ]  # fmt: skip
    assert client.get("/api/v1/compare/curves.csv").text == ",".join(lines[0]) + "\n"  # a head, which pandas asks for
