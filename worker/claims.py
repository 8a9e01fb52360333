"""Which runs a slot gets next, with all that its trainer must know; and when none is taken, for want of disk space."""

import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func
from sqlmodel import Session, select

from core import benchmark_mode, queue, queue_order, runs
from core.database import Database
from core.lease import Lease
from core.reproductions import threads_of
from core.settings import MAX_STACK, Settings
from core.tables import Run
from worker.messages import Message
from worker.recording import remove_orphans

MEBIBYTE = 2**20


def anything_waits(database: Database) -> bool:
    """Read first, so that an empty queue costs no writing transaction."""
    with database.reading() as session:
        waiting = session.exec(queue_order.next_in_line().limit(1)).first()
        return waiting is not None and not queue_order.is_paused(session) and benchmark_mode.may_start(session)


def most_in_stack(settings: Settings, num_gpus: int) -> int:
    """How many runs a slot may claim at once before its trainer has measured how many fit."""
    if settings.stack != "auto":
        return settings.stack
    return MAX_STACK if num_gpus and not settings.deterministic else 1  # on a CPU it does not pay: docs/performance.md


def claim(
    session: Session, worker_id: int, settings: Settings, most: Callable[[Run], int], num_idle: int
) -> list[tuple[Lease, Message]]:
    """Claims the first run in line, with what its trainer is told, and those that are trained with it as one stack.

    `most`: of runs like this one, in one slot; `num_idle`: slots that share what waits, this one among them.
    """
    first = queue.claim_oldest(session, worker_id)
    if first is None:
        return []
    size, claimed = most(first), [first]
    is_on_cpu = settings.stack == "auto" and first.config["device"] == "cpu"
    if size > 1 and not is_on_cpu and not queue_order.is_trained_alone(first):
        size = min(size, _fair_share(session, first, num_idle))
        claimed += queue.claim_beside(session, first, size - 1)
    return [_told(session, run, settings.runs_dir) for run in claimed]


def _fair_share(session: Session, first: Run, num_idle: int) -> int:
    """Runs like this one are spread over the slots that nothing else in line would keep busy."""
    alike = queue_order.stackable_with(first).subquery()
    num_alike = 1 + session.exec(select(func.count()).select_from(alike)).one()
    return math.ceil(num_alike / max(1, num_idle - queue_order.num_stacks_beside(session, first)))


def _told(session: Session, run: Run, runs_dir: Path) -> tuple[Lease, Message]:
    assert run.id is not None
    assert run.worker_id is not None
    artifacts = runs.artifacts_of_run(session, run.id)
    remove_orphans(runs_dir / str(run.id), {artifact.file_name for artifact in artifacts})
    checkpoint = next((artifact for artifact in artifacts if artifact.id == run.checkpoint_id), None)
    source = next((artifact for artifact in artifacts if artifact.kind == "source"), None)
    return Lease(run.id, run.worker_id, run.attempt), {
        "run_id": run.id,
        "attempt": run.attempt,
        "config": run.config,
        "layers": run.layers,
        "stack_key": run.stack_key,
        "threads": threads_of(session, run),
        "checkpoint": checkpoint and {"file_name": checkpoint.file_name, "sha256": checkpoint.sha256},
        "source": source and {"file_name": source.file_name, "sha256": source.sha256},
    }


class FreeSpaceFloor:
    """Below it no run is started: those under way need what is left for their checkpoints, the database for its log."""

    def __init__(self, folder: Path, min_free_mib: int) -> None:
        self._folder, self._min_free_mib = folder, min_free_mib
        self._was_low = False

    def is_low(self) -> bool:
        """Whether the folder's disk has less left; each change is said once on standard error."""
        free_mib = shutil.disk_usage(self._folder).free // MEBIBYTE
        low = free_mib < self._min_free_mib
        if low != self._was_low:
            self._was_low = low
            which = f"fewer than {self._min_free_mib:,}: no run is started" if low else "runs are started again"
            print(f"{free_mib:,} MiB are free on the disk of {self._folder}, {which}", file=sys.stderr, flush=True)
        return low
