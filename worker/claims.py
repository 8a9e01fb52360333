"""Which run a slot gets next, with all that its trainer must know; and when none is taken, for want of disk space."""

import shutil
import sys
from pathlib import Path

from sqlmodel import Session

from core import benchmark_mode, queue, queue_order, runs
from core.database import Database
from core.lease import Lease
from core.reproductions import threads_of
from core.tables import Run
from worker.messages import Message
from worker.recording import remove_orphans

MEBIBYTE = 2**20


def anything_waits(database: Database) -> bool:
    """Read first, so that an empty queue costs no writing transaction."""
    with database.reading() as session:
        waiting = session.exec(queue_order.next_in_line().limit(1)).first()
        return waiting is not None and not queue_order.is_paused(session) and benchmark_mode.may_start(session)


def claim(session: Session, worker_id: int, runs_dir: Path) -> list[tuple[Lease, Message]]:
    """Claims the first run in line, with what its trainer is told; nothing where there is none to be had."""
    run = queue.claim_oldest(session, worker_id)
    if run is None:
        return []
    return [_told(session, run, runs_dir)]


def _told(session: Session, run: Run, runs_dir: Path) -> tuple[Lease, Message]:
    assert run.id is not None
    assert run.worker_id is not None
    artifacts = runs.artifacts_of_run(session, run.id)
    remove_orphans(runs_dir / str(run.id), {artifact.file_name for artifact in artifacts})
    checkpoint = next((artifact for artifact in artifacts if artifact.id == run.checkpoint_id), None)
    return Lease(run.id, run.worker_id, run.attempt), {
        "run_id": run.id,
        "attempt": run.attempt,
        "config": run.config,
        "layers": run.layers,
        "threads": threads_of(session, run),
        "checkpoint": checkpoint and {"file_name": checkpoint.file_name, "sha256": checkpoint.sha256},
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
