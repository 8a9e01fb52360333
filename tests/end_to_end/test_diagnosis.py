"""What the curves say, on runs that a real worker trained, seen by a real browser."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard


def launched(trainyard: Trainyard, network: str = "lenet5", learning_rate: float = 0.01) -> int:
    config = {"architecture": {"name": network}, "dataset": "digits", "epochs": 2, "learning_rate": learning_rate}
    return int(trainyard.api.post("runs", json=config).json()["id"])


@pytest.fixture(scope="module")
def softmax_run(trainyard: Trainyard) -> int:
    run = launched(trainyard, "report-mlp")
    trainyard.wait_until_completed(run)
    return run


def test_a_learning_rate_of_ten_is_told_on_the_open_page_and_its_button_leads_to_a_smaller_one(
    open_page: OpenPage, trainyard: Trainyard
) -> None:
    trainyard.api.post("queue/pause").raise_for_status()
    run = launched(trainyard, learning_rate=10)
    page = open_page()
    page.goto(f"/runs/{run}")
    expect(page.locator("body")).to_have_attribute("data-connection", "live")
    expect(page.locator("#run-diagnosis")).to_be_hidden()
    trainyard.api.post("queue/resume").raise_for_status()
    told = page.get_by_role("region", name="What the curves say")
    expect(told).to_contain_text("Learning rate too high.", timeout=60_000)
    told.get_by_role("link", name="Learning rate 1", exact=True).click()
    expect(page).to_have_url(re.compile(rf"/runs/new\?from={run}&"))
    expect(page.locator("#learning_rate")).to_have_value("1")


@pytest.mark.parametrize("look", LOOKS)
def test_what_the_curves_say_passes_axe_and_fits(open_page: OpenPage, softmax_run: int, look: str) -> None:
    page = open_page(**LOOKS[look])
    page.goto(f"/runs/{softmax_run}")
    told = page.get_by_role("region", name="What the curves say")
    expect(told).to_contain_text("cannot fall below 1.4612")
    expect(page.locator("body")).to_have_attribute("data-connection", "live")
    found = Axe().run(page, "#run-diagnosis")
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate(SIDEWAYS) <= 0
