"""Signing in by a link that works once, signing out, and what stands in the way of guessing."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.sign_in import CODE_SECONDS, MAX_GUESSES, SESSION_COOKIE, TokenCheck, TooManyGuesses, new_code, use_code
from core.settings import Settings

TOKEN = "a long and secret token"
USED = "This link has been used, or is too old."


@pytest.fixture
def guarded(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", token=TOKEN)  # type: ignore[arg-type]  # as text


@pytest.fixture
def visitor(guarded: Settings) -> Iterator[TestClient]:
    """A browser that has not signed in."""
    with TestClient(create_app(guarded), base_url="http://127.0.0.1:8000", follow_redirects=False) as opened:
        yield opened


def test_a_link_signs_in_by_its_button_once(visitor: TestClient, guarded: Settings) -> None:
    code = new_code(guarded.login_codes_dir)
    for _ in range(3):  # programs that look at links use nothing up
        page = visitor.get(f"/login?code={code}")
        assert page.status_code == 200
        assert f'name="code" value="{code}"' in page.text
        assert "set-cookie" not in page.headers
    signed_in = visitor.post("/login", data={"code": code, "next": "/"})
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")
    assert visitor.get("/api/v1/runs").status_code == 200
    assert visitor.get(f"/login?code={code}").headers["location"] == "/", "who is signed in needs no page for it"

    visitor.cookies.clear()
    for again in (visitor.get(f"/login?code={code}"), visitor.post("/login", data={"code": code})):
        assert again.status_code == 401
        assert USED in again.text
        assert 'name="token"' in again.text, "the other way in"
        assert "set-cookie" not in again.headers


def test_a_link_outlives_a_restart_and_others_do_not_disturb_it(visitor: TestClient, guarded: Settings) -> None:
    first, second = new_code(guarded.login_codes_dir), new_code(guarded.login_codes_dir)
    assert visitor.post("/login", data={"code": second}).status_code == 303
    with TestClient(create_app(guarded), base_url="http://127.0.0.1:8000", follow_redirects=False) as restarted:
        assert restarted.post("/login", data={"code": second}).status_code == 401
        assert restarted.post("/login", data={"code": first}).status_code == 303


@pytest.mark.parametrize("moved", [-CODE_SECONDS - 1, CODE_SECONDS + 60])
def test_a_link_that_is_too_old_is_refused_and_leaves_nothing(
    visitor: TestClient, guarded: Settings, moved: int
) -> None:
    code = new_code(guarded.login_codes_dir)
    (file,) = guarded.login_codes_dir.iterdir()
    os.utime(file, (time.time() + moved,) * 2)  # made then; in the future, where the clock was set back
    assert USED in visitor.get(f"/login?code={code}").text
    assert visitor.post("/login", data={"code": code}).status_code == 401
    assert not file.exists()


def test_a_link_that_nobody_used_is_swept_away_with_the_next(guarded: Settings) -> None:
    new_code(guarded.login_codes_dir)
    (file,) = guarded.login_codes_dir.iterdir()
    os.utime(file, (time.time() - CODE_SECONDS,) * 2)
    new_code(guarded.login_codes_dir)
    assert len(list(guarded.login_codes_dir.iterdir())) == 1
    assert not file.exists()


@pytest.mark.parametrize("code", ["guessed", "../token", ".", "\x00", "ü" * 1000])
def test_a_made_up_code_is_refused(visitor: TestClient, code: str) -> None:
    assert visitor.get("/login", params={"code": code}).status_code == 401
    assert visitor.post("/login", data={"code": code}).status_code == 401


def test_of_many_that_use_a_code_at_once_one_is_let_in(tmp_path: Path) -> None:
    for _ in range(20):
        code, start, let_in = new_code(tmp_path), threading.Barrier(4), list[bool]()

        def use(code: str, start: threading.Barrier, let_in: list[bool]) -> None:
            start.wait()
            let_in.append(use_code(tmp_path, code))

        users = [threading.Thread(target=use, args=(code, start, let_in)) for _ in range(4)]
        for user in users:
            user.start()
        for user in users:
            user.join()
        assert sorted(let_in) == [False, False, False, True]


def test_what_lies_in_the_data_folder_tells_no_code_and_is_closed_to_others(guarded: Settings) -> None:
    code = new_code(guarded.login_codes_dir)
    assert guarded.login_codes_dir.stat().st_mode & 0o777 == 0o700
    (file,) = guarded.login_codes_dir.iterdir()
    assert code not in file.name
    assert file.read_bytes() == b""


def test_signing_out_ends_the_session_of_this_browser(visitor: TestClient, client: TestClient) -> None:
    visitor.post("/login", data={"token": TOKEN})
    assert ">Sign out</button>" in visitor.get("/runs").text
    out = visitor.post("/logout")
    assert (out.status_code, out.headers["location"]) == (303, "/login")
    assert visitor.get("/runs").status_code == 401
    assert "Sign out" not in visitor.get("/login").text
    assert "Sign out" not in client.get("/runs").text, "a server without a token"


def test_after_many_wrong_tokens_none_is_looked_at_but_who_is_signed_in_stays_so(
    visitor: TestClient, guarded: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sign_in.monotonic", lambda: 600.0)
    right = {"Authorization": f"Bearer {TOKEN}"}
    for number in range(MAX_GUESSES // 2):
        assert visitor.get("/api/v1/runs", headers={"Authorization": f"Bearer wrong-{number}"}).status_code == 401
        assert visitor.post("/login", data={"token": f"wrong too {number}"}).status_code == 401
    refused = visitor.get("/api/v1/runs", headers=right)
    assert refused.status_code == 429
    assert refused.json()["detail"] == "Too many wrong tokens were shown; wait a minute."
    form = visitor.post("/login", data={"token": TOKEN})
    assert form.status_code == 429
    assert "Too many wrong tokens" in form.text

    assert visitor.post("/login", data={"code": new_code(guarded.login_codes_dir)}).status_code == 303
    assert visitor.get("/api/v1/runs").status_code == 200, "by its cookie"
    visitor.cookies.clear()
    monkeypatch.setattr("app.sign_in.monotonic", lambda: 660.0)
    assert visitor.get("/api/v1/runs", headers=right).status_code == 200


def test_a_program_with_an_outdated_token_locks_nobody_out() -> None:
    check = TokenCheck(TOKEN)
    assert not any(check.is_token("the token of yesterday") for _ in range(10 * MAX_GUESSES))
    assert check.is_token(TOKEN)
    with pytest.raises(TooManyGuesses):
        [check.is_token(f"guess {number}") for number in range(MAX_GUESSES + 1)]


def test_no_page_or_refusal_shows_the_token(visitor: TestClient) -> None:
    """Neither what a signed-in browser is shown, nor what comes back when it is sent to the wrong place."""
    wrong_places = [
        visitor.post("/login", data={"token": "x" * 990 + TOKEN}),  # too long
        visitor.post("/login", data={"next": TOKEN, "token": "wrong"}),
        visitor.get("/runs", headers={"Authorization": TOKEN}),
    ]
    visitor.post("/login", data={"token": TOKEN})
    session = visitor.cookies[SESSION_COOKIE]
    run = visitor.post("/api/v1/runs", json={"architecture": {"name": "lenet5"}, "dataset": "digits"}).json()["id"]
    pages = ("/runs", "/runs/new", f"/runs/{run}", "/runs/999", "/login?next=//x", "/api/v1/openapi.json", "/readyz")
    answers = [visitor.get(page) for page in pages]
    assert "$TRAINYARD_TOKEN" in answers[1].text
    for answer in answers + wrong_places:
        assert TOKEN not in answer.text
        assert session not in answer.text
