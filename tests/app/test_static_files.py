"""Static files come out of memory, and are still those of the folder."""

import os
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.static_files import HeldFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.css").write_text("a {}")
    return tmp_path


@pytest.fixture
def client(folder: Path) -> TestClient:
    app = Starlette()
    app.mount("/static", HeldFiles(folder))
    return TestClient(app)


def test_a_file_that_was_changed_is_read_again(client: TestClient, folder: Path) -> None:
    before = client.get("/static/app.css")
    assert before.text == "a {}"
    assert before.headers["content-type"].startswith("text/css")
    (folder / "app.css").write_text("b {}")
    os.utime(folder / "app.css", (1, 1))
    after = client.get("/static/app.css")
    assert after.text == "b {}"
    assert after.headers["etag"] != before.headers["etag"]


def test_what_the_browser_has_is_not_sent_again(client: TestClient) -> None:
    known = client.get("/static/app.css").headers
    for asked in ({"If-None-Match": known["etag"]}, {"If-Modified-Since": known["last-modified"]}):
        again = client.get("/static/app.css", headers=asked)
        assert (again.status_code, again.content) == (304, b"")


def test_nothing_but_the_folder_is_served(client: TestClient, folder: Path) -> None:
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    for path in ("/static/missing.css", "/static/..%2fsecret.txt", "/static/link.txt", "/static/"):
        assert client.get(path).status_code == 404


def test_a_file_is_read_but_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.get("/static/app.css")
    monkeypatch.delattr(Path, "read_bytes")
    assert client.get("/static/app.css").text == "a {}"
