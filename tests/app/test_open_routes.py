"""Every route is closed to a visitor without the token, unless it is listed open here as in app/security.py."""

import re
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from starlette.routing import Mount

from app.main import create_app
from app.security import OPEN_PATHS
from core.settings import Settings

OPEN = {("GET", "/healthz"), ("GET", "/login"), ("POST", "/login"), ("GET", "/static/tokens.css")}
app = create_app(Settings(data_dir=Path("never made"), token="a long and secret token"))  # type: ignore[arg-type]  # as text


def doors() -> list[tuple[str, str]]:
    """Method and path of every route, those of included routers too, with a number for each of its parameters."""
    found = [("GET", "/none"), ("GET", "/api/v1/none"), ("GET", "/healthz/"), ("GET", "/static/tokens.css")]
    for route in iter_route_contexts(app.routes):
        inner = route.original_route
        if isinstance(inner, Mount):
            assert route.path == "/static", "this test knows no other mount"
            continue
        assert route.path
        assert route.methods, f"{route.path} is no HTTP route: the guard does not stand before it"
        found += [(method, re.sub(r"{[^}]*}", "1", route.path)) for method in route.methods]
    return sorted(set(found))


@pytest.mark.parametrize(("method", "path"), doors())
def test_without_the_token_only_what_is_listed_answers(method: str, path: str) -> None:
    # No database is open: what comes as far as a route that needs one breaks loudly.
    client = TestClient(app, base_url="http://127.0.0.1:8000", follow_redirects=False)
    answer = client.request(method, path)
    person = client.request(method, path, headers={"Accept": "text/html"})
    if (method, path) in OPEN:
        assert answer.status_code == (401 if method == "POST" else 200)
        assert "www-authenticate" not in answer.headers
    else:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert person.status_code == 401 or person.headers["location"].startswith("/login?next=")


def test_the_enumeration_sees_routes_of_every_kind() -> None:
    assert {
        ("GET", "/"),
        ("GET", "/runs/1"),
        ("POST", "/api/v1/runs"),
        ("DELETE", "/api/v1/runs/1"),
        ("GET", "/api/v1/openapi.json"),
        ("GET", "/events"),
        ("GET", "/readyz"),
        *OPEN,
    } <= set(doors())
    assert OPEN_PATHS == ("/healthz", "/login", "/static/")
