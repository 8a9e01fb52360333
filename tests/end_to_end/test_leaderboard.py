"""The Leaderboard in a real browser: by mouse and by keyboard from a rank to its seeds and to a comparison."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.settings import Settings
from tests.benchmarks.many_runs import write
from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage


@pytest.fixture(scope="module")
def board(
    serve: Callable[[Settings], AbstractContextManager[tuple[subprocess.Popen[str], str]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of that of a server with sixty groups of MNIST."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("board"))
    write(settings.data_dir, 300, 2)
    with serve(settings) as (_, address):
        yield f"{address}/leaderboard"


def test_by_mouse_filter_look_at_the_seeds_tick_two_and_compare_them(open_page: OpenPage, board: str) -> None:
    page = open_page()
    page.goto(board)
    rows = page.locator(".board tbody tr")
    expect(rows).to_have_count(50)
    page.locator("#next-page").click()
    expect(page).to_have_url(re.compile(r"/leaderboard\?page=2$"))
    expect(rows).not_to_have_count(50)
    page.get_by_label("Network").select_option("lenet5-1998")
    expect(page).to_have_url(re.compile(r"/leaderboard\?dataset=mnist&architecture=lenet5-1998$"))
    expect(rows.first).to_contain_text("LeNet-5 of 1998")
    rows.first.locator("summary").click()
    expect(rows.first.get_by_role("link", name="seed 0")).to_be_visible()
    for row in (0, 1):
        rows.nth(row).get_by_role("checkbox").check()
    page.get_by_role("button", name="Compare the ticked groups").click()
    expect(page.get_by_role("heading", name="Which is better?")).to_be_visible()
    expect(page.locator(".group-row")).to_have_count(2)


def test_by_keyboard_a_group_is_pinned_and_its_full_verdict_is_one_press_away(open_page: OpenPage, board: str) -> None:
    page = open_page()
    page.goto(board)
    page.get_by_role("link", name=re.compile("^Pin ")).first.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("baseline="))
    expect(page.get_by_text("which is pinned")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Full verdict")).first.press("Enter")
    expect(page.locator(".verdict")).to_have_count(1)


@pytest.mark.parametrize("look", LOOKS)
def test_it_passes_axe_and_does_not_scroll_sideways(open_page: OpenPage, board: str, look: str) -> None:
    page = open_page(**LOOKS[look])
    page.goto(board)
    page.locator(".pick").first.check()
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate(SIDEWAYS) <= 0
