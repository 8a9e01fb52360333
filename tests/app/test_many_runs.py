"""With thousands of runs every page asks as few questions as with ten, and each is answered out of an index."""

import json
import math
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread
from typing import Any, get_args

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, event, text
from sqlmodel import Session, col, select

from app.main import create_app
from core.database import Database, open_database
from core.runs import RunFilter, SortKey, list_runs
from core.settings import Settings
from core.tables import Run
from tests.benchmarks.many_runs import write

NUM_RUNS = 1500
FILTERS = ("", "search=seed+3", "search=of+none", "state=failed", "state=failed&state=completed", "architecture=lenet5",
    "dataset=mnist", "tag=paper", "experiment=1&architecture=lenet5")  # fmt: skip
BIG = ("run", "epoch", "event", "runtag", "logline", "epochanswers")  # tables that grow with the runs


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("many")
    assert write(folder, NUM_RUNS, 4) == NUM_RUNS // 5
    return Settings(data_dir=folder)


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings.database_file)
    yield opened
    opened.close()


Asked = list[tuple[str, Any]]  # SQL with its parameters


@contextmanager
def asked() -> Iterator[Asked]:
    """What every connection is asked meanwhile."""
    told: Asked = []

    def note(_: Connection, __: object, sql: str, parameters: Sequence[object], *___: object) -> None:
        if current_thread().name not in ("bin", "reaper"):  # which look after the whole now and then, for nobody's page
            told.append((sql, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield told
    event.remove(Engine, "before_cursor_execute", note)


def read_whole(database: Database, questions: Asked) -> list[str]:
    """Of these, those for which a big table is gone through from its beginning, and how."""
    told = []
    with database.reading() as session:
        for sql, parameters in questions:
            if not sql.startswith("SELECT"):
                continue
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters).all()
            steps = [str(step[3]) for step in plan]
            told += [f"{step}: {sql}" for step in steps if step in {f"SCAN {table}" for table in BIG}]
            told += [f"{step}: {sql}" for step in steps if "TEMP B-TREE" in step and "FROM epoch" in sql]
    return told


@pytest.mark.parametrize("sort", get_args(SortKey))
def test_every_order_with_every_filter_is_answered_out_of_an_index(
    client: TestClient, database: Database, sort: str
) -> None:
    with asked() as questions:
        for filtered in FILTERS:
            assert client.get(f"/runs/table?sort=-{sort}&{filtered}").status_code == 200
    assert len(questions) > 60
    assert read_whole(database, questions) == []
    lists = [sql for sql, _ in questions if sql.startswith("SELECT run.id") and "ORDER BY" in sql]
    assert len(lists) >= len(FILTERS)
    assert not [sql for sql in lists if "run.config" in sql], "whole runs are sorted"


@pytest.mark.parametrize(
    "path", ["/runs", "/experiments", "/runs/workers", "/storage", "/compare", "/leaderboard?page=3"]
)
def test_no_page_goes_through_a_big_table(client: TestClient, database: Database, path: str) -> None:
    with asked() as questions:
        assert client.get(path, headers={"Accept": "text/html"}).status_code == 200
    assert read_whole(database, questions) == []


def test_a_longer_list_asks_no_more_questions(client: TestClient) -> None:
    numbers = []
    for limit in (5, 200):
        with asked() as questions:
            client.get(f"/runs/table?limit={limit}")
        numbers.append(len(questions))
    assert numbers[0] == numbers[1] < 25


def test_a_leaderboard_of_hundreds_of_groups_is_one_question_and_those_of_its_page(client: TestClient) -> None:
    with asked() as questions:
        told = client.get("/api/v1/leaderboard?limit=20").json()
    assert told["num_groups"] + told["num_without_result"] == NUM_RUNS // 5
    assert len(questions) <= 4
    assert not [sql for sql, _ in questions if "FROM epoch" in sql]


def test_two_hundred_groups_lie_over_each_other_in_as_many_traces_as_there_are_looks(client: TestClient) -> None:
    text = client.get("/compare?experiment=1").text
    found = re.search(r'id="figure-test_accuracy">(.*?)</script>', text, re.S)
    assert found
    lines = [trace for trace in json.loads(found[1])["data"] if "parts" in trace["meta"]]
    assert len(lines) < 20
    api = {group["config_hash"]: group for group in client.get("/api/v1/compare?experiment=1").json()["groups"]}
    seen = set()
    for trace in lines:
        x, y = (np.frombuffer(b64decode(trace[axis]["bdata"]), trace[axis]["dtype"]).tolist() for axis in "xy")
        start = 0
        for config_hash, label, run, length in trace["meta"]["parts"]:
            curve = [point["test_accuracy"]["mean"] for point in api[config_hash]["curve"]]
            assert y[start : start + length] == pytest.approx([*curve, math.nan], rel=1e-6, nan_ok=True)
            assert (label, run) == (api[config_hash]["label"], None)
            seen.add(config_hash)
            start += length
        assert start == len(x) == len(y)
    assert seen == api.keys()


def test_of_two_hundred_groups_the_tables_show_the_first_until_all_are_asked_for(client: TestClient) -> None:
    first, every = (client.get(f"/compare/now?experiment=1{more}").text for more in ("", "&rows=all"))
    assert (first.count('class="group-row"'), every.count('class="group-row"')) == (50, 200)
    assert "The first 50 of 200 groups in this order" in first
    assert len(first) < len(every) / 2


@pytest.mark.parametrize("sort", ["-test_accuracy", "state"])
def test_page_by_page_every_run_comes_once(database: Database, sort: str) -> None:
    wanted = RunFilter(sort=sort.removeprefix("-"), descending=sort.startswith("-"))  # type: ignore[arg-type]
    seen: list[int | None] = []
    cursor: str | None = ""
    with database.reading() as session:
        while cursor is not None:
            page = list_runs(session, wanted, limit=200, cursor=cursor or None)
            seen += [run.id for run in page.runs]
            cursor = page.next_cursor
    assert len(seen) == len(set(seen)) == page.num_matching == NUM_RUNS


def test_the_same_arguments_write_the_same_runs(tmp_path: Path) -> None:
    folders = tmp_path / "one", tmp_path / "other"
    told = []
    for folder in folders:
        write(folder, 20, 2)
        database = open_database(Settings(data_dir=folder).database_file)
        with database.reading() as session:
            told.append(_everything(session))
        database.close()
    assert told[0] == told[1]
    assert len(told[0][1]) == 4, "groups"


def _everything(session: Session) -> tuple[list[object], set[str]]:
    rows = [
        list(map(tuple, session.connection().execute(text(f"SELECT * FROM {table}"))))
        for table in ("run", "epoch", "event", "runtag")
    ]
    return [*rows], set(session.exec(select(col(Run.config_hash))))


@pytest.mark.parametrize("path", ["/runs/1", "/compare?runs=1,2"])
def test_plotly_is_the_module_that_the_charts_import(client: TestClient, path: str) -> None:
    """As a script beside it, it would be read twice."""
    tags = re.findall(r"<script[^>]*vendor/plotly[^>]*>", client.get(path).text)
    assert [('type="module"' in tag, "async" in tag) for tag in tags] == [(True, True)]
