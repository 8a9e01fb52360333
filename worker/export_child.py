"""The supervisor's side of exporting: one child process, while completed runs wait for their files. No torch."""

import os
import subprocess
import sys
import time
from contextlib import suppress

from sqlmodel import Session

from core.benchmark_mode import begin_exporting, end_exporting, may_export
from core.database import Database
from core.exports import begin_export, give_up_exports, is_export_due, record_export
from core.records import WrittenFile
from core.run_files import folder_of_run
from core.settings import Settings
from worker.claims import FreeSpaceFloor
from worker.messages import Closed, LinePipe, Message, send
from worker.writer import Writer

# A child imports torch for some seconds: runs that complete soon after one another share it.
PAUSE_SECONDS = 10.0
MOST_FALSE_STARTS = 3  # of a child that ends before it is ready; each pause is twice the one before. Guess, untuned
LOOK_SECONDS = 1.0  # between two looks for a run that waits
END_SECONDS = 1.0  # that a killed child is waited for: on a busy machine it is slow to die, too


class ExportChild:
    """What the child writes is recorded here, as what the trainers write is. Nothing waits for it."""

    def __init__(self, settings: Settings, database: Database, writer: Writer, floor: FreeSpaceFloor) -> None:
        self._settings, self._database, self._writer, self._floor = settings, database, writer, floor
        self._child: subprocess.Popen[bytes] | None = None
        self._run_id: int | None = None  # that it is at
        self._gave_way = False  # killed, for a benchmark wants the machine
        self._look_at = 0.0  # time.monotonic
        self._was_ready, self._false_starts = False, 0

    @property
    def is_busy(self) -> bool:
        return self._child is not None

    def attend(self, worker_id: int) -> None:
        """Records what the child has written, gives it the next run, starts one where a run waits; never blocks."""
        if self._child is None:
            self._start_if_due(worker_id)
            return
        self._give_way_if_due()
        try:
            while (report := self._reports.next_message(0)) is not None:
                self._was_ready, self._false_starts = True, 0
                if report["report"] == "exported":
                    self._record(report)
                self._give_next()
        except Closed:  # it has ended, or will in a moment
            if self._child.poll() is not None:
                with self._child:  # closes its pipes
                    pass
                self._count_false_start(self._child.returncode)
                self._child, self._look_at = None, time.monotonic() + PAUSE_SECONDS * 2**self._false_starts
                unfinished = self._run_id if self._gave_way else None
                self._writer.write(lambda session: end_exporting(session, worker_id, unfinished))

    def _give_way_if_due(self) -> None:
        """A benchmark does not wait for a process of the least priority, which would be minutes on a busy machine."""
        if time.monotonic() < self._look_at or self._gave_way:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        with self._database.reading() as session:
            if may_export(session):
                return
        assert self._child is not None
        self._gave_way = True
        self._child.kill()

    def _count_false_start(self, code: int) -> None:
        """One that ended well found that another exports here; one that was ready is counted by the run it was at."""
        if code == 0 or self._was_ready or self._gave_way:
            return
        self._false_starts += 1
        if self._false_starts == MOST_FALSE_STARTS:
            self._false_starts = 0
            why = f"the process that exports ended {MOST_FALSE_STARTS} times before it was ready (exit code {code})."
            print(f"{why} Nothing is exported until it is asked for again.", file=sys.stderr, flush=True)
            self._writer.write(lambda session: give_up_exports(session, f"{why} What the worker printed says more."))

    def end(self, worker_id: int) -> None:
        """At any moment: what it was at is done again, and this was no try."""
        if self._child is None:
            return
        self._child.kill()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(END_SECONDS)
        for pipe in filter(None, (self._child.stdin, self._child.stdout)):
            pipe.close()
        self._child = None
        self._writer.write(lambda session: end_exporting(session, worker_id, self._run_id))

    def _start_if_due(self, worker_id: int) -> None:
        if time.monotonic() < self._look_at or self._floor.is_low():
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        with self._database.reading() as session:
            if not is_export_due(session) or not may_export(session):
                return
        if not self._writer.write(lambda session: begin_exporting(session, worker_id)):
            return
        self._run_id, self._gave_way = None, False
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "worker.exporting"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **self._settings.as_environment(), "OMP_NUM_THREADS": str(self._settings.threads)},
            start_new_session=True,  # Ctrl-C is the supervisor's to hear; and a session is a group of the scheduler's
        )
        assert self._child.stdout is not None
        self._was_ready = False
        self._reports = LinePipe(self._child.stdout.fileno())

    def _give_next(self) -> None:
        """Where none waits any more, or a benchmark wants the machine, the child ends."""
        assert self._child is not None
        assert self._child.stdin is not None
        run_id = None if self._floor.is_low() else self._writer.write(_next_export)
        self._run_id = run_id
        with suppress(BrokenPipeError):
            if run_id is None:
                self._child.stdin.close()
            else:
                send(self._child.stdin.fileno(), {"run_id": run_id})

    def _record(self, report: Message) -> None:
        self._run_id = None
        run_id, files = report["run_id"], [WrittenFile(**file) for file in report["files"]]
        if self._writer.write(lambda session: record_export(session, run_id, files, report["complaints"])):
            return
        folder = folder_of_run(self._settings.runs_dir, run_id)
        for file in files:
            (folder / file.file_name).unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()  # purged meanwhile, and made anew by the first file


def _next_export(session: Session) -> int | None:
    return begin_export(session) if may_export(session) else None
