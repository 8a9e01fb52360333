"""The guard: who may ask, from where, how much, and what the browser is told to allow."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.security import MAX_BODY_BYTES, own_path
from app.sign_in import SESSION_COOKIE
from core.settings import Settings

ADDRESS = "http://127.0.0.1:8000"
TOKEN = "a long and secret token"
RUN = {"architecture": {"name": "lenet5"}, "dataset": "digits"}


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[TestClient]:
    """A client of a server that asks for a token and may be reached by one more name."""
    settings = Settings(data_dir=tmp_path / "data", token=TOKEN, allowed_hosts="lab.example,other.example:8443")  # type: ignore[arg-type]  # as texts, from the environment
    with TestClient(create_app(settings), base_url=ADDRESS, follow_redirects=False) as running:
        yield running


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:9", "[::1]:8000"])
def test_this_machine_s_own_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/v1/queue", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost@evil.example", "", "[::1", "10.1.2.3"],
)
def test_any_other_name_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/api/v1/queue", headers={"Host": host})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("host", "status"),
    [("lab.example", 200), ("lab.example:81", 200), ("other.example:8443", 200), ("other.example", 400)],
)
def test_a_name_that_the_settings_allow_is_answered(guarded: TestClient, host: str, status: int) -> None:
    assert guarded.get("/healthz", headers={"Host": host}).status_code == status


def test_the_address_that_the_connection_came_in_at_is_answered(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", host="0.0.0.0", token=TOKEN)  # type: ignore[arg-type]  # as text
    with TestClient(create_app(settings), base_url="http://192.168.1.7:8000") as lan:
        assert lan.get("/healthz").status_code == 200
        assert lan.get("/healthz", headers={"Host": "192.168.1.8:8000"}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Origin": "http://[broken"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": ADDRESS, "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_what_another_site_sends_changes_nothing(client: TestClient, headers: dict[str, str]) -> None:
    for path in ("/api/v1/queue/pause", "/queue/pause", "/login"):
        assert client.post(path, headers=headers).status_code == 403
    assert client.patch("/api/v1/runs/1", json={}, headers=headers).status_code == 403
    assert client.delete("/api/v1/runs/1", headers=headers).status_code == 403
    assert client.get("/api/v1/queue").json()["paused"] is False


@pytest.mark.parametrize("headers", [{}, {"Origin": ADDRESS}, {"Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}])
def test_own_pages_and_programs_may_change_things(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/v1/queue/pause", headers=headers).json()["paused"] is True


@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/none", "/healthz", "/static/live.js", "/static/none.js"])
def test_every_answer_tells_the_browser_what_it_may_do(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self' 'unsafe-inline'"
    assert policy["img-src"] == "'self' data: blob:"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


def chunks(count: int) -> Iterator[bytes]:
    yield b'{"name": "'
    for _ in range(count):
        yield b"x" * 1024
    yield b'"}'


def test_a_body_that_is_too_large_is_refused_also_when_it_does_not_say_so(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    said = client.post("/api/v1/runs", content=b"x" * (MAX_BODY_BYTES + 1), headers=headers)
    unsaid = client.post("/api/v1/runs", content=chunks(MAX_BODY_BYTES // 1024), headers=headers)
    lied = client.post("/api/v1/runs", content=b"{}", headers=headers | {"Content-Length": "-1"})
    assert (said.status_code, unsaid.status_code, lied.status_code) == (413, 413, 413)
    fits = client.post("/api/v1/runs", content=chunks(MAX_BODY_BYTES // 1024 - 1), headers=headers)
    assert fits.status_code == 422


@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/openapi.json", "/api/v1/events", "/events", "/readyz", "/"])
def test_without_the_token_nothing_is_told(guarded: TestClient, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        answer = guarded.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert guarded.get(path, headers={"Cookie": f"{SESSION_COOKIE}={TOKEN}"}).status_code == 401


def test_with_the_token_a_program_may_do_everything(guarded: TestClient) -> None:
    allowed = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.post("/api/v1/runs", json=RUN).status_code == 401
    assert guarded.post("/api/v1/runs", json=RUN, headers=allowed).status_code == 201
    assert guarded.get("/healthz").status_code == 200


def test_a_person_signs_in_by_the_form_and_comes_back_to_where_they_were(guarded: TestClient) -> None:
    page = {"Accept": "text/html,*/*"}
    asked = guarded.get("/runs?q=a b&state=failed", headers=page)
    assert asked.status_code == 303
    form = guarded.get(asked.headers["location"], headers=page)
    assert form.status_code == 200
    assert 'name="next" value="/runs?q=a%20b&amp;state=failed"' in form.text

    wrong = guarded.post("/login", data={"token": "wrong", "next": "/runs"})
    assert wrong.status_code == 401
    assert "That is not this server" in wrong.text
    assert not wrong.headers.get("set-cookie")

    right = guarded.post("/login", data={"token": TOKEN, "next": "/runs?q=a"})
    assert (right.status_code, right.headers["location"]) == (303, "/runs?q=a")
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert TOKEN not in cookie
    assert guarded.get("/api/v1/runs").status_code == 200, "the client holds the cookie"


def test_part_of_a_page_leads_the_whole_page_to_the_form(guarded: TestClient) -> None:
    answer = guarded.get("/runs/table", headers={"HX-Request": "true", "Accept": "text/html"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login")


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", ""])
def test_signing_in_leads_to_no_other_site(guarded: TestClient, path: str) -> None:
    assert own_path(path) is None
    assert guarded.post("/login", data={"token": TOKEN, "next": path}).headers["location"] == "/"
