"""Verdicts in a real browser, over runs that a worker trained: too few seeds, more of them by a press, a verdict."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard, wait_until


@pytest.fixture(scope="module")
def experiment(trainyard: Trainyard) -> int:
    """A network and a far worse one, two seeds each, of configs that no other test has."""
    answer = trainyard.api.post(
        "experiments",
        json={
            "base": {"architecture": {"name": "custom-mlp"}, "dataset": "digits", "epochs": 2, "batch_size": 60},
            "grid": {"learning_rate": [0.01, 0.000001]}, "seeds": 2,
        },
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    wait_until(lambda: not open_runs(trainyard, int(answer.json()["id"])))
    return int(answer.json()["id"])


def open_runs(trainyard: Trainyard, experiment: int) -> int:
    states = trainyard.api.get(f"experiments/{experiment}").json()["num_runs"]
    return int(states["queued"] + states["running"])


def test_more_seeds_by_a_press_lead_to_a_verdict_without_a_reload(
    open_page: OpenPage, trainyard: Trainyard, experiment: int
) -> None:
    page = open_page()
    page.goto(f"/compare?experiment={experiment}")
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("Too few seeds to judge")
    expect(page.get_by_label("more seeds each")).to_have_value("1")
    expect(page.locator(".verdict-more")).to_contain_text(re.compile(r"About \d+ s on \w+ slots?, once they are first"))
    page.get_by_role("button", name="Queue more seeds of").press("Enter")
    page.wait_for_url(re.compile(rf"/compare\?experiment={experiment}$"))
    expect(verdict).to_have_attribute("data-outcome", re.compile("waiting|worse|better"))
    wait_until(lambda: not open_runs(trainyard, experiment))
    expect(verdict).to_contain_text(re.compile(r"“.*, learning rate 1e-06” loses to “.*” by .* pp"), timeout=20_000)
    page.get_by_text("How this was worked out").click()
    expect(page.get_by_role("row", name=re.compile("^seeds and images"))).to_be_visible()
    page.get_by_role("group", name="Baseline").get_by_role("link").last.click()
    expect(verdict).to_contain_text("beats")
    expect(page).to_have_url(re.compile("baseline=[0-9a-f]{12}$"))


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page: OpenPage, experiment: int, look: str) -> None:
    page = open_page(**LOOKS[look])
    page.goto(f"/compare?experiment={experiment}&lines=interval")
    expect(page.locator("body")).to_have_attribute("data-connection", "live")
    expect(page.locator(".chart").first).to_have_attribute("data-lines-drawn", "2")
    page.get_by_text("How this was worked out").click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate(SIDEWAYS) <= 0
