"""The same change to many runs: those that cannot are told with their reason, the rest are changed."""

import time

import pytest

from core.bulk import MAX_RUNS, Action, change_runs, undo_delete
from core.database import Database
from core.invalid_run_config import InvalidRunConfig
from core.run_state import RunState
from core.runs import RunFilter, list_runs, queue_positions, run_by_id
from core.tags import MAX_TAGS, set_tags, tags_of_runs
from tests.app.trained_runs import complete, launch, started

SECONDS_ALLOWED = 10.0  # only tells a few queries a run from work for each pair of runs; alone it takes 1 s


def changed(database: Database, action: Action, run_ids: list[int], tag: str = "") -> tuple[list[int], dict[int, str]]:
    """Ids of those that were done, and the reason of each that was refused."""
    with database.writing() as session:
        result = change_runs(session, action, run_ids, tag)
    done = [run.id for run in result.done if run.id is not None]
    return done, {refusal.run_id: str(refusal.error) for refusal in result.refused}


def test_runs_that_cannot_be_cancelled_do_not_stop_the_rest(database: Database) -> None:
    completed = started(database)
    complete(database, completed)
    running, queued = started(database).run_id, launch(database)
    done, refused = changed(database, "cancel", [queued, completed.run_id, 404, running, queued])
    assert done == [queued, running]
    assert refused == {
        completed.run_id: "Run 1 is completed; it cannot be cancelled.",
        404: "There is no run 404.",
    }
    with database.reading() as session:
        assert run_by_id(session, queued).state is RunState.CANCELLED
        assert run_by_id(session, running).cancel_requested_at is not None


def test_many_runs_are_held_released_deleted_restored_and_requeued(database: Database) -> None:
    run_ids = [launch(database) for _ in range(3)]
    both: tuple[list[int], dict[int, str]] = (run_ids, {})
    assert changed(database, "hold", run_ids) == both
    with database.reading() as session:
        assert all(run.held_at is not None for run in list_runs(session, RunFilter()).runs)
    assert changed(database, "release", run_ids) == both
    assert changed(database, "delete", run_ids) == both
    with database.reading() as session:
        assert list_runs(session, RunFilter()).runs == []
    assert changed(database, "requeue", run_ids)[0] == []
    assert changed(database, "restore", run_ids) == both
    assert changed(database, "requeue", run_ids) == both
    with database.reading() as session:
        assert list_runs(session, RunFilter(states=(RunState.QUEUED,))).num_matching == 3


def test_a_deletion_is_undone_also_of_runs_that_waited(database: Database) -> None:
    completed = started(database)
    complete(database, completed)
    run_ids = [completed.run_id, *(launch(database) for _ in range(3))]
    changed(database, "hold", run_ids[3:])
    with database.writing() as session:
        deleted = change_runs(session, "delete", run_ids)
    assert (deleted.waited, deleted.held) == (run_ids[1:], run_ids[3:])
    with database.writing() as session:
        undo_delete(session, run_ids, deleted.waited, deleted.held)
    with database.reading() as session:
        runs = list_runs(session, RunFilter(descending=False)).runs
        assert [run.state for run in runs] == [RunState.COMPLETED, *[RunState.QUEUED] * 3]
        assert [run.id for run in runs if run.held_at] == run_ids[3:]
        assert list(queue_positions(session)) == run_ids[1:3]


def test_many_runs_are_tagged_in_one_spelling(database: Database) -> None:
    full, first, second = (launch(database) for _ in range(3))
    with database.writing() as session:
        set_tags(session, full, [f"tag {number}" for number in range(MAX_TAGS)])
        set_tags(session, second, ["Baseline"])
    done, refused = changed(database, "tag", [full, first, second], "baseline")
    assert (done, refused) == ([first, second], {full: "tag: a run has 20 tags at most"})
    with database.reading() as session:
        assert tags_of_runs(session, [first, second]) == {first: ["Baseline"], second: ["Baseline"]}
    changed(database, "untag", [first, second], "BASELINE")
    with database.reading() as session:
        assert tags_of_runs(session, [first, second]) == {first: [], second: []}
    with pytest.raises(InvalidRunConfig):
        changed(database, "tag", [first], "a, b")


def test_a_thousand_runs_are_deleted_in_one_transaction(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    run_ids = [launch(database) for _ in range(MAX_RUNS)]
    began = time.monotonic()
    assert changed(database, "delete", run_ids) == (run_ids, {})
    took = time.monotonic() - began
    with capsys.disabled():
        print(f"\n    {MAX_RUNS} queued runs deleted in {took:.2f} s")
    assert took < SECONDS_ALLOWED
