"""The supervisor: claims runs for its slots, heartbeats, records what trainers report, sees them die. No torch."""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from core import queue, workers
from core.database import Database
from core.lease import Lease
from core.run_state import LeaseLost
from core.settings import Settings
from worker.claims import FreeSpaceFloor, anything_waits, claim, most_in_stack
from worker.dataset_child import DatasetChild
from worker.export_child import ExportChild
from worker.messages import Closed, Message
from worker.recording import is_final, record_all
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
        self._most_in_stack = most_in_stack(settings, len(gpus))
        self._writer, self._floor = Writer(database), FreeSpaceFloor(settings.data_dir, settings.min_free_mib)
        self._torch_version: str | None = None
        self._stopping, self._beaten_at = False, 0.0
        self._worker_id = self._join()
        shared, own = settings.as_environment(), [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus] or [{}]
        self._slots = [
            Slot(number, settings.threads, shared | own[number % len(own)], self._most_in_stack)
            for number in range(self._num_slots)
        ]
        self._exports = ExportChild(settings, database, self._writer, self._floor)
        self._datasets = DatasetChild(settings, database, self._writer, self._floor)

    def run(self) -> None:
        """Until SIGINT or SIGTERM, then hands every run back and ends the trainers."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear_stop)
        watch = self._database.watch()
        try:
            while not self._stopping:
                self._listen()
                self._beat_if_due()
                self._exports.attend(self._worker_id)
                self._datasets.attend(self._worker_id)
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
            is_alive = self._drain(slot)
            if slot.is_lost:
                self._abandon(slot)
            elif not is_alive:
                self._bury(slot)
        for slot in self._slots:
            slot.start_if_due()

    def _drain(self, slot: Slot) -> bool:
        """Records what the slot's child has said; False where it is gone."""
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
        if report["report"] == "room":
            slot.room[report["stack_key"]] = report["size"]
            return
        reports = slot.own(report)
        finals = [lease for lease, report in reports if is_final(report)]
        if finals:
            with suppress(Closed):  # its last words were said before; a death is noticed by _drain
                for line in slot.log.waiting():
                    self._keep_line(slot, line)
        self._record(slot, reports)
        for lease in finals:
            slot.let_go(lease)

    def _record(self, slot: Slot, reports: Sequence[tuple[Lease, Message]]) -> None:
        if not reports:
            return
        superseded, lost = self._writer.write(lambda session: record_all(session, reports))
        for name in superseded:
            (self._settings.runs_dir / name).unlink(missing_ok=True)
        for lease in lost:
            slot.lose(lease)

    def _keep_line(self, slot: Slot, line: str) -> None:
        """What is said on standard error is nobody's in particular: it is in the log of each run of a stack."""
        if not slot.leases:
            print(f"slot {slot.number}: {line}", file=sys.stderr, flush=True)
        self._record(slot, [(lease, {"report": "log", "line": line}) for lease in slot.leases.values()])

    def _bury(self, slot: Slot) -> None:
        """Records that a child died, a crash of each of its runs, and starts another in its place."""
        leases = [lease for lease in slot.leases.values() if lease.run_id not in slot.lost]
        code = slot.end()
        slot.restart()
        if self._stopping:
            return
        how = f"killed by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"ended with code {code}"
        suggestion = "If memory was short (see the log), use a smaller batch or network; then requeue the run."
        for lease in leases:
            with suppress(LeaseLost):
                self._writer.write(
                    partial(queue.crash, lease=lease, reason=f"The trainer was {how}.", suggestion=suggestion)
                )

    def _abandon(self, slot: Slot) -> None:
        """What it trains is another's now: the child must not go on with it."""
        slot.end()
        slot.restart()

    def _beat_if_due(self) -> None:
        if time.monotonic() - self._beaten_at < workers.HEARTBEAT_SECONDS:
            return
        vitals = measure_vitals() | {
            "torch_version": self._torch_version,
            "free_space_low": self._floor.is_low(),
            "slots": [slot.vitals() for slot in self._slots],
            "most_in_stack": self._most_in_stack,
        }
        try:
            self._writer.write(lambda session: workers.beat(session, self._worker_id, vitals))
        except workers.WorkerLost:  # judged dead, after a long sleep say: its runs are the queue's again
            for slot in self._slots:
                if slot.leases:
                    self._abandon(slot)
            self._exports.end(self._worker_id)  # or it would export beside a benchmark: its worker counts as gone
            self._datasets.end()
            self._worker_id = self._join()
        self._beaten_at = time.monotonic()

    def _obey_wishes(self) -> None:
        for slot in [slot for slot in self._slots if slot.leases]:
            with self._database.reading() as session:
                for lease in [lease for lease in slot.leases.values() if lease.run_id not in slot.stops_sent]:
                    try:
                        if queue.stop_wanted(session, lease):
                            slot.ask_to_stop(lease.run_id)
                    except LeaseLost:
                        slot.lose(lease)
            if slot.is_lost:
                self._abandon(slot)

    def _claim(self) -> None:
        for slot in self._slots:
            if not slot.is_idle or not anything_waits(self._database) or self._floor.is_low():
                continue
            num_idle = sum(not other.leases for other in self._slots)
            claimed = self._writer.write(
                partial(claim, worker_id=self._worker_id, settings=self._settings, most=slot.most, num_idle=num_idle)
            )
            if not claimed:
                return
            slot.train(claimed)

    def _stop(self) -> None:
        """Asks every trainer to stop, records its last reports, kills what does not answer, hands all back."""
        for slot in self._slots:
            for run_id in slot.leases:
                slot.ask_to_stop(run_id)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(slot.leases for slot in self._slots):
            self._listen()
        for slot in self._slots:
            if slot.child.returncode is None:
                slot.end()
        self._exports.end(self._worker_id)
        self._datasets.end()
        with self._database.writing() as session:
            workers.end(session, self._worker_id)
