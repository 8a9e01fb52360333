"""Signing in, in a real browser, at a server that others can reach: by its link, by its token, and out again."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.trainyards import LOOKS, SIDEWAYS


class Served(NamedTuple):
    address: str
    link: str  # printed at the start
    data_dir: Path

    def login_link(self) -> str:
        command = [sys.executable, "-P", "-m", "app.cli", "login-link", "--data-dir", str(self.data_dir)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without a worker, for others too: it made its token."""
    data_dir = tmp_path_factory.mktemp("served") / "data"
    flags = ["--host", "0.0.0.0", "--port", "0", "--data-dir", str(data_dir)]
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "app.cli", "serve", *flags], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout
            address, link = (re.search(r"http://\S+", server.stdout.readline()) for _ in range(2))
            assert address
            assert link
            yield Served(address[0], link[0], data_dir)
        finally:
            server.terminate()


def look_at(page: Page, what: str) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{what}: {found.generate_report()}"
    assert page.evaluate(SIDEWAYS) <= 0, what


def test_the_printed_link_signs_in_once_and_the_button_signs_out(browser: Browser, served: Served) -> None:
    page = browser.new_context(base_url=served.address).new_page()
    page.goto("/runs/new")
    expect(page.get_by_label("token")).to_be_focused()
    page.goto(served.link)
    page.get_by_role("button", name="Sign in").press("Enter")
    expect(page.get_by_role("heading", name="Train your first network")).to_be_visible()
    expect(page.locator("body")).to_have_attribute("data-connection", "live")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{served.address}/login")
    page.goto("/runs")
    expect(page).to_have_url(re.compile("/login"))
    page.goto(served.link)
    expect(page.get_by_role("alert").first).to_have_text("This link has been used, or is too old.")
    page.context.close()


def test_the_token_leads_back_to_the_page_that_was_asked_for(browser: Browser, served: Served) -> None:
    page = browser.new_context(base_url=served.address).new_page()
    page.goto("/runs/new?dataset=digits")
    page.get_by_label("token").fill("not this one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").first).to_have_text("That is not this server's token.")
    page.get_by_label("token").fill((served.data_dir / "token").read_text().strip())
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{served.address}/runs/new?dataset=digits")
    page.context.close()


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_no_page_scrolls_sideways(browser: Browser, served: Served, look: str) -> None:
    page = browser.new_context(base_url=served.address, **LOOKS[look]).new_page()  # type: ignore[arg-type]
    for path in ("/runs", "/login?code=old", served.login_link()):
        page.goto(path)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        look_at(page, path)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("body")).to_have_attribute("data-connection", "live")
    look_at(page, "signed in")
    page.context.close()
