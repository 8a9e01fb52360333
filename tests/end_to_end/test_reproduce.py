"""Reproduce, pressed in a real browser and trained by a real worker."""

import json
import re
from contextlib import closing

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.database import sqlite_module
from core.settings import Settings
from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard


@pytest.fixture(scope="module")
def stopped_early(trainyard: Trainyard) -> int:
    """A run whose best epoch by validation is not its last, which is not the last asked for."""
    config = {
        "architecture": {"name": "lenet5-moon"}, "dataset": "digits", "epochs": 40, "optimizer": "adam",
        "learning_rate": 0.02, "validation": 100, "selection": "best_val", "early_stopping_patience": 2,
    }  # fmt: skip
    run = int(trainyard.api.post("runs", json=config).json()["id"])
    trainyard.wait_until_completed(run)
    told = trainyard.api.get(f"runs/{run}").json()
    assert told["summary"]["selected_epoch"] < told["epochs_done"] < 40
    return run


@pytest.fixture(scope="module")
def trained_otherwise(trainyard: Trainyard) -> int:
    """A run that says of itself that it had two threads, and had one, and a learning rate that it nearly had."""
    config = {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 3, "learning_rate": 0.010001}
    run = int(trainyard.api.post("runs", json=config).json()["id"])
    trainyard.wait_until_completed(run)
    told = trainyard.api.get(f"runs/{run}").json()
    columns = {"environment": told["environment"] | {"threads": 2}, "config": told["config"] | {"learning_rate": 0.01}}
    with closing(sqlite_module().connect(Settings(data_dir=trainyard.data_dir).database_file)) as database:
        for column, value in columns.items():
            database.execute(f"UPDATE run SET {column} = ? WHERE id = ?", (json.dumps(value), run))
        database.commit()
    return run


def test_reproduce_answers_identical_on_both_pages_and_in_the_api(
    open_page: OpenPage, trainyard: Trainyard, stopped_early: int
) -> None:
    page = open_page()
    original = page.context.new_page()
    original.goto(f"/runs/{stopped_early}")
    page.goto(f"/runs/{stopped_early}")
    page.get_by_role("button", name="Reproduce").click()
    page.wait_for_url(re.compile(rf"/runs/(?!{stopped_early}$)\d+$"))
    for window, words in ((page, f"It trained run {stopped_early} again"), (original, "trained it again")):
        told = window.locator("[data-answer]")
        expect(told).to_have_attribute("data-answer", "identical", timeout=60_000)
        expect(told).to_contain_text(words)
        expect(told).to_contain_text("so are the weights after each, bit for bit")
    again = int(page.url.rsplit("/", 1)[1])
    assert trainyard.api.get(f"runs/{again}").json()["reproduces_id"] == stopped_early
    for run in (stopped_early, again):
        (answer,) = trainyard.api.get(f"runs/{run}/reproductions").json()
        assert answer == {
            "original_id": stopped_early, "again_id": again, "answer": "identical", "compared_epochs": True,
            "difference": None, "unlike": [],
        }  # fmt: skip
    (group,) = trainyard.api.get("compare", params={"runs": f"{stopped_early},{again}"}).json()["groups"]
    assert len(group["seeds"]) == 1


def test_a_reproduction_that_differs_names_the_epoch_and_the_layer(
    trainyard: Trainyard, trained_otherwise: int
) -> None:
    answer = trainyard.api.post(f"runs/{trained_otherwise}/reproduce", headers={"Idempotency-Key": "differs"})
    assert answer.status_code == 201
    again = answer.json()["id"]
    repeated = trainyard.api.post(f"runs/{trained_otherwise}/reproduce", headers={"Idempotency-Key": "differs"})
    assert (repeated.status_code, repeated.json()["id"]) == (200, again)
    trainyard.wait_until_completed(again)
    assert trainyard.api.get(f"runs/{again}").json()["environment"]["threads"] == 2
    (told,) = trainyard.api.get(f"runs/{again}/reproductions").json()
    assert (told["answer"], told["difference"]["epoch"]) == ("different", 1)
    assert told["difference"]["layer"].startswith("layer ")
    assert 0 < told["difference"]["largest"] < 0.1


def test_a_run_that_went_on_from_another_is_reproduced_from_where_it_began(trainyard: Trainyard) -> None:
    first = trainyard.launch(epochs=2)
    trainyard.wait_until_completed(first)
    config = trainyard.api.get(f"runs/{first}").json()["config"]
    for source in ({"mode": "continue", "run_id": first}, {"mode": "weights", "run_id": first}):
        answer = trainyard.api.post("runs", json=config | {"epochs": 4, "source": source})
        assert answer.status_code == 201, answer.text
        run = answer.json()["id"]
        trainyard.wait_until_completed(run)
        again = trainyard.api.post(f"runs/{run}/reproduce").json()["id"]
        trainyard.wait_until_completed(again)
        (told,) = trainyard.api.get(f"runs/{again}/reproductions").json()
        assert (told["answer"], told["compared_epochs"], told["unlike"]) == ("identical", True, []), source
        assert trainyard.api.get(f"runs/{again}").json()["environment"]["threads"] == 1


def test_a_run_that_is_not_completed_is_not_reproduced(trainyard: Trainyard) -> None:
    run = trainyard.launch(epochs=10_000)
    answer = trainyard.api.post(f"runs/{run}/reproduce")
    trainyard.api.post(f"runs/{run}/cancel")
    assert answer.status_code == 409
    assert "cannot be reproduced before it is completed" in answer.json()["detail"]


@pytest.mark.parametrize("look", LOOKS)
def test_the_answers_are_legible_in_every_look(
    open_page: OpenPage, stopped_early: int, trained_otherwise: int, look: str
) -> None:
    page = open_page(**LOOKS[look])
    for run, kind in ((stopped_early, "identical"), (trained_otherwise, "different")):
        page.goto(f"/runs/{run}")
        expect(page.locator("[data-answer]")).to_have_attribute("data-answer", kind)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate(SIDEWAYS) <= 0
