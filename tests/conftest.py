"""What tests share: settings over a folder of their own, its database, a client of the server over the same folder."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from core.database import Database, open_database
from core.settings import ENV_PREFIX, Settings

ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(variable)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The database file, opened a second time beside the server's own."""
    opened = open_database(settings.database_file)
    yield opened
    opened.close()


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A browser or program on this machine; the server runs as long as the test."""
    with TestClient(create_app(settings), base_url=ADDRESS, follow_redirects=False) as running:
        yield running


@pytest.fixture(scope="session")
def serve() -> Callable[[Settings], AbstractContextManager[tuple[subprocess.Popen[str], str]]]:
    """Starts a server process of its own over the settings' data folder, on a free port; gives it and its address."""

    @contextmanager
    def serving(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], str]]:
        command = [sys.executable, "-m", "app.cli", "serve", "--port", "0", "--data-dir", str(settings.data_dir)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout
                address = re.search(r"http://[\d.:]+", server.stdout.readline())
                assert address
                yield server, address[0]
            finally:
                server.kill()

    return serving
