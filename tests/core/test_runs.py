"""Listing runs: what the filters leave, every order walked page by page, and cursors that do not belong."""

import base64
import json
from typing import Any, get_args

import pytest

from core import queue
from core.database import Database
from core.run_state import RunNotFound, RunState
from core.runs import InvalidCursor, RunFilter, SortKey, count_by_state, list_runs, log_of_run, run_by_id
from core.tables import Run
from tests.app.trained_runs import claim, complete, fail, join, launch, record_epochs, started

SORT_KEYS: tuple[SortKey, ...] = get_args(SortKey)


def listed(database: Database, **wanted: Any) -> list[str]:
    with database.reading() as session:
        page = list_runs(session, RunFilter(**wanted))
    assert page.num_matching == len(page.runs)
    return [run.name for run in page.runs]


def walk(database: Database, wanted: RunFilter, limit: int) -> list[Run]:
    """Every run, from page to page."""
    runs: list[Run] = []
    cursor = None
    while True:
        with database.reading() as session:
            page = list_runs(session, wanted, limit=limit, cursor=cursor)
        runs += page.runs
        cursor = page.next_cursor
        if cursor is None:
            return runs
        assert len(page.runs) == limit


@pytest.fixture
def bench(database: Database) -> Database:
    """Eleven runs of every state but cancelled, with ties and missing figures in every column."""
    worker = join(database)
    for seed in range(4):
        launch(database, name=f"A{seed % 2}", seed=seed)
        record_epochs(database, lease := claim(database, worker), *range(1, seed % 3 + 2))
        if seed == 0:
            fail(database, lease, "It broke.", "Mend it.")
        else:
            complete(database, lease)
    for seed in range(4):
        launch(database, name=f"a{seed}", dataset="mnist", seed=seed % 2)
    claim(database, worker)
    for name in ("100 %", "1000", "b_c"):
        launch(database, name=name, architecture={"name": "custom-mlp"})
    return database


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", SORT_KEYS)
def test_every_order_walks_all_runs_exactly_once(sort: SortKey, descending: bool, bench: Database) -> None:
    def key(run: Run) -> tuple[Any, int]:
        value = getattr(run, sort)
        return -1.0 if value is None else value.lower() if isinstance(value, str) else value, run.id or 0

    for limit in (1, 3, 11):
        runs = walk(bench, RunFilter(sort=sort, descending=descending), limit)
        assert sorted(run.id or 0 for run in runs) == list(range(1, 12))
        assert runs == sorted(runs, key=key, reverse=descending)


def test_filters_leave_what_matches_all_of_them(bench: Database) -> None:
    assert listed(bench, states=(RunState.FAILED,)) == ["A0"]
    assert listed(bench, datasets=("mnist",), descending=False) == ["a0", "a1", "a2", "a3"]
    assert listed(bench, architectures=("custom-mlp",), states=(RunState.QUEUED,), search="100") == ["1000", "100 %"]
    assert listed(bench, states=(RunState.CANCELLED,)) == []
    assert len(listed(bench, architectures=("custom-mlp", "lenet5"))) == 11


def test_a_search_ignores_case_and_takes_its_signs_literally(bench: Database) -> None:
    assert sorted(listed(bench, search="A1")) == ["A1", "A1", "a1"]
    assert listed(bench, search="0 %") == ["100 %"]
    assert listed(bench, search="_") == ["b_c"]


def test_a_filtered_walk_counts_only_what_matches(bench: Database) -> None:
    wanted = RunFilter(datasets=("digits",))
    with bench.reading() as session:
        page = list_runs(session, wanted, limit=2)
    assert (page.num_matching, len(page.runs)) == (7, 2)
    assert len(walk(bench, wanted, 2)) == 7


def test_a_run_that_comes_while_one_walks_shifts_no_page(bench: Database) -> None:
    with bench.reading() as session:
        first = list_runs(session, RunFilter(), limit=5)
    launch(bench)
    with bench.reading() as session:
        second = list_runs(session, RunFilter(), limit=5, cursor=first.next_cursor)
    assert [run.id for run in first.runs + second.runs] == list(range(11, 1, -1))


def test_the_cursor_of_another_order_is_refused(bench: Database) -> None:
    with bench.reading() as session:
        cursor = list_runs(session, RunFilter(sort="name"), limit=2).next_cursor
        for other in (RunFilter(sort="seed"), RunFilter(sort="name", descending=False)):
            with pytest.raises(InvalidCursor):
                list_runs(session, other, cursor=cursor)


def forged(*key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


@pytest.mark.parametrize(
    ("sort", "cursor"),
    [
        ("id", "nonsense"),
        ("id", "ä"),
        ("id", "e30"),
        ("id", forged("id", True)),
        ("id", base64.urlsafe_b64encode(b"[" * 9000).decode()),
        ("id", forged("id", True, None, 1)),
        ("id", forged("id", True, [1], 1)),
        ("id", forged("id", True, 1, "1")),
        ("id", forged("id", True, 1, 2**63)),
        ("id", forged("id", True, 2**70, 1)),
        ("id", forged("id", True, -(2**70), 1)),
        ("name", forged("name", True, "\ud800", 1)),
        ("state", forged("state", True, 5, 1)),
        ("state", forged("state", True, "asleep", 1)),
    ],
)
def test_a_cursor_that_no_listing_made_is_refused(sort: SortKey, cursor: str, bench: Database) -> None:
    with bench.reading() as session, pytest.raises(InvalidCursor):
        list_runs(session, RunFilter(sort=sort), cursor=cursor)


def test_states_without_runs_count_nothing(bench: Database) -> None:
    with bench.reading() as session:
        counts = count_by_state(session)
    assert counts == {
        RunState.QUEUED: 6, RunState.RUNNING: 1, RunState.COMPLETED: 3, RunState.FAILED: 1, RunState.CANCELLED: 0,
    }  # fmt: skip


def test_a_run_that_is_not_there_is_not_found(database: Database) -> None:
    with database.reading() as session, pytest.raises(RunNotFound):
        run_by_id(session, 1)


def test_of_a_long_log_the_newest_lines_are_told_oldest_first(database: Database) -> None:
    lease = started(database)
    with database.writing() as session:
        for number in range(5):
            queue.add_log_line(session, lease, f"line {number}")
    with database.reading() as session:
        newest = log_of_run(session, lease.run_id, limit=2)
        assert [line.line for line in newest] == ["line 3", "line 4"]
        assert log_of_run(session, lease.run_id, after=newest[-1].id or 0) == []
