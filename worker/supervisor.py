"""The supervisor: claims runs for its slots, heartbeats, records what trainers report, sees them die. No torch."""

import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress

from core import queue, workers
from core.database import Database
from core.run_state import LeaseLost
from core.settings import Settings
from worker.claims import FreeSpaceFloor, anything_waits, claim
from worker.export_child import ExportChild
from worker.messages import Closed, Message
from worker.recording import is_final, record
from worker.slot import Slot
from worker.vitals import gpus_for_slots, measure_vitals, num_cores, num_gpus
from worker.writer import Writer

POLL_SECONDS = 0.05  # how late a new run or a wish is seen at most; one PRAGMA each
STOP_SECONDS = 5.0  # what the trainers get to reach a progress report before they are killed


class Supervisor:
    """One worker process. `run()` returns when it was told to stop."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        gpus = gpus_for_slots(num_gpus(), os.environ.get("CUDA_VISIBLE_DEVICES"))
        self._num_slots = settings.slots or len(gpus) or max(1, num_cores() // settings.threads)
        self._writer, self._floor = Writer(database), FreeSpaceFloor(settings.data_dir, settings.min_free_mib)
        self._torch_version: str | None = None
        self._stopping, self._beaten_at = False, 0.0
        self._worker_id = self._join()
        shared, own = settings.as_environment(), [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus] or [{}]
        self._slots = [
            Slot(number, settings.threads, shared | own[number % len(own)]) for number in range(self._num_slots)
        ]
        self._exports = ExportChild(settings, database, self._writer, self._floor)

    def run(self) -> None:
        """Until SIGINT or SIGTERM, then hands every run back and ends the trainers."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear_stop)
        watch = self._database.watch()
        try:
            while not self._stopping:
                self._listen()
                self._beat_if_due()
                self._exports.attend()
                # One change is one look; a slot that became idle looks too, for what waited meanwhile.
                if watch.changed() or any(slot.is_idle for slot in self._slots):
                    self._obey_wishes()
                    self._claim()
        finally:
            watch.close()
            self._stop()

    def _hear_stop(self, *_: object) -> None:
        self._stopping = self._writer.gives_up = True

    def _join(self) -> int:
        host, threads = socket.gethostname(), self._settings.threads
        return self._writer.write(
            lambda session: workers.join(
                session, host=host, process_id=os.getpid(), slots=self._num_slots, threads=threads
            )
        )

    def _listen(self) -> None:
        """Waits for reports at most POLL_SECONDS, records them, and notices the dead."""
        living = [slot for slot in self._slots if slot.child.returncode is None]
        pipes = [pipe.descriptor for slot in living for pipe in (slot.reports, slot.log)]
        select.select(pipes, [], [], POLL_SECONDS)
        for slot in living:
            try:
                is_alive = self._drain(slot)
            except LeaseLost:
                self._abandon(slot)
                continue
            if not is_alive:
                self._bury(slot)
        for slot in self._slots:
            slot.start_if_due()

    def _drain(self, slot: Slot) -> bool:
        """Records what the slot's child has said; False where it is gone. Raises LeaseLost."""
        try:
            for said in slot.said():
                if isinstance(said, str):
                    self._keep_line(slot, said)
                else:
                    self._hear(slot, said)
        except Closed:
            return False
        return True

    def _hear(self, slot: Slot, report: Message) -> None:
        if report["report"] == "ready":
            slot.ready, self._torch_version = True, report["torch_version"]
            return
        lease = slot.lease
        if lease is None or (report["run_id"], report["attempt"]) != (lease.run_id, lease.attempt):
            return
        if is_final(report):
            with suppress(Closed):  # its last words were said before; a death is noticed by _drain
                for line in slot.log.waiting():
                    self._keep_line(slot, line)
        superseded = self._writer.write(lambda session: record(session, lease, report))
        for name in superseded:
            (self._settings.runs_dir / str(lease.run_id) / name).unlink(missing_ok=True)
        if is_final(report):
            slot.lease = None

    def _keep_line(self, slot: Slot, line: str) -> None:
        lease = slot.lease
        if lease is None:
            print(f"slot {slot.number}: {line}", file=sys.stderr, flush=True)
            return
        self._writer.write(lambda session: queue.add_log_line(session, lease, line))

    def _bury(self, slot: Slot) -> None:
        """Records that a child died, and starts another in its place."""
        lease = slot.lease
        code = slot.end()
        slot.restart()
        if lease is None or self._stopping:
            return
        how = f"killed by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"ended with code {code}"
        suggestion = "If memory was short (see the log), use a smaller batch or network; then requeue the run."
        try:
            self._writer.write(lambda session: queue.crash(session, lease, f"The trainer was {how}.", suggestion))
        except LeaseLost:
            return

    def _abandon(self, slot: Slot) -> None:
        """The run is another's now: the child must not go on with it."""
        slot.end()
        slot.restart()

    def _beat_if_due(self) -> None:
        if time.monotonic() - self._beaten_at < workers.HEARTBEAT_SECONDS:
            return
        vitals = measure_vitals() | {
            "torch_version": self._torch_version,
            "free_space_low": self._floor.is_low(),
            "slots": [slot.vitals() for slot in self._slots],
        }
        try:
            self._writer.write(lambda session: workers.beat(session, self._worker_id, vitals))
        except workers.WorkerLost:  # judged dead, after a long sleep say: its runs are the queue's again
            for slot in self._slots:
                if slot.lease is not None:
                    self._abandon(slot)
            self._worker_id = self._join()
        self._beaten_at = time.monotonic()

    def _obey_wishes(self) -> None:
        for slot in self._slots:
            if slot.lease is None or slot.stop_sent:
                continue
            try:
                with self._database.reading() as session:
                    wanted = queue.stop_wanted(session, slot.lease)
            except LeaseLost:
                self._abandon(slot)
                continue
            if wanted:
                slot.ask_to_stop()

    def _claim(self) -> None:
        for slot in self._slots:
            if not slot.is_idle or not anything_waits(self._database) or self._floor.is_low():
                continue
            claimed = self._writer.write(lambda session: claim(session, self._worker_id, self._settings.runs_dir))
            if claimed is None:
                return
            slot.train(*claimed)

    def _stop(self) -> None:
        """Asks every trainer to stop, records its last reports, kills what does not answer, hands all back."""
        for slot in self._slots:
            slot.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(slot.lease is not None for slot in self._slots):
            self._listen()
        for slot in self._slots:
            if slot.child.returncode is None:
                slot.end()
        self._exports.end()
        with self._database.writing() as session:
            workers.end(session, self._worker_id)
