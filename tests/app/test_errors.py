"""Whatever a client sends, it is told what is wrong with it; our own faults are problems, not tracebacks."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from app.main import create_app
from core.settings import Settings

RUN = {"architecture": {"name": "lenet5"}, "dataset": "digits"}
JSON = {"Content-Type": "application/json"}
SURROGATE = "\\ud800"  # as JSON text: half a character, which no encoding can write


@pytest.mark.parametrize("run_id", ["99", "0", "-1", "1e3", "x", str(2**63 - 1), str(2**63), "9" * 5000, "%00", "%FF"])
@pytest.mark.parametrize("door", ["/api/v1", ""])
def test_a_run_that_is_not_there_is_not_found(client: TestClient, door: str, run_id: str) -> None:
    answer = client.get(f"{door}/runs/{run_id}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json" if door else "text/html")


def test_a_problem_has_the_members_of_rfc_9457(client: TestClient) -> None:
    told = client.get("/api/v1/runs/99").json()
    assert told["status"] == 404
    assert told["title"] == "Not Found"
    assert told["detail"] == "There is no run 99."
    assert told["type"] == "about:blank"


def test_every_refused_field_is_named_with_its_reason(client: TestClient) -> None:
    bad = {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 0, "batch_size": "many", "colour": "red"}
    answer = client.post("/api/v1/runs", json=bad)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"epochs", "batch_size", "colour"}
    assert all(error["reason"] for error in answer.json()["errors"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dataset": "cifar"}, "dataset"),
        ({"optimizer": {}}, "optimizer"),
        ({"schedule": [[]]}, "schedule"),
        ({"architecture": {"name": "vgg"}}, "architecture.name"),
        ({"architecture": {"name": "lenet5", "parameters": {"pool": "min"}}}, "architecture.parameters.pool"),
        ({"selection": "best_val"}, "selection"),
        ({"early_stopping_patience": 2}, "early_stopping_patience"),
        ({"validation": 1437}, "validation"),
        ({"validation": "some"}, "validation"),
        ({"seed": 2**64}, "seed"),
    ],
)
def test_what_cannot_be_trained_is_refused_at_its_field(
    client: TestClient, change: dict[str, object], field: str
) -> None:
    answer = client.post("/api/v1/runs", json=RUN | change)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"text"',
        b"[" * 100_000,
        b'{"epochs": NaN}',
        b'{"learning_rate": Infinity, "architecture": {"name": "lenet5"}, "dataset": "digits"}',
        b'{"seed": 1' + b"0" * 5000 + b', "architecture": {"name": "lenet5"}, "dataset": "digits"}',
        f'{{"name": "{SURROGATE}", "architecture": {{"name": "lenet5"}}, "dataset": "digits"}}'.encode(),
        f'{{"{SURROGATE}": 1, "architecture": {{"name": "lenet5"}}, "dataset": "digits"}}'.encode(),
        f'{{"architecture": {{"name": "{SURROGATE}"}}, "dataset": "digits"}}'.encode(),
        f'{{"architecture": {{"name": "lenet5", "parameters": {{"{SURROGATE}": 1}}}}, "dataset": "digits"}}'.encode(),
        f'{{"architecture": {{"name": "lenet5", "parameters": {{"pool": ["{SURROGATE}"]}}}}}}'.encode(),
        f'{{"architecture": {{"name": "lenet5"}}, "dataset": "{SURROGATE}"}}'.encode(),
        b'{"name": "a\\u0000b", "architecture": {"name": "lenet5"}, "dataset": "digits"}',
        b'{"name": "two\\nlines", "architecture": {"name": "lenet5"}, "dataset": "digits"}',
    ],
)
def test_a_body_that_cannot_be_meant_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/v1/runs", content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    assert json.loads(answer.content)["status"] == answer.status_code
    assert client.get("/api/v1/runs").json()["num_matching"] == 0


@pytest.mark.parametrize("value", ["a%00b", "%FF%FE", "%ED%A0%80", "%25%5F'%22;--", "x" * 121])
@pytest.mark.parametrize("name", ["q", "architecture", "dataset", "state", "sort", "cursor", "limit"])
def test_no_query_is_our_fault(client: TestClient, name: str, value: str) -> None:
    assert client.get(f"/api/v1/runs?{name}={value}").status_code in (200, 400, 422)


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WyJpZCIsIHRydWUsIDEsIDFlOTldCg", "é", "=" * 9, "W1tbW1s"])
def test_a_cursor_that_no_list_handed_out_is_refused(client: TestClient, cursor: str) -> None:
    assert client.get("/api/v1/runs", params={"cursor": cursor}).status_code == 400


def test_a_page_that_is_not_there_says_so_to_a_person(client: TestClient) -> None:
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "Not Found" in answer.text


def test_what_a_person_typed_is_escaped(client: TestClient) -> None:
    created = client.post("/api/v1/runs", json=RUN | {"name": "<script>alert(1)</script>"}).json()
    for path in ("/runs", f"/runs/{created['id']}"):
        page = client.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert" in page.text


def fail() -> None:
    raise RuntimeError("secret inside")


@pytest.fixture
def failing_client(settings: Settings) -> Iterator[TestClient]:
    """Answered as in the wild: an unexpected exception does not pass through the server. Two routes raise one."""
    app = create_app(settings)
    app.add_api_route("/api/v1/failing", fail)
    app.add_api_route("/failing", fail)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as running:
        yield running


@pytest.mark.parametrize(
    ("reason", "status"),
    [("database is locked", 503), ("database or disk is full", 507), ("disk I/O error", 500)],
)
def test_trouble_with_the_database_has_its_own_answer(
    failing_client: TestClient, monkeypatch: pytest.MonkeyPatch, reason: str, status: int
) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception(reason))

    monkeypatch.setattr("core.idempotency.enqueue", refuse)
    answer = failing_client.post("/api/v1/runs", json=RUN)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize("path", ["/api/v1/failing", "/failing"])
def test_our_own_fault_tells_no_secrets_and_keeps_the_headers(failing_client: TestClient, path: str) -> None:
    answer = failing_client.get(path)
    assert answer.status_code == 500
    assert "the server's log" in answer.text.replace("&#39;", "'")
    assert "secret inside" not in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_a_database_larger_than_its_disk_is_told_and_goes_on_when_there_is_room(client: TestClient) -> None:
    database = client.app.state.database  # type: ignore[attr-defined]

    def limit(pages: int) -> None:
        with database.writing() as session:  # its one writing connection
            session.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    limit(1)  # SQLite takes the size it has
    answers = [client.post("/api/v1/runs", json=RUN).status_code for _ in range(60)]
    assert set(answers) == {201, 507}
    assert answers == sorted(answers)
    assert client.get("/api/v1/runs").json()["num_matching"] == answers.count(201)
    assert "The disk is full" in client.post("/api/v1/runs", json=RUN).json()["detail"]
    limit(10**6)
    assert client.post("/api/v1/runs", json=RUN).status_code == 201
