"""What the end-to-end tests share: a real browser, and a Trainyard that is started and stopped as users do."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, sync_playwright

from core.settings import ENV_PREFIX
from tests.end_to_end.trainyards import OpenPage, Trainyard, has_ready_slot, wait_until

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW_TO_GET_IT = "There is no Chromium on the path; the browser tests need one: apt-get install chromium"
QUIET_BROWSER = (  # it asks nobody but the server, and needs no more than a container gives
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_SECONDS = 60.0  # a trainer imports torch; on a busy machine of two cores
STOP_SECONDS = 30.0


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's program. Where there is none, CI fails; elsewhere the test is skipped and says how to get one."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is not None:
        return found
    if os.environ.get("CI"):
        pytest.fail(HOW_TO_GET_IT, pytrace=False)
    pytest.skip(HOW_TO_GET_IT)


@pytest.fixture(scope="session")
def trainyard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainyard]:
    """`trainyard up` with an empty data folder and a warm slot; stopped by SIGTERM it must end with exit code 0."""
    data_dir = tmp_path_factory.mktemp("trainyard") / "data"
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "app.cli", "up", "--port", "0", "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={name: text for name, text in os.environ.items() if not name.startswith(ENV_PREFIX)},
    ) as process:
        try:
            assert process.stdout
            address = re.search(r"http://[\d.:]+", process.stdout.readline())
            assert address
            with httpx2.Client(base_url=f"{address[0]}/api/v1/", timeout=10) as api:
                assert httpx2.get(f"{address[0]}/healthz").status_code == 200
                wait_until(lambda: has_ready_slot(api), START_SECONDS)
                yield Trainyard(address[0], api, data_dir)
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")  # while Playwright runs, its event loop is the thread's: no other module may notice
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium_path, args=QUIET_BROWSER)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser, trainyard: Trainyard) -> Iterator[OpenPage]:
    """Opens a window of a fresh browser profile. No window may have shown a dialog or an error in its console."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_window(**options: object) -> Page:
        context = browser.new_context(base_url=trainyard.address, **options)  # type: ignore[arg-type]
        contexts.append(context)
        context.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        context.on("dialog", refuse)
        return context.new_page()

    def refuse(dialog: Dialog) -> None:
        faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    yield open_window
    for context in contexts:
        context.close()
    assert faults == []
