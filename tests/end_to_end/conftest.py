"""What the end-to-end tests share: a real browser."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW_TO_GET_IT = "There is no Chromium on the path; the browser tests need one: apt-get install chromium"


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's program. Where there is none, CI fails; elsewhere the test is skipped and says how to get one."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is not None:
        return found
    if os.environ.get("CI"):
        pytest.fail(HOW_TO_GET_IT, pytrace=False)
    pytest.skip(HOW_TO_GET_IT)
