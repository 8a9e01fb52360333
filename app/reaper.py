"""The reaper: ends workers whose heartbeat has stopped, so that their runs go back to the queue."""

import logging
import threading

from core.database import Database
from core.tables import Worker
from core.workers import HeartbeatJudge, end, live_workers

CHECK_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Reaper:
    """A thread beside the server; the judge's clock starts with it, so a restart gives every worker its full time."""

    def __init__(self, database: Database, judge: HeartbeatJudge | None = None) -> None:
        self._database = database
        self._judge = judge or HeartbeatJudge()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="reaper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def check(self) -> None:
        """Judges every worker once and ends those that are silent."""
        with self._database.reading() as session:
            workers = live_workers(session)
        heartbeats = {worker.id: worker.heartbeat for worker in workers}
        for worker_id in self._judge.silent(workers):
            self._end(worker_id, heartbeats[worker_id])

    def _end(self, worker_id: int, judged_heartbeat: int) -> None:
        with self._database.writing() as session:
            worker = session.get(Worker, worker_id)
            if worker is None or worker.ended_at is not None or worker.heartbeat != judged_heartbeat:
                return  # it left, or beat once more while we judged
            runs = end(session, worker_id)
        logger.warning("Worker %d is silent; its runs go back to the queue: %s", worker_id, runs or "none")

    def _watch(self) -> None:
        while not self._stopping.wait(CHECK_SECONDS):
            try:
                self.check()
            except Exception:  # of any kind: without a reaper, runs of a dead worker would wait for ever
                logger.exception("The reaper failed; it tries again.")
