"""Experiments in a real browser: from two values in a field to a finished experiment, and the report by one click."""

import re

from playwright.sync_api import expect

from tests.end_to_end.trainyards import OpenPage, Trainyard

FINISHED_MS = 120_000


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
    page.get_by_label("Digits").check()
    page.get_by_label("Number of seeds").fill("2")
    page.get_by_role("button", name="Start 10 runs").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The report on Digits")
    expect(page.locator("[data-group]")).to_have_count(5)
    page.get_by_role("button", name="Cancel all").click()
    expect(page.locator("#experiment-headline")).to_contain_text("of 10 runs completed")
    expect(page.locator("#act-compare")).to_be_visible()
