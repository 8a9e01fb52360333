"""Comparison over REST: everything that the page shows."""

import csv
import io

import pytest
from fastapi.testclient import TestClient

from core.database import Database
from core.experiments import launch_experiment
from core.report import reproduction
from core.settings import Settings
from tests.app.judged_runs import two_groups
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
    nothing = client.get("/api/v1/compare").json()
    assert nothing.pop("conditions") == {"are_same": None, "shared": {}, "differences": []}
    assert nothing == {
        "groups": [], "verdicts": [], "literature": [], "effects": None, "pareto": [], "left_out": [],
    }  # fmt: skip


def test_the_table_and_the_curves_come_as_csv(client: TestClient, database: Database) -> None:
    for seed, accuracy in enumerate((0.8, 0.9)):
        trained(database, 0.5, accuracy, seed=seed, name="=1+1")
    table, curves = (client.get(f"/api/v1/compare/{name}.csv?runs=1,2") for name in ("table", "curves"))
    assert 'filename="comparison.csv"' in table.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert (row["label"], row["n"], row["last_test_accuracy_min"]) == ("LeNet-5", "2", "0.8")
    assert float(row["last_test_accuracy_interval_high"]) == pytest.approx(0.85 + 12.7062047 * 0.05)
    assert (row["last_test_accuracy_n"], row["last_test_accuracy_max"], row["verdict"]) == ("2", "0.9", "baseline")
    lines = list(csv.DictReader(io.StringIO(curves.text)))
    assert [(line["run"], line["epoch"], line["test_accuracy"]) for line in lines] == [
        ("1", "1", "0.5"), ("1", "2", "0.8"), ("2", "1", "0.5"), ("2", "2", "0.9"),
    ]  # fmt: skip
    assert client.get("/api/v1/compare/curves.csv").text == ",".join(lines[0]) + "\n"  # a head, which pandas asks for


def test_verdicts_come_with_interval_p_and_the_names_of_their_methods(
    client: TestClient, database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=4, more_wrong=12)
    told = client.get("/api/v1/compare?runs=1,2,3,4,5,6,7,8").json()
    base, other = (group["config_hash"] for group in told["groups"])
    (verdict,) = told["verdicts"]
    assert (verdict["group"], verdict["baseline"], verdict["outcome"]) == (other, base, "worse")
    assert verdict["interval"]["high"] < 0
    assert verdict["p"] < 0.05
    assert [method["name"] for method in verdict["methods"]] == [
        "seeds and images", "seeds only", "images only", "ranks",
    ]  # fmt: skip
    turned = client.get(f"/api/v1/compare?runs=1,2,3,4,5,6,7,8&baseline={other[:8]}").json()["verdicts"][0]
    assert (turned["outcome"], turned["difference"]) == ("better", pytest.approx(-verdict["difference"]))
    assert client.get("/api/v1/compare?runs=1,2&baseline=00000000").status_code == 422
    alone = client.get("/api/v1/compare?runs=1,2").json()
    assert alone["verdicts"][0]["two_networks"]["p"] < 0.05
    assert "Wilson" in alone["groups"][0]["last"]["test_accuracy"]["interval"]["method"]


def test_the_literature_stands_beside_groups_of_mnist(client: TestClient, database: Database) -> None:
    for seed in range(3):
        trained(database, 0.5, 0.99 + seed / 1000, dataset="mnist", architecture={"name": "lenet5"}, seed=seed)
    (told,) = client.get("/api/v1/compare?runs=1,2,3").json()["literature"]
    assert (told["published"]["title"], told["published"]["accuracy"]) == ("LeNet-5", 0.9905)
    assert told["published"]["interval"]["method"] == "Wilson's, of the test images alone"
    assert (told["outcome"], told["n"], told["mean"]) == ("agrees", 3, pytest.approx(0.991))
    assert told["difference_interval"]["low"] < 0 < told["difference_interval"]["high"]
    assert "upper bound" in told["interval"]["method"]
    assert told["sentence"].startswith("LeNet-5 (99.10 % [")
    assert (
        "3 seeds) agrees within the interval with LeNet-5 of LeCun et al. 1998 (99.05 %): +0.05 pp ["
        in told["sentence"]
    )
    assert "2 epochs, sgd at 0.01, images not distorted" in told["trained_how"]
    assert client.get("/api/v1/compare?runs=1").json()["literature"][0]["outcome"] == "too few seeds"


def test_more_seeds_are_asked_for_once_and_are_another_look(
    client: TestClient, database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=3, more_wrong=2)
    base, other = (group["config_hash"] for group in client.get("/api/v1/compare?runs=1,2").json()["groups"])
    asked = {"group": other, "baseline": base, "seeds": 2}
    told = client.post("/api/v1/compare/more-seeds", json=asked, headers={"Idempotency-Key": "once"})
    assert (told.status_code, told.json()) == (201, {"runs": [7, 8, 9, 10], "look": 2})
    again = client.post("/api/v1/compare/more-seeds", json=asked, headers={"Idempotency-Key": "once"})
    assert (again.status_code, again.json()) == (200, told.json())
    assert client.post("/api/v1/compare/more-seeds", json=asked).status_code == 409
    assert client.post("/api/v1/compare/more-seeds", json=asked | {"baseline": "0" * 64}).status_code == 404
    assert client.post("/api/v1/compare/more-seeds", json=asked | {"seeds": 201}).status_code == 422
