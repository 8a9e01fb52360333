"""Experiments in a real browser: from two values in a field to a finished experiment, and the report by one click."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.trainyards import OpenPage, Trainyard

FINISHED_MS = 120_000
# Notes what the browser is asked to show, in all windows together, and the streams that each window opened.
WATCHED = """
    window.streams = [];
    window.EventSource = class extends EventSource { constructor(url) { super(url); streams.push(this); } };
    window.Notification = class extends EventTarget {
        static permission = "granted";
        static requestPermission() { return Promise.resolve("granted"); }
        constructor(title) { super(); localStorage.told = (localStorage.told ?? "") + title + "|"; }
    };
"""
HIDE = """() => {
    Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
OPEN_STREAMS = "() => streams.filter(({readyState}) => readyState === EventSource.OPEN).length"


def test_two_learning_rates_and_two_seeds_become_a_finished_experiment(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/runs/new")
    page.locator('input[name="dataset"][value="digits"]').check()
    page.get_by_label("Epochs", exact=True).fill("2")
    page.get_by_label("Learning rate", exact=True).fill("0.1, 0.01")
    page.get_by_label("Number of seeds").fill("2")
    expect(page.locator("#launch-summary")).to_contain_text("2 configs × 2 seeds = 4 runs")
    expect(page).to_have_url(re.compile(r"learning_rate=0\.1%2C\+0\.01"))
    page.get_by_role("button", name="Start 4 runs").press("Enter")

    expect(page).to_have_url(re.compile(r"/experiments/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Learning rate on digits")
    page.evaluate("() => { window.isSamePage = true }")
    expect(page.locator("[data-group]")).to_have_count(2)
    expect(page.locator("#experiment-headline")).to_contain_text("4 of 4 runs completed", timeout=FINISHED_MS)
    expect(page.locator("#experiment-epochs")).to_have_text("8")
    expect(page.locator("[data-mean]").first).to_have_text(re.compile(r"^\d+\.\d\d %$"))
    expect(page.locator("[data-range]").first).to_have_text(re.compile(r" % to "))
    expect(page).to_have_title("✓ · Learning rate on digits")
    assert page.evaluate("() => window.isSamePage")


def test_a_tick_on_a_card_compares_two_networks(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/runs/new")
    page.get_by_label("Compare with LeNet5moon too", exact=True).check()
    expect(page.locator("#start")).to_have_text("Start 2 runs")
    expect(page.locator("#parameters-of-lenet5-moon")).to_be_visible()
    page.locator('input[name="architecture"][value="lenet5-moon"]').check()  # the card of what was to be compared
    expect(page.locator("#start")).to_have_text("Start run")
    page.get_by_text("Compare with another optimizer").click()
    page.get_by_role("group", name="Optimizer: compare with").get_by_label("Adam", exact=True).check()
    expect(page.locator("#start")).to_have_text("Start 2 runs")


def test_one_click_starts_the_report(open_page: OpenPage, trainyard: Trainyard) -> None:
    page = open_page()
    page.goto("/experiments")
    page.get_by_role("link", name="Reproduce the report").click()
    page.wait_for_load_state()  # what is typed before the scripts run is not heard
    page.get_by_label("Digits").check()
    page.get_by_label("Number of seeds").fill("2")
    page.get_by_role("button", name="Start 10 runs").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The report on Digits")
    expect(page.locator("[data-group]")).to_have_count(5)
    page.get_by_role("button", name="Cancel all").click()
    expect(page.locator("#experiment-headline")).to_contain_text("of 10 runs completed")
    expect(page.locator("#act-compare")).to_be_visible()


def open_streams(tabs: list[Page]) -> int:
    return sum(tab.evaluate(OPEN_STREAMS) for tab in tabs)


def test_eight_hidden_tabs_tell_the_end_once_over_one_stream(open_page: OpenPage, trainyard: Trainyard) -> None:
    trainyard.api.post("queue/pause").raise_for_status()
    base = {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 1}
    asked = {"name": "<b>Luck</b>", "base": base, "seeds": 2}
    experiment = trainyard.api.post("experiments", json=asked).json()["id"]
    first = open_page()
    first.context.grant_permissions(["notifications"])
    first.context.add_init_script(WATCHED)
    tabs = [first, *(first.context.new_page() for _ in range(7))]
    for tab in tabs:
        tab.goto(f"/experiments/{experiment}" if tab in (first, tabs[1]) else "/runs")
        expect(tab.locator("body")).to_have_attribute("data-connection", "live")
    tabs[2].evaluate(HIDE)
    tabs[2].evaluate("() => new Promise((done) => setTimeout(done, 300))")
    assert tabs[2].evaluate(OPEN_STREAMS) == 0  # nobody asked to be told: a hidden window leaves

    first.get_by_role("button", name="Tell me when it ends").click()
    expect(first.locator("#act-tell")).to_have_text("You will be told when it ends")
    for tab in tabs:
        tab.evaluate(HIDE)
    assert open_streams(tabs) == 1
    trainyard.api.post("queue/resume").raise_for_status()
    for tab in tabs[2:]:
        expect(tab.locator("#notice-ended")).to_have_text("<b>Luck</b> has ended.", timeout=FINISHED_MS)
    assert first.evaluate("() => localStorage.told") == "<b>Luck</b> has ended|"
    first.wait_for_timeout(500)
    assert open_streams(tabs) == 0  # told: they leave
    for tab in tabs[:2]:  # the experiment's own page, which tells it anyway
        expect(tab.locator("#notice-ended")).to_be_hidden()
        expect(tab.locator("#experiment-headline")).to_contain_text("2 of 2 runs completed")
    tabs[2].get_by_role("button", name="Close this notice").click()
    expect(tabs[2].locator("#notice-ended")).to_be_hidden()


@pytest.mark.parametrize(
    ("lacking", "reason"),
    [("delete window.Notification", "only over https"), ("Notification.permission = 'denied'", "blocks notifications")],
)
def test_where_the_browser_cannot_notify_the_button_says_why(
    open_page: OpenPage, trainyard: Trainyard, lacking: str, reason: str
) -> None:
    trainyard.api.post("queue/pause").raise_for_status()
    base = {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 1}
    experiment = trainyard.api.post("experiments", json={"base": base, "seeds": 2}).json()["id"]
    page = open_page()
    page.add_init_script(f"{WATCHED}; {lacking}")
    page.goto(f"/experiments/{experiment}")
    expect(page.locator("#act-tell")).to_be_disabled()
    expect(page.locator("#tell-why")).to_contain_text(reason)
    trainyard.api.post(f"experiments/{experiment}/cancel").raise_for_status()
    trainyard.api.post("queue/resume").raise_for_status()
