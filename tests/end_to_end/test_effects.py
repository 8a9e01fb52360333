"""Effects and prices in a real browser: drawn when in sight, moving while runs train, leading to runs; by keyboard."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard, wait_until

# Where the mean of a level of the first parameter is on the screen.
MEAN_AT = """(level) => {
    const plot = document.querySelector('.plot[data-plot="effect-1"]');
    const {xaxis, yaxis} = plot._fullLayout, {x, y} = plot.data[1];
    const box = plot.getBoundingClientRect();
    return [box.x + xaxis._offset + xaxis.l2p(x[level]), box.y + yaxis._offset + yaxis.l2p(y[level])];
}"""


@pytest.fixture(scope="module")
def experiment(trainyard: Trainyard) -> Iterator[int]:
    """Pool by learning rate, two seeds each; queued while the queue is paused."""
    trainyard.api.post("queue/pause").raise_for_status()
    answer = trainyard.api.post(
        "experiments",
        json={
            "base": {"dataset": "digits", "epochs": 1, "architecture": {"name": "lenet5"}}, "seeds": 2,
            "grid": {"architecture.parameters.pool": ["max", "avg"], "learning_rate": [0.1, 0.001]},
        },
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    yield int(answer.json()["id"])
    trainyard.api.post("queue/resume").raise_for_status()


def finish(trainyard: Trainyard, experiment: int) -> None:
    trainyard.api.post("queue/resume").raise_for_status()
    wait_until(lambda: trainyard.api.get(f"experiments/{experiment}").json()["num_runs"]["completed"] == 8)


def expect_drawn(page: Page) -> None:
    page.wait_for_function(
        """() => {
            const undrawn = [...document.querySelectorAll('.plot:not(.js-plotly-plot)')];
            undrawn[0]?.scrollIntoView({block: "center"});
            return document.querySelector('.plot') && !undrawn.length;
        }"""
    )


def test_effects_arrive_as_runs_complete_and_lead_to_their_runs(
    open_page: OpenPage, trainyard: Trainyard, experiment: int
) -> None:
    page = open_page()
    page.goto(f"/experiments/{experiment}")
    page.get_by_role("link", name="What each parameter does").click()
    expect(page.locator("#effects")).to_contain_text("shown when the first runs have completed")
    page.evaluate("() => { window.isSamePage = true }")
    finish(trainyard, experiment)
    expect(page.locator("#compare-said")).to_have_text("All runs have ended.", timeout=20_000)
    expect(page.locator(".effect-table")).to_contain_text("over the same 2 combinations")
    expect_drawn(page)
    assert page.locator('.plot[data-plot="parallel"] .js-line').count() == 4
    assert page.evaluate("() => window.isSamePage")

    page.locator("#view-effect-test_loss").press("Enter")
    expect(page.locator(".effect-table thead")).to_contain_text("mean test loss")
    expect(page).to_have_url(re.compile("effect=test_loss"))
    expect_drawn(page)
    page.locator('.plot[data-plot="effect-1"]').scroll_into_view_if_needed()
    page.mouse.click(*page.evaluate(MEAN_AT, 0))  # 0.001
    expect(page).to_have_url(re.compile(r"\?groups=[0-9a-f]{16},[0-9a-f]{16}&lines=seeds$"))
    expect(page.locator(".compare-state")).to_contain_text("4 runs")
    page.go_back()
    page.locator(".heat-cell a").first.press("Enter")
    expect(page.locator(".seed-row")).to_have_count(2)
    page.locator(".seed-row a").first.press("Enter")
    expect(page).to_have_url(re.compile(r"/runs/\d+$|/errors"))


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_the_page_does_not_scroll_sideways(
    open_page: OpenPage, trainyard: Trainyard, experiment: int, look: str
) -> None:
    finish(trainyard, experiment)
    page = open_page(**LOOKS[look])
    page.goto(f"/compare?experiment={experiment}")
    expect_drawn(page)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 10  # it did look
    assert page.evaluate(SIDEWAYS) <= 0
