"""Pages that are sent in two: their head before anything of them is known, and what is told where the rest fails."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from app.early_heads import render_in_two
from app.main import create_app
from core.settings import Settings

Refuse = Callable[[Exception], None]


def test_the_head_is_sent_before_anything_is_looked_up(client: TestClient) -> None:
    looked_up: list[Session] = []

    def find_out(session: Session) -> dict[str, Any]:
        looked_up.append(session)
        return {"status": 404, "title": "Found out", "detail": "", "suggestion": None}

    assert isinstance(client.app, FastAPI)
    request = Request({"type": "http", "app": client.app, "path": "/", "headers": []})
    parts = aiter(render_in_two(request, "pages/error.html", find_out).body_iterator)

    async def told(parts: AsyncIterator[Any]) -> str:
        return str(await anext(parts))

    with asyncio.Runner() as runner:
        head = runner.run(told(parts))
        assert "tokens.css" in head
        assert "<title>" not in head
        assert looked_up == []
        rest = runner.run(told(parts))
        assert rest.lstrip().startswith("<title>Found out")
        assert len(looked_up) == 1


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """The Runs page meets this exception once its head is on its way."""

    def meets(error: Exception) -> None:
        def fail(_: Session) -> None:
            raise error

        monkeypatch.setattr("app.pages.runs.tags_in_use", fail)

    return meets


def test_what_goes_wrong_later_is_told_in_the_page(client: TestClient, refuse: Refuse) -> None:
    refuse(OperationalError("SELECT", {}, Exception("database is locked")))
    text = client.get("/runs").text
    assert "The database is busy." in text
    assert (text.count("<title>"), text.count("</html>"), text.count("tokens.css")) == (1, 1, 1)
    assert "data-event-id" not in text  # nothing there moves


def test_our_own_fault_is_logged_and_tells_no_secrets(
    settings: Settings, refuse: Refuse, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(RuntimeError("secret inside"))
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client, caplog.at_level(logging.ERROR):
        text = client.get("/runs").text
    assert "the server's log says what" in text.replace("&#39;", "'")
    assert "secret inside" not in text
    assert "secret inside" in caplog.text


def test_a_cursor_that_no_list_handed_out_is_refused_before_the_head(client: TestClient) -> None:
    assert client.get("/runs?cursor=x").status_code == 400
