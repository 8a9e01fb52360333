"""The ticked runs of the Runs page: changed together by a form, told in words, found by tag and experiment."""

import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlalchemy import event as sqlalchemy_event

from core import queue
from core.bulk import MAX_RUNS, change_runs
from core.database import Database
from core.experiment_plan import plan_experiment
from core.experiments import launch_experiment
from core.run_state import RunState
from core.runs import RunFilter, list_runs, queue_positions, run_by_id
from core.tags import tag_run, tags_of_runs
from tests.app.trained_runs import BASE, complete, launch, started

HTMX = {"HX-Request": "true"}


def post(client: TestClient, **fields: Any) -> str:
    """What the page says of it, as htmx shows it."""
    answer = client.post("/runs/bulk", data=fields, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer.text


def words(page: str) -> str:
    said = re.search(r"<p>(.*?)</p>", page)
    assert said
    return said[1]


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of a form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([\d,]+)">', page))


def tagged(database: Database, run_id: int, *tags: str) -> None:
    with database.writing() as session:
        for tag in tags:
            tag_run(session, run_id, tag)


def test_what_became_of_it_is_said_in_words(client: TestClient, database: Database) -> None:
    completed = started(database).run_id
    with database.writing() as session:
        run_by_id(session, completed).held_at = None
    running, queued = completed, [launch(database) for _ in range(2)]
    assert words(post(client, action="cancel", ids=[running, *queued])) == "2 cancelled, 1 asked to stop."
    assert words(post(client, action="hold", ids=[*queued, 404])) == "3 could not: 2 are cancelled, 1 is gone."
    assert words(post(client, action="delete", ids=[running])) == "1 could not: it is running."
    assert words(post(client, action="requeue", ids=queued)) == "2 added to the queue again."
    assert words(post(client, action="requeue", ids=queued)) == "2 could not: they are queued."
    assert words(post(client, action="tag", ids=queued, tag=" <b>Try</b> ")) == "2 tagged “&lt;b&gt;Try&lt;/b&gt;”."
    assert words(post(client, action="untag", ids=queued, tag="<b>try</b>")).startswith("2 no longer tagged")
    tagged(database, queued[0], *(f"tag {number}" for number in range(20)))
    assert words(post(client, action="tag", ids=queued[:1], tag="x")) == "1 could not: it has 20 tags already."


def test_a_deletion_is_undone_from_its_notice(client: TestClient, database: Database) -> None:
    lease = started(database)
    complete(database, lease)
    waiting, held = launch(database), launch(database)
    with database.writing() as session:
        queue.hold(session, held, held=True)
    said = post(client, action="delete", ids=[lease.run_id, waiting, held])
    assert words(said) == "3 deleted."
    assert f'data-gone="{lease.run_id} {waiting} {held}"' in said
    assert words(post(client, action="restore", **fields_of(said))) == "3 restored."
    with database.reading() as session:
        assert list(queue_positions(session)) == [waiting]
        assert run_by_id(session, held).held_at is not None
        assert run_by_id(session, lease.run_id).state is RunState.COMPLETED


def test_without_scripts_the_form_leads_back_or_says_what_could_not_be(client: TestClient, database: Database) -> None:
    lease = started(database)
    complete(database, lease)
    queued = launch(database)
    form = {"ids": [lease.run_id, queued], "next": "/runs?sort=name"}
    done = client.post("/runs/bulk", data=form | {"action": "tag", "tag": "keep"})
    assert (done.status_code, done.headers["location"]) == (303, "/runs?sort=name")
    refused = client.post("/runs/bulk", data=form | {"action": "cancel"})
    assert refused.status_code == 409
    assert "1 cancelled, 1 could not: it is completed." in refused.text
    with database.reading() as session:
        assert run_by_id(session, queued).state is RunState.CANCELLED
    elsewhere = client.post("/runs/bulk", data=form | {"action": "delete", "next": "//evil.example"})
    assert elsewhere.headers["location"] == "/runs"
    compared = client.post("/runs/bulk", data=form | {"action": "compare"})
    assert compared.headers["location"] == f"/compare?runs={lease.run_id},{queued}"


@pytest.mark.parametrize(
    "form", [{"action": "delete"}, {"action": "explode", "ids": [1]}, {"action": "tag", "ids": [1], "tag": ","}]
)
def test_what_makes_no_sense_is_refused(client: TestClient, database: Database, form: dict[str, Any]) -> None:
    launch(database)
    assert client.post("/runs/bulk", data=form).status_code == 422


def test_all_runs_that_a_view_matches_can_be_had_with_their_states(client: TestClient, database: Database) -> None:
    held, other, queued = launch(database), launch(database), launch(database)
    tagged(database, held, "keep")
    tagged(database, queued, "keep")
    with database.writing() as session:
        queue.hold(session, held, held=True)
    assert client.get("/runs/ids?tag=keep").json() == {str(queued): "queued", str(held): "held"}
    assert str(other) in client.get("/runs/ids").json()


def test_a_thousand_ids_fit_in_a_form(client: TestClient, database: Database) -> None:
    run_id = launch(database)
    gone = range(10**15, 10**15 + MAX_RUNS - 1)
    said = post(client, action="tag", tag="many", ids=",".join(map(str, (run_id, *gone))))
    assert words(said) == f"1 tagged “many”, {MAX_RUNS - 1} could not: they are gone."


def test_rows_show_tags_and_experiment_and_are_filtered_by_them(client: TestClient, database: Database) -> None:
    plain, both = launch(database, name="plain"), launch(database, name="both")
    page = client.get("/runs").text
    assert re.search(r'<div class="field" hidden><label class="visually-hidden" for="tag">', page)
    tagged(database, both, "<i>wide</i>", "keep")
    with database.writing() as session:
        experiment = launch_experiment(session, plan_experiment(name="Which <b>", base=BASE, grid={}, seeds=2)).id
    page = client.get("/runs").text
    assert page.count(f'href="/experiments/{experiment}"') == 2
    assert "<bdi>&lt;i&gt;wide&lt;/i&gt;</bdi>" in page
    assert 'href="/runs?tag=keep"' in page
    assert f'<option value="{experiment}">Which &lt;b&gt;</option>' in page
    assert "<i>wide" not in page
    for query, ids in {
        "tag=keep": {both},
        f"experiment={experiment}": {3, 4},
        "tag=&experiment=": {plain, both, 3, 4},
    }.items():
        found = client.get(f"/runs?{query}").text
        assert {int(run) for run in re.findall(r'<tr data-run="(\d+)"', found)} == ids, query
    assert '<option value="keep" selected>' in client.get("/runs?tag=keep").text
    assert client.get("/runs?experiment=nonsense").status_code == 422


def test_a_page_of_runs_takes_a_handful_of_queries_however_many_rows(client: TestClient, database: Database) -> None:
    with database.writing() as session:
        launch_experiment(session, plan_experiment(name="seeds", base=BASE, grid={}, seeds=50))
        change_runs(session, "tag", range(1, 51), "keep")
    statements: list[str] = []

    def note(*told: Any) -> None:
        statements.append(told[2])

    sqlalchemy_event.listen(Engine, "before_cursor_execute", note)
    try:
        assert client.get("/runs/table").text.count("data-run=") == 50
    finally:
        sqlalchemy_event.remove(Engine, "before_cursor_execute", note)
    reads = [statement for statement in statements if statement.startswith("SELECT")]
    assert len(reads) <= 18, reads  # 16, and what the server reads by itself meanwhile


def test_the_filters_that_the_page_fetches_again_are_those_it_shows(client: TestClient, database: Database) -> None:
    tagged(database, launch(database), "keep")
    table = client.get("/runs/table?tag=keep").text
    found = re.search(r'data-choices="(.*?)"', table)
    assert found
    assert json.loads(found[1].replace("&#34;", '"')) == {"experiment": [], "tag": [["keep", "keep"]]}
    assert 'data-ids-url="/runs/ids?tag=keep"' in table
    with database.reading() as session:
        assert tags_of_runs(session, [1]) == {1: ["keep"]}
        assert list_runs(session, RunFilter(tags=("keep",))).num_matching == 1
