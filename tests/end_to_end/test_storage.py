"""The Storage page in a real browser: looked through by axe in each look, used by keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.end_to_end.test_browser import SCRIPT
from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard


@pytest.fixture(scope="module")
def completed(trainyard: Trainyard) -> int:
    """A run with a checkpoint, and another in the bin whose name is a script."""
    kept, binned = trainyard.launch(epochs=1), trainyard.launch(epochs=1, name=SCRIPT)
    for run in (kept, binned):
        trainyard.wait_until_completed(run)
    trainyard.api.delete(f"runs/{binned}").raise_for_status()
    return kept


def look_through(page: Page, what: str) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{what}: {found.generate_report()}"
    assert page.evaluate(SIDEWAYS) <= 0, what


@pytest.mark.usefixtures("completed")
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_on_the_page_and_in_its_dialogs(open_page: OpenPage, look: str) -> None:
    page = open_page(**LOOKS[look])
    page.goto("/runs")
    page.get_by_role("link", name="Storage", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Storage")
    look_through(page, "the page")
    for button in ("#clean-up", "#empty-bin"):
        page.locator(button).click()
        expect(page.locator("dialog[open]")).to_be_visible()
        look_through(page, button)
        page.keyboard.press("Escape")


def test_checkpoints_are_cleaned_up_and_the_bin_is_emptied_by_keyboard(
    open_page: OpenPage, trainyard: Trainyard, completed: int
) -> None:
    page = open_page()
    page.goto("/storage")
    page.locator("#clean-up").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep them")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="freed")).to_be_visible()
    expect(page.locator("#clean-up")).to_have_count(0)
    kinds = [file["kind"] for file in trainyard.api.get(f"runs/{completed}/artifacts").json()]
    assert "weights" in kinds
    assert not {"checkpoint", "best_checkpoint"} & set(kinds)

    page.locator("#empty-bin").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_text(SCRIPT)).to_be_visible()
    page.keyboard.press("Enter")  # the focus is on the button again
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The bin is empty.")).to_be_visible()
    assert trainyard.api.get("bin").json()["num_runs"] == 0


def test_a_run_is_restored_from_the_bin(open_page: OpenPage, trainyard: Trainyard, completed: int) -> None:
    trainyard.api.delete(f"runs/{completed}").raise_for_status()
    page = open_page()
    page.goto("/storage")
    page.get_by_role("button", name="Restore").first.click()
    expect(page.get_by_text("The bin is empty.")).to_be_visible()
    assert trainyard.api.get(f"runs/{completed}").json()["deleted_at"] is None
