"""A benchmark in a real browser, trained by a real worker: alone and in turn, though slots are free and runs wait."""

import re
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard, wait_until

FINISHED_MS = 90_000


@pytest.fixture(scope="module")
def benchmark(trainyard: Trainyard) -> int:
    """Two networks, twice each, with a run before and a run behind; the number of the experiment."""
    before = trainyard.launch(epochs=2)
    asked = {"base": {"dataset": "digits", "epochs": 1}, "grid": {"architecture": ["lenet5", "custom-mlp"]}}
    answer = trainyard.api.post("experiments", json={**asked, "seeds": 1, "benchmark": True, "repeats": 2})
    assert answer.status_code == 201, answer.text
    behind = trainyard.launch(epochs=1)
    wait_until(lambda: trainyard.api.get(f"runs/{behind}").json()["state"] == "completed", FINISHED_MS / 1000)
    assert trainyard.api.get(f"runs/{before}").json()["state"] == "completed"
    return int(answer.json()["id"])


def test_its_runs_are_trained_alone_and_in_turn(trainyard: Trainyard, benchmark: int) -> None:
    experiment = trainyard.api.get(f"experiments/{benchmark}").json()
    ids = sorted(run_id for group in experiment["groups"] for run_id in group["run_ids"])
    runs = [trainyard.api.get(f"runs/{run_id}").json() for run_id in (ids[0] - 1, *ids, ids[-1] + 1)]
    assert all(one["ended_at"] <= other["started_at"] for one, other in pairwise(runs))
    networks = [run["config"]["architecture"]["name"] for run in runs[1:-1]]
    assert networks == ["lenet5", "custom-mlp"] * 2
    for costs in (run["costs"] for run in runs[1:-1]):
        assert (costs["most_runs_beside"], costs["export_beside"]) == (0, False)
        assert min(costs["run_memory_bytes"], costs["single_image_seconds"], costs["checkpoint_bytes"]) > 0


def test_a_ticked_box_asks_for_repeats_and_the_page_tells_of_the_benchmark(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/runs/new")
    expect(page.get_by_label("Repeats")).to_be_hidden()
    page.get_by_label("Epochs", exact=True).fill("1")
    page.get_by_label("Benchmark").check()
    page.get_by_label("Repeats").fill("2")
    expect(page.locator("#launch-summary")).to_contain_text("1 config × 1 seed × 2 repeats = 2 runs")
    expect(page).to_have_url(re.compile("benchmark=yes&repeats=2"))
    page.get_by_role("button", name="Start 2 runs").click()
    expect(page.locator("#experiment-headline")).to_contain_text("2 of 2 runs completed", timeout=FINISHED_MS)
    expect(page.locator("[data-range]")).to_have_text("–")  # the repeat is no second seed
    page.get_by_role("link", name="Compare", exact=True).last.click()
    expect(page.locator("#cost-table")).to_contain_text("answer, one image")
    expect(page.locator("#cost-conditions")).to_contain_text("The conditions were")


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page: OpenPage, benchmark: int, look: str) -> None:
    page = open_page(**LOOKS[look])
    first = page.request.get(f"/api/v1/experiments/{benchmark}").json()["groups"][0]["run_ids"][0]
    for path in (
        f"/compare?experiment={benchmark}",
        f"/experiments/{benchmark}",
        f"/runs/{first}",
        "/runs/new?benchmark=yes",
        "/experiments/report?dataset=digits&benchmark=yes",
    ):
        page.goto(path)
        expect(page.locator("body")).to_have_attribute("data-connection", "live")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate(SIDEWAYS) <= 0, path
