"""The Runs page over a real database: what it shows of runs, queue and workers, and how its URL is its view."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from core import metrics, queue, workers
from core.database import Database
from core.lease import Lease
from core.records import EpochFigures
from core.run_config import parse_run_config, resolve_run
from core.settings import Settings
from core.tables import Run
from tests.app.trained_runs import trained
from tests.conftest import ADDRESS

HOSTILE = """<script>alert(1)</script>"'&{{7*7}}"""


class Page(HTMLParser):
    """Text and attributes as a browser takes them: rows by run id, links and hidden fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tags, self.ids = "", list[str](), set[str]()
        self.rows: dict[int, str] = {}
        self.attributes: list[dict[str, str]] = []
        self._run: int | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes.append(values)
        self.ids |= {values["id"]} if "id" in values else set()
        if tag == "tr":
            self._run = int(values["data-run"]) if "data-run" in values else None
            if self._run is not None:
                self.rows[self._run] = ""

    def handle_endtag(self, tag: str) -> None:
        self._run = None if tag == "tr" else self._run

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._run is not None:
            self.rows[self._run] = " ".join(f"{self.rows[self._run]} {data}".split())

    def attribute_of(self, element_id: str, name: str) -> str:
        return next(values[name] for values in self.attributes if values.get("id") == element_id)


def _launch(database: Database, **differences: Any) -> int:
    config = {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 4} | differences
    with database.writing() as session:
        run = queue.enqueue(session, resolve_run(parse_run_config(config)))
    assert run.id is not None
    return run.id


def _claim(database: Database) -> Lease:
    """The first in line, taken by a worker with one slot."""
    with database.writing() as session:
        live = workers.live_workers(session)
        worker = live[0].id if live else workers.join(session, host="bench", process_id=1, slots=1, threads=1)
        assert worker is not None
        run = queue.claim_oldest(session, worker)
        assert run is not None
        assert run.id is not None
    return Lease(run.id, worker, run.attempt)


def _train(database: Database, lease: Lease, *accuracies: float) -> None:
    for epoch, accuracy in enumerate(accuracies, start=1):
        figures = EpochFigures(
            epoch=epoch, train_loss=0.5, train_accuracy=accuracy, val_loss=None, val_accuracy=None, test_loss=0.5,
            test_accuracy=accuracy, learning_rate=0.01, train_seconds=8.0, evaluation_seconds=1.5,
            checkpoint_seconds=0.5, images_per_second=1000.0, peak_memory_bytes=1,
        )  # fmt: skip
        with database.writing() as session:
            metrics.record_epoch(session, lease, figures, [], selected=True)


def _completed(database: Database, *accuracies: float, **differences: Any) -> int:
    run_id = _launch(database, epochs=len(accuracies), **differences)
    lease = _claim(database)
    assert lease.run_id == run_id
    _train(database, lease, *accuracies)
    with database.writing() as session:
        queue.complete(session, lease)
    return run_id


def _page(client: TestClient, query: str = "") -> Page:
    answer = client.get(f"/runs{query}")
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def test_the_first_address_leads_to_the_runs(client: TestClient) -> None:
    assert client.get("/").headers["location"] == "/runs"


def test_an_empty_list_says_what_to_do_first_and_its_button_launches_it(client: TestClient, database: Database) -> None:
    page = _page(client)
    assert "Train your first network" in page.text
    fields = {values["name"]: values["value"] for values in page.attributes if values.get("type") == "hidden"}
    assert fields["architecture"] == "lenet5"
    answer = client.post("/runs", data={name: fields[name] for name in ("architecture", "dataset")})
    assert answer.status_code == 303
    assert next(iter(_page(client).rows.values())).startswith("queued lenet5 on digits, seed 0 LeNet-5 Digits")


def test_without_a_worker_the_page_says_how_to_start_one(client: TestClient, database: Database) -> None:
    run_id = _launch(database)
    page = _page(client)
    assert "No worker is running" in page.text
    assert "trainyard work" in page.text
    assert "first in the queue, waits for a worker" in page.rows[run_id]
    _claim(database)
    assert "No worker is running" not in _page(client).text


def test_a_waiting_run_tells_its_place_and_when_it_starts(client: TestClient, database: Database) -> None:
    _completed(database, 0.9, 0.95)  # 10 s an epoch
    running, second, held = _launch(database), _launch(database), _launch(database)
    _train(database, _claim(database), 0.9)
    last = _launch(database)
    with database.writing() as session:
        queue.hold(session, held, held=True)
    rows = _page(client).rows
    assert "starting" in rows[running]
    assert "first in the queue, starts in about 30 s" in rows[second]
    assert "held until you release it" in rows[held]
    assert "second in the queue, starts in about 1 min" in rows[last]


def test_a_paused_queue_is_told_and_resumed_where_one_was(client: TestClient, database: Database) -> None:
    run_id = _launch(database)
    _claim(database)
    waiting = _launch(database)
    answer = client.post("/queue/pause", data={"view": "?sort=name"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?sort=name")
    page = _page(client)
    assert "The queue is paused" in page.text
    assert "first in the queue, which is paused" in page.rows[waiting]
    assert run_id in page.rows
    assert client.post("/queue/resume", data={"view": "//elsewhere.example/"}).headers["location"] == "/runs"
    assert "The queue is paused" not in _page(client).text


def test_a_queue_is_paused_with_its_running_runs_and_says_what_is_lost(client: TestClient, database: Database) -> None:
    run_id = _launch(database)
    lease = _claim(database)
    assert "Its epoch under way is lost" in _page(client).text
    client.post("/queue/pause")
    assert 'id="pause-all-too"' in client.get("/runs").text
    client.post("/queue/pause", data={"with_running": "true"})
    assert "paused with its running runs. They stop at their next report." in _page(client).text
    assert 'id="pause-all-too"' not in client.get("/runs").text
    assert "goes back to the front at its next report" in client.get(f"/runs/{run_id}").text
    with database.writing() as session:
        queue.hand_back(session, lease)
    page = _page(client)
    assert "Nothing trains. What was under way stands at the front" in " ".join(page.text.split())
    assert "first in the queue, which is paused" in page.rows[run_id]
    assert "Back in the queue, first. The queue is paused" in client.get(f"/runs/{run_id}").text


def test_a_completed_run_shows_its_accuracy_as_a_percentage_and_its_curve(
    client: TestClient, database: Database
) -> None:
    run_id = _completed(database, 0.9, 0.94, 0.9889)
    page = _page(client)
    assert "98.89 %" in page.rows[run_id]
    assert "10 s" in page.rows[run_id]  # per epoch
    assert "3 epochs in" in page.rows[run_id]
    assert "33.3,24.0 66.7,13.2 100.0,0.0" in [values["points"] for values in page.attributes if "points" in values]


def test_a_long_curve_is_thinned_but_keeps_its_last_point(database: Database) -> None:
    run_id = _launch(database, epochs=200)
    _train(database, _claim(database), *[epoch / 1000 for epoch in range(1, 131)])
    with database.reading() as session:
        points = metrics.test_accuracies(session, [run_id], most=60)[run_id]
    assert len(points) <= 61
    assert points[-1] == (130, 0.13)
    assert [epoch for epoch, _ in points] == sorted({epoch for epoch, _ in points})


def test_a_failed_run_shows_its_reason(client: TestClient, database: Database) -> None:
    run_id = _launch(database)
    with database.writing() as session:
        worker = workers.join(session, host="bench", process_id=1, slots=1, threads=1)
        queue.claim_oldest(session, worker)
        queue.fail(session, Lease(run_id, worker, 1), "The loss is not a number.", "Lower the learning rate.")
    assert "failed" in _page(client).rows[run_id]
    assert "The loss is not a number." in _page(client).rows[run_id]


@pytest.mark.parametrize("path", ["/runs", "/runs/table"])
def test_a_hostile_name_stays_text(client: TestClient, database: Database, path: str) -> None:
    tame = _launch(database, name="tame")
    tags = Page(client.get(path, params={"search": "tame"}).text).tags
    with database.writing() as session:
        session.get_one(Run, tame).name = HOSTILE
    page = Page(client.get(path, params={"search": HOSTILE}).text)
    assert HOSTILE in page.rows[tame]
    assert page.tags == tags


def test_filters_are_in_the_url_and_empty_ones_mean_everything(client: TestClient, database: Database) -> None:
    done = _completed(database, 0.9, name="Alpha")
    moon = _launch(database, name="Beta", architecture={"name": "lenet5-moon"})
    mnist = _launch(database, name="alphabet 100%", dataset="mnist")
    for query, expected in {
        "": {done, moon, mnist},
        "?state=completed": {done},
        "?state=completed&state=queued": {done, moon, mnist},
        "?architecture=lenet5-moon": {moon},
        "?dataset=mnist": {mnist},
        "?search=ALPHA": {done, mnist},
        "?search=%25": {mnist},
        "?search=&architecture=&dataset=&sort=-id": {done, moon, mnist},
    }.items():
        assert set(_page(client, query).rows) == expected, query


def test_a_filter_that_nothing_matches_says_so(client: TestClient, database: Database) -> None:
    _launch(database)
    page = _page(client, "?search=nowhere")
    assert "No run matches" in page.text
    assert "Train your first network" not in page.text


def test_columns_sort_both_ways_and_say_which(client: TestClient, database: Database) -> None:
    worse, better = _completed(database, 0.8, name="worse"), _completed(database, 0.9, name="better")
    unknown = _launch(database, name="unknown")
    assert list(_page(client).rows) == [unknown, better, worse]
    best_first = _page(client, "?sort=-test_accuracy")
    assert list(best_first.rows) == [better, worse, unknown]
    assert [values["aria-sort"] for values in best_first.attributes if "aria-sort" in values] == ["descending"]
    assert best_first.attribute_of("sort-test_accuracy", "href") == "/runs?sort=test_accuracy"
    assert list(_page(client, "?sort=test_accuracy").rows) == [unknown, worse, better]


def test_an_order_that_does_not_exist_is_refused_by_a_page(client: TestClient) -> None:
    answer = client.get("/runs?sort=password")
    assert answer.status_code == 422
    assert "must be one of" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_show_more_leads_through_all_runs_once(client: TestClient, database: Database) -> None:
    launched = [_launch(database) for _ in range(120)]
    shown: list[int] = []
    link: str | None = "/runs"
    while link is not None:
        page = Page(client.get(link).text)
        shown += page.rows
        link = page.attribute_of("show-more", "href") if "show-more" in page.ids else None
    assert shown == launched[::-1]
    grown = Page(client.get("/runs/table", params={"limit": 120}).text)  # as the page fetches it again
    assert list(grown.rows) == shown


def test_the_address_bar_follows_filters_but_not_what_the_page_fetches_by_itself(
    client: TestClient, database: Database
) -> None:
    _launch(database)
    now = {"HX-Request": "true", "HX-Current-URL": "http://127.0.0.1:8000/runs?search=a"}
    picked = client.get("/runs/table?state=queued&search=a&architecture=", headers=now | {"HX-Trigger": "filters"})
    assert picked.headers["HX-Push-Url"] == "/runs?state=queued&search=a"
    typed = client.get("/runs/table?search=ab&sort=-id", headers=now | {"HX-Trigger": "filters"})
    assert typed.headers["HX-Replace-Url"] == "/runs?search=ab"
    assert "HX-Push-Url" not in typed.headers
    fetched = client.get("/runs/table?state=queued", headers=now | {"HX-Trigger": "runs"})
    assert not {"HX-Push-Url", "HX-Replace-Url"} & {name.title() for name in fetched.headers}


def test_the_tab_tells_how_many_run_and_wait(client: TestClient, database: Database) -> None:
    assert "<title>Runs · Trainyard</title>" in client.get("/runs").text
    for _ in range(3):
        _launch(database)
    _claim(database)
    assert "<title>1 running, 2 queued · Trainyard</title>" in client.get("/runs").text


def test_only_what_is_legal_is_offered(client: TestClient, database: Database) -> None:
    done, running = _completed(database, 0.9), _launch(database)
    _claim(database)
    first, second = _launch(database), _launch(database)
    with database.writing() as session:
        queue.cancel(session, second)
    posts = {values["action"] for values in _page(client).attributes if values.get("method") == "post"}
    by_run = {
        run: {p.rsplit("/", 1)[1] for p in posts if p.startswith(f"/runs/{run}/")}
        for run in (done, running, first, second)
    }
    assert by_run == {done: set(), running: {"hold", "cancel"}, first: {"hold", "cancel"}, second: {"requeue"}}


def test_an_action_leads_back_to_the_view_it_came_from(client: TestClient, database: Database) -> None:
    run_id = _launch(database)
    page = _page(client, "?state=queued")
    back = next(values["value"] for values in page.attributes if values.get("name") == "next")
    answer = client.post(f"/runs/{run_id}/cancel", data={"next": back})
    assert answer.headers["location"] == "/runs?state=queued"
    with database.reading() as session:
        assert session.get_one(Run, run_id).state == "cancelled"


def test_workers_tell_device_memory_and_what_their_slots_do(
    client: TestClient, database: Database, settings: Settings
) -> None:
    with database.writing() as session:
        measured = workers.join(session, host="bench", process_id=1, slots=2, threads=1)
        workers.join(session, host="new-box", process_id=2, slots=1, threads=1)
        workers.beat(
            session,
            measured,
            {
                "device": "cuda", "device_name": "NVIDIA H200", "cpu_percent": 63.0, "memory_used_bytes": 7 * 2**30,
                "memory_total_bytes": 16 * 2**30, "worker_memory_bytes": 900 * 2**20, "gpu_percent": 81.0,
                "gpu_memory_used_bytes": 2 * 2**30, "gpu_memory_total_bytes": 139 * 2**30, "torch_version": "2.15.0",
                "slots": [{"slot": 0, "state": "training", "run": 5}, {"slot": 1, "state": "ready", "run": None}],
            },
        )  # fmt: skip
    text = " ".join(Page(client.get("/runs/workers").text).text.split())
    for said in ("GPU worker", "NVIDIA H200", "81 %", "2.0 GiB of 139 GiB", "7.0 GiB of 16.0 GiB", "Slot 1 run 5",
                 "Slot 2 ready", "new-box", "measuring"):  # fmt: skip
        assert said in text, said


def test_the_panel_tells_free_space_and_leads_to_storage(client: TestClient) -> None:
    page = Page(client.get("/runs/workers").text)
    assert re.search(r"[\d.]+ [KMGT]iB free", " ".join(page.text.split()))
    assert any(values.get("href") == "/storage" for values in page.attributes)


@pytest.mark.parametrize("floor_mib", [0, 10**9])
def test_too_little_free_space_is_told_above_the_list_and_in_the_row(
    settings: Settings, database: Database, floor_mib: int
) -> None:
    run_id = _launch(database)
    with database.writing() as session:
        worker = workers.join(session, host="bench", process_id=1, slots=1, threads=1)
        workers.beat(session, worker, {"free_space_low": floor_mib > 0})
    server = create_app(settings.model_copy(update={"min_free_mib": floor_mib}))
    with TestClient(server, base_url=ADDRESS) as client:
        told = [client.get(path).text for path in ("/runs", "/runs/table")]
        assert all(("no run starts until there is room" in text) == (floor_mib > 0) for text in told)
        assert all(("first in the queue, waits for disk space" in text) == (floor_mib > 0) for text in told)
        assert ("It waits for disk space." in client.get(f"/runs/{run_id}").text) == (floor_mib > 0)
        assert client.get("/readyz").json()["free_space_low"] == (floor_mib > 0)
        assert client.get("/api/v1/queue").json()["free_space_low"] == (floor_mib > 0)


def test_the_page_works_without_scripts_in_it(client: TestClient, database: Database) -> None:
    _launch(database)
    page = _page(client)
    assert all(values.get("src") for tag, values in zip(page.tags, page.attributes, strict=True) if tag == "script")
    assert not [name for values in page.attributes for name in values if name.startswith("on")]
    form = next(values for values in page.attributes if values.get("id") == "filters")
    assert (form["method"], form["action"]) == ("get", "/runs")


def test_a_run_whose_config_is_of_a_version_before_is_listed(client: TestClient, database: Database) -> None:
    run_id = trained(database, 0.5)
    with database.writing() as session:
        run = session.get_one(Run, run_id)
        run.config = {field: value for field, value in run.config.items() if field != "source"}
    assert "1 epoch in " in client.get("/runs").text
