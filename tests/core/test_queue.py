"""The queue: every legal move and no other, the order of claims, and the fence against a stale worker."""

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlmodel import Session

from core import metrics, queue, queue_order, run_changes, workers
from core.bin import move_to_bin, restore
from core.database import Database, open_database
from core.events import events_of_run
from core.invalid_run_config import InvalidRunConfig
from core.lease import Lease
from core.records import EpochFigures, WrittenFile
from core.run_state import LEGAL_MOVES, IllegalMove, LeaseLost, RunNotFound, RunState
from core.runs import artifacts_of_run, log_of_run, progress_of_run, queue_positions, run_by_id
from core.tables import Run
from tests.app.trained_runs import claim, fail, join, launch, record_epochs, started

QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED = RunState
CHECKPOINT = WrittenFile("checkpoint", "1-1.safetensors", "0" * 64, 100, 1)

# How each state is reached from another, by what core offers for it.
MOVES: dict[tuple[RunState, RunState], Callable[[Session, Lease], object]] = {
    (QUEUED, RUNNING): lambda session, lease: queue.claim_oldest(session, lease.worker_id),
    (QUEUED, CANCELLED): lambda session, lease: queue.cancel(session, lease.run_id),
    (RUNNING, COMPLETED): queue.complete,
    (RUNNING, FAILED): lambda session, lease: queue.fail(session, lease, "It broke.", "Mend it."),
    (RUNNING, CANCELLED): lambda session, lease: (queue.cancel(session, lease.run_id), queue.hand_back(session, lease)),
    (RUNNING, QUEUED): queue.hand_back,
    (FAILED, QUEUED): lambda session, lease: queue.requeue(session, lease.run_id),
    (CANCELLED, QUEUED): lambda session, lease: queue.requeue(session, lease.run_id),
}
ILLEGAL = [(start, end) for start in RunState for end in RunState if end not in LEGAL_MOVES[start]]


def write(database: Database, move: Callable[..., Any], *arguments: Any, **options: Any) -> Any:  # what the move gives
    with database.writing() as session:
        return move(session, *arguments, **options)


def read_run(database: Database, run_id: int) -> Run:
    with database.reading() as session:
        return run_by_id(session, run_id)


def run_in(database: Database, state: RunState) -> Lease:
    """The only run of the file, in this state, with the lease that a worker has or had on it."""
    if state is QUEUED:
        return Lease(launch(database), join(database), attempt=1)
    lease = started(database)
    if state is not RUNNING:
        write(database, MOVES[RUNNING, state], lease)
    return lease


def test_there_is_a_way_for_every_legal_move_and_for_no_other() -> None:
    assert set(MOVES) == {(start, end) for start, ends in LEGAL_MOVES.items() for end in ends}


@pytest.mark.parametrize(("start", "end"), list(MOVES))
def test_a_legal_move_is_made_and_told(start: RunState, end: RunState, database: Database) -> None:
    lease = run_in(database, start)
    write(database, MOVES[start, end], lease)
    assert read_run(database, lease.run_id).state is end
    with database.reading() as session:
        newest = events_of_run(session, lease.run_id)[-1]
    assert (newest.kind, newest.payload["state"]) == ("state", end)


@pytest.mark.parametrize(("start", "end"), ILLEGAL)
def test_an_illegal_move_changes_nothing(start: RunState, end: RunState, database: Database) -> None:
    lease = run_in(database, start)
    before = trace(database, lease.run_id)
    for way in {way for (_, reached), way in MOVES.items() if reached is end}:
        with contextlib.suppress(IllegalMove, LeaseLost):  # a claim that finds nothing raises nothing
            write(database, way, lease)
        assert trace(database, lease.run_id) == before


def trace(database: Database, run_id: int) -> tuple[RunState, int, int]:
    """State, attempt and number of events of a run."""
    with database.reading() as session:
        run = run_by_id(session, run_id)
        return run.state, run.attempt, len(events_of_run(session, run_id))


@pytest.mark.parametrize("state", [COMPLETED, FAILED, CANCELLED])
def test_an_ended_run_cannot_be_cancelled_held_or_moved(state: RunState, database: Database) -> None:
    run_id = run_in(database, state).run_id
    for move in (
        lambda session: queue.cancel(session, run_id),
        lambda session: queue.hold(session, run_id, True),
        lambda session: run_changes.prioritise(session, run_id, 1),
        lambda session: run_changes.move_to_front(session, run_id),
    ):
        with pytest.raises(IllegalMove, match=state.value):
            write(database, move)


@pytest.mark.parametrize("state", [QUEUED, RUNNING, COMPLETED])
def test_only_a_failed_or_cancelled_run_can_be_requeued(state: RunState, database: Database) -> None:
    run_id = run_in(database, state).run_id
    with pytest.raises(IllegalMove, match="requeued"):
        write(database, queue.requeue, run_id)


def test_a_run_that_is_not_there_is_not_found(database: Database) -> None:
    for move in (queue.cancel, queue.requeue, move_to_bin, restore):
        with pytest.raises(RunNotFound):
            write(database, move, 404)


# --- claims ----------------------------------------------------------------------------------------------------------


def test_the_higher_priority_goes_first_and_then_the_older(database: Database) -> None:
    first, second, third, fourth = (launch(database) for _ in range(4))
    write(database, run_changes.prioritise, third, 5)
    write(database, run_changes.move_to_front, fourth)
    with database.reading() as session:
        assert queue_positions(session) == {fourth: 1, third: 2, first: 3, second: 4}
    worker = join(database)
    assert [claim(database, worker).run_id for _ in range(4)] == [fourth, third, first, second]
    assert write(database, queue.claim_oldest, worker) is None


def test_two_threads_that_claim_fifty_runs_never_share_one(database: Database) -> None:
    run_ids = [launch(database) for _ in range(50)]
    other = open_database(database.file)
    claimants = [(database, join(database)), (other, join(database))]

    def claim_all(claimant: tuple[Database, int]) -> list[int]:
        opened, worker = claimant
        claimed: list[int] = []
        while (run := write(opened, queue.claim_oldest, worker)) is not None:
            claimed.append(run.id)
        return claimed

    with ThreadPoolExecutor(2) as threads:
        by_worker = list(threads.map(claim_all, claimants))
    other.close()
    assert sorted(by_worker[0] + by_worker[1]) == run_ids


def test_a_paused_queue_hands_out_nothing_until_it_goes_on(database: Database) -> None:
    run_id, worker = launch(database), join(database)
    write(database, queue_order.pause_queue, True)
    assert write(database, queue.claim_oldest, worker) is None
    write(database, queue_order.pause_queue, False)
    assert claim(database, worker).run_id == run_id


def test_a_queue_paused_with_its_running_runs_takes_them_back_to_its_front(database: Database) -> None:
    lease, worker = started(database), join(database)
    waiting = launch(database)
    write(database, run_changes.move_to_front, waiting)
    assert not write(database, queue.stop_wanted, lease)
    write(database, queue_order.pause_queue, True)
    assert not write(database, queue.stop_wanted, lease), "those under way go on"
    write(database, queue_order.pause_queue, True, with_running=True)
    assert write(database, queue.stop_wanted, lease)
    assert write(database, queue.hand_back, lease) is QUEUED
    assert read_run(database, lease.run_id).held_at is None
    assert write(database, queue.claim_oldest, worker) is None
    write(database, queue_order.pause_queue, False)
    assert [claim(database, worker).run_id for _ in range(2)] == [lease.run_id, waiting]
    assert not write(database, queue.stop_wanted, Lease(lease.run_id, worker, 2))


def test_a_run_that_the_user_paused_stays_held_when_the_queue_goes_on(database: Database) -> None:
    lease, worker = started(database), join(database)
    write(database, queue.hold, lease.run_id, True)
    write(database, queue_order.pause_queue, True, with_running=True)
    write(database, queue.hand_back, lease)
    write(database, queue_order.pause_queue, False)
    assert write(database, queue.claim_oldest, worker) is None
    assert read_run(database, lease.run_id).held_at is not None


def test_a_held_run_is_passed_over_until_it_is_released(database: Database) -> None:
    held, next_one, worker = launch(database), launch(database), join(database)
    write(database, queue.hold, held, True)
    assert claim(database, worker).run_id == next_one
    assert write(database, queue.claim_oldest, worker) is None
    write(database, queue.hold, held, False)
    assert claim(database, worker).run_id == held


def test_a_worker_judged_dead_claims_nothing(database: Database) -> None:
    run_id, worker = launch(database), join(database)
    write(database, workers.end, worker)
    assert write(database, queue.claim_oldest, worker) is None
    assert read_run(database, run_id).state is QUEUED


# --- the fence -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "report",
    [
        queue.complete,
        lambda session, lease: queue.fail(session, lease, "It broke.", "Mend it."),
        lambda session, lease: queue.crash(session, lease, "It died.", "Mend it."),
        queue.hand_back,
        queue.stop_wanted,
        lambda session, lease: metrics.record_epoch(session, lease, figures(1), [CHECKPOINT], selected=True),
        lambda session, lease: metrics.record_weights(session, lease, CHECKPOINT),
        lambda session, lease: metrics.record_progress(session, lease, phase="training"),
        lambda session, lease: metrics.record_environment(session, lease, {"torch": "0"}),
        lambda session, lease: queue.add_log_line(session, lease, "I live."),
    ],
    ids=["complete", "fail", "crash", "hand_back", "stop_wanted", "epoch", "weights", "progress", "environment", "log"],
)
@pytest.mark.parametrize("by_another", [True, False], ids=["to another worker", "to the same worker again"])
def test_a_stale_attempt_records_nothing(
    report: Callable[[Session, Lease], object], by_another: bool, database: Database
) -> None:
    stale = started(database)
    write(database, queue.hand_back, stale)
    current = claim(database, join(database) if by_another else stale.worker_id)
    with pytest.raises(LeaseLost):
        write(database, report, stale)
    run = read_run(database, stale.run_id)
    assert (run.state, run.attempt, run.worker_id) == (RUNNING, 2, current.worker_id)
    assert (run.epochs_done, run.crashes, run.environment) == (0, 0, None)
    with database.reading() as session:
        assert artifacts_of_run(session, run.id or 0) == []
        assert progress_of_run(session, run.id or 0) is None
        assert log_of_run(session, run.id or 0) == []


def figures(epoch: int) -> EpochFigures:
    return EpochFigures(
        epoch=epoch, train_loss=0.5, train_accuracy=0.8, val_loss=None, val_accuracy=None, test_loss=0.5,
        test_accuracy=0.9, learning_rate=0.01, train_seconds=1.0, evaluation_seconds=0.5, checkpoint_seconds=0.1,
        images_per_second=100.0, peak_memory_bytes=1,
    )  # fmt: skip


# --- cancel, hold, hand back -----------------------------------------------------------------------------------------


def test_a_queued_run_is_cancelled_at_once(database: Database) -> None:
    run = write(database, queue.cancel, launch(database))
    assert run.state is CANCELLED
    assert run.ended_at is not None


def test_a_running_run_goes_on_until_it_obeys_the_wish_to_cancel(database: Database) -> None:
    lease = started(database)
    assert not write(database, queue.stop_wanted, lease)
    assert write(database, queue.cancel, lease.run_id).state is RUNNING
    first_asked = read_run(database, lease.run_id).cancel_requested_at
    assert write(database, queue.cancel, lease.run_id).cancel_requested_at == first_asked
    assert write(database, queue.stop_wanted, lease)
    record_epochs(database, lease, 1)
    assert write(database, queue.hand_back, lease) is CANCELLED
    run = read_run(database, lease.run_id)
    assert (run.epochs_done, run.worker_id) == (1, None)
    assert run.ended_at is not None


def test_a_running_run_that_is_held_returns_to_the_queue_and_stays_held(database: Database) -> None:
    lease = started(database)
    write(database, queue.hold, lease.run_id, True)
    assert write(database, queue.stop_wanted, lease)
    assert write(database, queue.hand_back, lease) is QUEUED
    assert read_run(database, lease.run_id).held_at is not None
    assert write(database, queue.claim_oldest, lease.worker_id) is None


@pytest.mark.parametrize("end", [COMPLETED, FAILED, CANCELLED])
def test_an_ended_run_is_not_held_though_that_was_wished(end: RunState, database: Database) -> None:
    lease = started(database)
    write(database, queue.hold, lease.run_id, True)
    write(database, MOVES[RUNNING, end], lease)
    assert read_run(database, lease.run_id).held_at is None


def test_progress_goes_when_the_attempt_ends(database: Database) -> None:
    lease = started(database)
    write(database, metrics.record_progress, lease, phase="training")
    write(database, queue.hand_back, lease)
    with database.reading() as session:
        assert progress_of_run(session, lease.run_id) is None


# --- crashes ---------------------------------------------------------------------------------------------------------


def crash_once(database: Database, lease: Lease) -> RunState:
    state = write(database, queue.crash, lease, "The trainer died.", "Use a smaller batch.")
    assert isinstance(state, RunState)
    return state


def test_three_crashes_without_an_epoch_between_them_fail_the_run(database: Database) -> None:
    lease = started(database)
    for _ in range(2):
        assert crash_once(database, lease) is QUEUED
        lease = claim(database, lease.worker_id)
    assert crash_once(database, lease) is FAILED
    run = read_run(database, lease.run_id)
    assert run.failure_reason == "The trainer died. This was the 3rd time without a new epoch."
    assert run.failure_suggestion == "Use a smaller batch."
    with database.reading() as session:
        assert [line.attempt for line in log_of_run(session, lease.run_id)] == [1, 2, 3]


def test_an_epoch_between_crashes_starts_the_count_anew(database: Database) -> None:
    lease = started(database)
    for epoch in (1, 2, 3, 4):
        assert crash_once(database, lease) is QUEUED
        lease = claim(database, lease.worker_id)
        record_epochs(database, lease, epoch)
    assert read_run(database, lease.run_id).crashes == 0


def test_a_crash_of_a_run_that_was_to_be_cancelled_cancels_it(database: Database) -> None:
    lease = started(database)
    write(database, queue.cancel, lease.run_id)
    assert crash_once(database, lease) is CANCELLED


# --- requeue, rename, delete -----------------------------------------------------------------------------------------


def test_a_requeued_run_resumes_with_its_epochs_and_its_checkpoint(database: Database) -> None:
    lease = started(database)
    write(database, metrics.record_epoch, lease, figures(1), [CHECKPOINT], selected=True)
    checkpoint_id = read_run(database, lease.run_id).checkpoint_id
    assert checkpoint_id is not None
    fail(database, lease, "It broke.", "Mend it.", "digits")
    run = write(database, queue.requeue, lease.run_id)
    assert (run.state, run.epochs_done, run.checkpoint_id, run.crashes) == (QUEUED, 1, checkpoint_id, 0)
    assert (run.failure_reason, run.failure_suggestion, run.suggested_dataset, run.ended_at) == (None,) * 4
    again = claim(database, lease.worker_id)
    assert again.attempt == 2
    record_epochs(database, again, 2)


def test_a_requeued_run_forgets_that_it_was_to_be_cancelled(database: Database) -> None:
    lease = started(database)
    write(database, queue.cancel, lease.run_id)
    write(database, queue.hand_back, lease)
    write(database, queue.requeue, lease.run_id)
    assert not write(database, queue.stop_wanted, claim(database, lease.worker_id))


def test_a_name_is_trimmed_and_an_empty_or_long_one_is_refused(database: Database) -> None:
    run_id = launch(database)
    assert write(database, run_changes.rename, run_id, " mine ").name == "mine"
    for wrong in ("", "  ", "x" * 121, "two\nlines"):
        with pytest.raises(InvalidRunConfig):
            write(database, run_changes.rename, run_id, wrong)
    assert read_run(database, run_id).name == "mine"
