"""What a user does to a run through the page's plain forms: each leads back, and only where it is legal."""

import re

import pytest
from fastapi.testclient import TestClient

from core import queue_order
from core.database import Database
from core.run_state import RunState
from core.runs import run_by_id
from core.tables import Run
from tests.app.trained_runs import complete, fail, launch, record_epochs, started

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "runs",
    "/runs\r\nX: 1",
]


def run_of(database: Database, run_id: int) -> Run:
    with database.reading() as session:
        return run_by_id(session, run_id)


def post(client: TestClient, run_id: int, action: str, **fields: str) -> str:
    """Where the browser is sent."""
    answer = client.post(f"/runs/{run_id}/{action}", data=fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_a_queued_run_is_cancelled_at_once_and_requeued_again(client: TestClient, database: Database) -> None:
    run_id = launch(database)
    assert post(client, run_id, "cancel") == f"/runs/{run_id}"
    assert run_of(database, run_id).state is RunState.CANCELLED
    post(client, run_id, "requeue")
    assert run_of(database, run_id).state is RunState.QUEUED


def test_a_running_run_is_asked_to_stop(client: TestClient, database: Database) -> None:
    lease = started(database)
    post(client, lease.run_id, "cancel")
    run = run_of(database, lease.run_id)
    assert run.state is RunState.RUNNING
    assert run.cancel_requested_at is not None


def test_a_run_is_held_and_released(client: TestClient, database: Database) -> None:
    run_id = launch(database)
    post(client, run_id, "hold")
    assert run_of(database, run_id).held_at is not None
    post(client, run_id, "release")
    assert run_of(database, run_id).held_at is None


def test_a_run_moves_to_the_front(client: TestClient, database: Database) -> None:
    first, second = launch(database), launch(database, seed=1)
    post(client, second, "front")
    with database.reading() as session:
        assert list(session.exec(queue_order.next_in_line())) == [second, first]


def test_a_run_is_renamed(client: TestClient, database: Database) -> None:
    run_id = launch(database, name="before")
    post(client, run_id, "rename", name="  after  ")
    assert run_of(database, run_id).name == "after"


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 121])
def test_a_name_that_a_launch_would_refuse_is_refused(client: TestClient, database: Database, name: str) -> None:
    run_id = launch(database, name="before")
    assert client.post(f"/runs/{run_id}/rename", data={"name": name}).status_code == 422
    assert run_of(database, run_id).name == "before"


def test_launch_again_makes_a_new_run_with_the_same_config(client: TestClient, database: Database) -> None:
    lease = started(database, learning_rate=0.5, name="twice")
    complete(database, lease)
    location = post(client, lease.run_id, "again")
    again = run_of(database, int(location.rsplit("/", 1)[1]))
    assert again.id != lease.run_id
    assert again.state is RunState.QUEUED
    assert again.config == run_of(database, lease.run_id).config


def launch_key_of(page: str) -> str:
    found = re.search(r'name="launch_key" value="([^"]+)"', page)
    assert found
    return found[1]


def test_launch_again_pressed_twice_on_one_page_is_one_run(client: TestClient, database: Database) -> None:
    run_id = launch(database)
    page = client.get(f"/runs/{run_id}").text
    key = launch_key_of(page)
    fetched_again = re.search(r'hx-get="(/runs/\d+/header[^"]+)"', page)
    assert fetched_again
    assert launch_key_of(client.get(fetched_again[1]).text) == key, "also after the head was fetched again"
    first = post(client, run_id, "again", launch_key=key)
    assert post(client, run_id, "again", launch_key=key) == first != f"/runs/{run_id}"
    assert post(client, run_id, "again", launch_key=key, dataset="mnist") != first, "which is another launch"
    assert post(client, run_id, "again", launch_key=launch_key_of(client.get(f"/runs/{run_id}").text)) != first
    assert post(client, run_id, "again") != post(client, run_id, "again"), "without a page each is its own"


def test_notes_are_shown_as_text_with_their_lines(client: TestClient, database: Database) -> None:
    run_id = launch(database)
    assert post(client, run_id, "notes", notes="first <b>\r\nsecond\r\n") == f"/runs/{run_id}"
    page = client.get(f"/runs/{run_id}").text
    assert re.search(r'<p class="notes"[^>]*>first &lt;b&gt;\nsecond</p>', page)
    assert ">\nfirst &lt;b&gt;\nsecond</textarea>" in page
    assert "notes changed" in page
    assert client.post(f"/runs/{run_id}/notes", data={"notes": "x" * 10_001}).status_code == 422
    post(client, run_id, "notes", notes="")
    assert 'class="notes"' not in client.get(f"/runs/{run_id}/labels").text


def test_a_tag_is_added_and_taken_away_on_the_page(client: TestClient, database: Database) -> None:
    run_id = launch(database)
    post(client, run_id, "tag", tag="wide & <b>")
    labels = client.get(f"/runs/{run_id}/labels").text
    assert 'href="/runs?tag=wide%20%26%20%3Cb%3E"' in labels
    assert "<bdi>wide &amp; &lt;b&gt;</bdi>" in labels
    assert client.post(f"/runs/{run_id}/tag", data={"tag": "a,b"}).status_code == 422
    post(client, run_id, "untag", tag="wide & <b>")
    assert client.get(f"/runs/{run_id}/labels").text.strip() == ""
    assert "taken away" in client.get(f"/runs/{run_id}/journal").text


def test_launch_again_keeps_a_name_that_was_given_since(client: TestClient, database: Database) -> None:
    run_id = launch(database, name="before")
    post(client, run_id, "rename", name="after")
    location = post(client, run_id, "again")
    assert run_of(database, int(location.rsplit("/", 1)[1])).name == "after"


def test_the_same_run_on_the_suggested_dataset(client: TestClient, database: Database) -> None:
    lease = started(database, dataset="mnist", learning_rate=0.5)
    fail(database, lease, "MNIST cannot be reached.", "Train on digits.", "digits")
    location = post(client, lease.run_id, "again", dataset="digits")
    again = run_of(database, int(location.rsplit("/", 1)[1]))
    assert again.config == run_of(database, lease.run_id).config | {"dataset": "digits"}
    assert again.name == "lenet5 on digits, seed 0"


def test_a_dataset_that_the_config_does_not_fit_is_refused(client: TestClient, database: Database) -> None:
    run_id = launch(database, dataset="mnist", validation=5000)
    assert client.post(f"/runs/{run_id}/again", data={"dataset": "digits"}).status_code == 422
    assert client.post(f"/runs/{run_id}/again", data={"dataset": "nonsense"}).status_code == 422


def test_a_deleted_run_keeps_its_page_which_gives_it_back(client: TestClient, database: Database) -> None:
    lease = started(database)
    record_epochs(database, lease, 1)
    complete(database, lease)
    assert post(client, lease.run_id, "delete") == f"/runs?deleted={lease.run_id}"
    page = client.get(f"/runs/{lease.run_id}").text
    assert "It is in the bin" in page
    assert 'id="act-again"' not in page
    assert post(client, lease.run_id, "restore") == f"/runs/{lease.run_id}"
    page = client.get(f"/runs/{lease.run_id}").text
    assert "It is in the bin" not in page
    assert 'id="act-again"' in page


def test_a_run_that_was_deleted_on_its_page_is_undone_in_the_list_and_waits_held_as_before(
    client: TestClient, database: Database
) -> None:
    run_id = launch(database)
    post(client, run_id, "hold")
    led_to = post(client, run_id, "delete")
    said = client.get(led_to).text
    assert "1 deleted." in said
    fields = dict(re.findall(r'name="(ids|waited|held)" value="([0-9,]+)"', said))
    assert fields == {"ids": f"{run_id}", "waited": f"{run_id}", "held": f"{run_id}"}
    assert client.post("/runs/bulk", data=fields | {"action": "restore"}).status_code == 303
    with database.reading() as session:
        run = run_by_id(session, run_id)
    assert (run.state, run.deleted_at) == (RunState.QUEUED, None)
    assert run.held_at is not None
    for nothing in (led_to, "/runs?deleted=404", "/runs?deleted=x", "/runs?deleted=99999999999999999999"):
        assert "1 deleted." not in client.get(nothing).text


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (RunState.QUEUED, "requeue"),
        *((RunState.RUNNING, action) for action in ("requeue", "front", "delete")),
        *((RunState.COMPLETED, action) for action in ("cancel", "requeue", "hold", "release", "front")),
    ],
)
def test_what_is_illegal_in_a_state_is_refused_and_changes_nothing(
    client: TestClient, database: Database, state: RunState, action: str
) -> None:
    lease = None if state is RunState.QUEUED else started(database)
    if state is RunState.COMPLETED and lease is not None:
        complete(database, lease)
    run_id = launch(database) if lease is None else lease.run_id
    before = run_of(database, run_id).model_dump()
    assert client.post(f"/runs/{run_id}/{action}").status_code == 409
    assert run_of(database, run_id).model_dump() == before


def test_a_form_leads_back_to_where_it_came_from(client: TestClient, database: Database) -> None:
    assert post(client, launch(database), "hold", next="/runs?state=queued&sort=-id") == "/runs?state=queued&sort=-id"
    assert post(client, launch(database), "delete", next="/runs?state=queued") == "/runs?state=queued"


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_a_form_never_leads_to_another_host(client: TestClient, database: Database, elsewhere: str) -> None:
    run_id = launch(database)
    assert post(client, run_id, "hold", next=elsewhere) == f"/runs/{run_id}"
    assert post(client, run_id, "delete", next=elsewhere) == f"/runs?deleted={run_id}&waited=1&held=1"


@pytest.mark.parametrize(
    "action", ["cancel", "requeue", "hold", "release", "front", "again", "delete", "restore", "notes"]
)
def test_a_run_that_does_not_exist_is_not_found(client: TestClient, action: str) -> None:
    assert client.post(f"/runs/999/{action}").status_code == 404
