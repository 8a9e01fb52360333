"""Workers as rows: joining, heartbeat, leaving, and the judgement that one is dead."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from core.events import record_event
from core.lease import Lease
from core.queue import hand_back
from core.run_state import RunState
from core.tables import Run, Worker

HEARTBEAT_SECONDS = 2.0
# A worker without a new heartbeat for this long is dead: seven missed ones, and below the 20 s the user is promised.
DEAD_AFTER_SECONDS = 15.0


class WorkerLost(RuntimeError):
    """This worker was judged dead; its runs are another's."""


def join(session: Session, *, host: str, process_id: int, slots: int, threads: int) -> int:
    """Adds a worker and returns its id."""
    worker = Worker(host=host, process_id=process_id, slots=slots, threads=threads, started_at=datetime.now(UTC))
    session.add(worker)
    session.flush()
    assert worker.id is not None
    record_event(session, "worker", worker=worker.id, joined=True)
    return worker.id


def beat(session: Session, worker_id: int, vitals: dict[str, Any]) -> None:  # vitals: JSON for the page
    """Renews every lease of this worker; raises WorkerLost where it was judged dead meanwhile.

    Vitals are no event, but for the disk: whether it is too full to start a run is told when it changes.
    """
    before = session.exec(select(Worker.vitals).where(Worker.id == worker_id)).first() or {}
    is_low = bool(vitals.get("free_space_low"))
    if is_low != bool(before.get("free_space_low")):
        record_event(session, "worker", worker=worker_id, free_space_low=is_low)
    beaten = session.exec(
        update(Worker)
        .where(col(Worker.id) == worker_id, col(Worker.ended_at).is_(None))
        .values(heartbeat=col(Worker.heartbeat) + 1, vitals=vitals)
    )
    if beaten.rowcount == 0:
        raise WorkerLost(f"Worker {worker_id} was judged dead.")


def end(session: Session, worker_id: int) -> list[int]:
    """Ends a worker, returns its runs to the queue, and tells their ids."""
    worker = session.get_one(Worker, worker_id)
    worker.ended_at = worker.ended_at or datetime.now(UTC)
    runs = session.exec(select(Run).where(Run.worker_id == worker_id, Run.state == RunState.RUNNING)).all()
    leases = [Lease(run.id, worker_id, run.attempt) for run in runs if run.id is not None]
    for lease in leases:
        hand_back(session, lease)
    record_event(session, "worker", worker=worker_id, joined=False)
    return [lease.run_id for lease in leases]


def live_workers(session: Session) -> list[Worker]:
    return list(session.exec(select(Worker).where(col(Worker.ended_at).is_(None)).order_by(col(Worker.id))))


def most_in_stack(workers: Sequence[Worker]) -> int:
    """Runs that a slot of theirs trains together, at most, as they told; 1 where none told."""
    return max(((worker.vitals or {}).get("most_in_stack", 1) for worker in workers), default=1)


def disk_is_low(workers: Sequence[Worker]) -> bool:
    """Whether none of the workers starts a run because the disk is nearly full."""
    return bool(workers) and all((worker.vitals or {}).get("free_space_low") for worker in workers)


class HeartbeatJudge:
    """Judges liveness by the sequence alone, on the judge's own monotonic clock."""

    def __init__(self, dead_after_seconds: float = DEAD_AFTER_SECONDS) -> None:
        self._dead_after_seconds = dead_after_seconds
        self._seen: dict[int, tuple[int, float]] = {}

    def silent(self, workers: list[Worker], now_seconds: float | None = None) -> list[int]:
        """Ids of the workers whose heartbeat has not moved for too long, as of `now_seconds` (time.monotonic)."""
        now = time.monotonic() if now_seconds is None else now_seconds
        before, self._seen = self._seen, {}
        for worker in workers:
            assert worker.id is not None
            heartbeat, since = before.get(worker.id, (-1, now))
            self._seen[worker.id] = (heartbeat, since) if heartbeat == worker.heartbeat else (worker.heartbeat, now)
        return [worker for worker, (_, since) in self._seen.items() if now - since >= self._dead_after_seconds]
