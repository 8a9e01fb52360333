"""Pausing everything, continuing a run, starting from its weights and undoing its deletion, in a real browser."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard, wait_until

LONG = 60_000


@pytest.fixture(scope="module")
def finished_run(trainyard: Trainyard) -> int:
    run = trainyard.launch(epochs=2)
    trainyard.wait_until_completed(run)
    return run


def test_the_queue_and_its_running_run_are_paused_and_resumed_by_keyboard(
    open_page: OpenPage, trainyard: Trainyard
) -> None:
    run = trainyard.launch(epochs=3000)
    page = open_page()
    page.goto("/runs")
    page.locator("#pause-all-open").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Let them run")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#runs")).to_contain_text("Nothing trains.", timeout=LONG)
    expect(page.get_by_role("button", name="Resume the queue")).to_be_focused()
    assert trainyard.api.get(f"runs/{run}").json()["state"] == "queued"
    page.keyboard.press("Enter")
    wait_until(lambda: bool(trainyard.api.get(f"runs/{run}").json()["state"] == "running"))
    trainyard.api.post(f"runs/{run}/cancel").raise_for_status()


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_the_dialogs_and_the_form_with_a_source(
    open_page: OpenPage, finished_run: int, trainyard: Trainyard, look: str
) -> None:
    trainyard.api.post("queue/pause?with_running=true").raise_for_status()
    waiting = trainyard.api.post(f"runs/{finished_run}/continue", json={"epochs": 9}).json()["id"]
    page = open_page(**LOOKS[look])
    for path, dialog in (
        ("/runs", "pause-all"), (f"/runs/{finished_run}", "continue-dialog"), (f"/runs/{waiting}", ""),
        (f"/runs/new?from={finished_run}&source=weights+{finished_run}", ""),
    ):  # fmt: skip
        page.goto(path)
        expect(page.locator("body")).to_have_attribute("data-connection", "live")
        if dialog:
            page.locator(f"#{dialog}").evaluate("(dialog) => dialog.showModal()")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate(SIDEWAYS) <= 0, path
    trainyard.api.post(f"runs/{waiting}/cancel").raise_for_status()
    trainyard.api.post("queue/resume").raise_for_status()


def test_a_run_is_continued_and_started_from_in_a_few_clicks(open_page: OpenPage, finished_run: int) -> None:
    page = open_page()
    page.goto(f"/runs/{finished_run}")
    page.get_by_role("button", name="Continue…").click()
    page.get_by_label("Up to epoch").fill("3")
    page.keyboard.press("Enter")
    expect(page.locator(".run-headline")).to_contain_text("1 more epoch in", timeout=LONG)
    expect(page.locator('.chart[data-chart="test_loss"] .shapelayer path').first).to_be_attached()
    page.goto(f"/runs/{finished_run}")
    page.get_by_role("link", name="Start from these weights").click()
    expect(page.get_by_label(f"Start from the weights of run {finished_run}")).to_be_checked()
    page.get_by_label("Epochs", exact=True).fill("1")
    page.locator("#start").click()
    expect(page.locator("#run-now")).to_contain_text(f"Started from the weights of run {finished_run}")
    expect(page.locator(".run-headline")).to_contain_text("Completed", timeout=LONG)


def test_a_run_deleted_on_its_page_is_had_back_from_the_list(open_page: OpenPage, trainyard: Trainyard) -> None:
    run = trainyard.launch(epochs=1, name="not so fast")
    trainyard.wait_until_completed(run)
    page = open_page()
    page.goto(f"/runs/{run}")
    page.get_by_role("button", name="Delete").click()
    page.locator("#delete-dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url(re.compile(rf"/runs\?deleted={run}$"))
    expect(page.locator("#bulk-said")).to_contain_text("1 deleted.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#bulk-said")).to_contain_text("1 restored.")
    expect(page.locator(f"#run-{run}")).to_be_visible()
    assert trainyard.api.get(f"runs/{run}").json()["deleted_at"] is None
