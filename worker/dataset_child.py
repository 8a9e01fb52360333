"""The supervisor's side of importing and fetching datasets: one child process while a task waits. No torch."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from core.benchmark_mode import may_export
from core.database import Database
from core.dataset_files import EntryNotFound, path_of_source, remove_files_of, remove_files_of_ended, staging_of
from core.dataset_store import DatasetBroken, DatasetMissing
from core.dataset_tables import DatasetTask
from core.dataset_tasks import (
    TaskLease,
    TaskLost,
    check_task_owned,
    claim_task,
    complete_task,
    differs_from_its_past,
    fail_task,
    give_task_back,
    report_task,
    task_by_id,
    waiting_tasks,
)
from core.import_wishes import ImportWishes
from core.settings import Settings
from worker.claims import FreeSpaceFloor
from worker.installing import Refused, install
from worker.messages import Closed, LinePipe, Message
from worker.writer import Writer

LOOK_SECONDS = 0.5  # between two looks for a task that waits, and for a cancel of the one at work
END_SECONDS = 1.0  # that a killed child is waited for
NO_WORD = "If memory was short, import fewer or smaller images, or stop a slot."
OURS = "That is a fault of Trainyard's: the worker's log says which."


class DatasetChild:
    """At most one at a time, beside the trainers and behind them by priority; nothing waits for it."""

    def __init__(self, settings: Settings, database: Database, writer: Writer, floor: FreeSpaceFloor) -> None:
        self._settings, self._database, self._writer, self._floor = settings, database, writer, floor
        self._child: subprocess.Popen[bytes] | None = None
        self._look_at = 0.0  # time.monotonic
        self._last_word: Message | None = None

    def attend(self, worker_id: int) -> None:
        """Starts a child where a task waits, records what it says, and ends with it; never blocks."""
        if self._child is None:
            self._start_if_due(worker_id)
            return
        try:
            while (said := self._reports.next_message(0)) is not None:
                self._hear(said)
            if time.monotonic() >= self._look_at:
                self._look_at = time.monotonic() + LOOK_SECONDS
                self._stop_if_lost()
        except TaskLost:
            self._end_child()
            self._clean_up()
        except Closed:
            if self._child.poll() is not None:
                code = self._child.returncode
                self._end_child()
                with suppress(TaskLost):
                    self._conclude(code)
                self._clean_up()

    def end(self) -> None:
        """At any moment: the task is the queue's again."""
        if self._child is None:
            return
        self._end_child()
        with suppress(TaskLost):
            self._writer.write(lambda session: give_task_back(session, self._lease))

    def _start_if_due(self, worker_id: int) -> None:
        if time.monotonic() < self._look_at or self._floor.is_low():
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        with self._database.reading() as session:
            if session.exec(waiting_tasks().limit(1)).first() is None or not may_export(session):
                return
        task = self._writer.write(lambda session: claim_task(session, worker_id))
        with self._database.reading() as session:
            remove_files_of_ended(session, self._settings)
        if task is None:
            return
        assert task.id is not None
        self._task, self._lease, self._last_word = task, TaskLease(task.id, worker_id, task.attempt), None
        try:
            command = self._command(task)
        except EntryNotFound as error:
            reason = str(error)
            self._writer.write(lambda session: fail_task(session, self._lease, reason, "Put it there again."))
            return
        self._child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            env=os.environ | self._settings.as_environment() | {"OMP_NUM_THREADS": "1"}, start_new_session=True,
        )  # fmt: skip
        assert self._child.stdout is not None
        self._reports = LinePipe(self._child.stdout.fileno())

    def _command(self, task: DatasetTask) -> list[str]:
        """Raises EntryNotFound."""
        start = [sys.executable, "-P", "-m"]
        if task.kind == "fetch":
            return [*start, "worker.making", task.dataset]
        source = task.wishes["source"]
        asked = {
            "wishes": self._wishes.model_dump(mode="json"), "path": str(path_of_source(self._settings, source)),
            "staging": str(staging_of(self._settings, self._lease.task_id)), "source": source["shown"],
            "keep_free_bytes": self._settings.min_free_mib * 2**20,
        }  # fmt: skip
        return [*start, "worker.import_child", json.dumps(asked)]

    @property
    def _wishes(self) -> ImportWishes:
        own: dict[str, Any] = {name: value for name, value in self._task.wishes.items() if name != "source"}
        return ImportWishes.model_validate(own)

    def _hear(self, said: Message) -> None:
        if "say" in said:
            says, fraction = str(said["say"])[:200], said.get("fraction")
            self._writer.write(lambda session: report_task(session, self._lease, says, fraction))
        else:
            self._last_word = said

    def _stop_if_lost(self) -> None:
        """Raises TaskLost."""
        with self._database.reading() as session:
            check_task_owned(session, self._lease)

    def _conclude(self, code: int) -> None:
        """What came of it, recorded. Raises TaskLost."""
        word = self._last_word or {}
        if "done" in word:
            self._install(word["done"])
        elif "refused" in word or "reason" in word:  # of an import, of a fetch
            told = word.get("refused", word)
            bad_files, num = told.get("bad_files", []), told.get("num_bad_files", 0)
            self._writer.write(
                lambda session: fail_task(session, self._lease, told["reason"], told["suggestion"], bad_files, num)
            )
        elif code == 0 and self._task.kind == "fetch":
            self._writer.write(lambda session: complete_task(session, self._lease))
        else:
            why = f"The process that reads it ended with code {code}."
            advice = OURS if code == 1 else NO_WORD  # Python's own end at an exception; a signal is negative
            self._writer.write(lambda session: fail_task(session, self._lease, why, advice))

    def _install(self, done: Message) -> None:
        try:
            with self._database.reading() as session:
                check_task_owned(session, self._lease)  # another's images may have the name by now
                if (why := differs_from_its_past(session, self._task.dataset, done["sha256"])) is not None:
                    raise Refused(why, "Import it under another name.")
            row = install(self._settings, self._lease.task_id, done, self._wishes.licence)
        except (Refused, DatasetMissing, DatasetBroken, OSError) as error:
            why, advice = str(error), getattr(error, "suggestion", "Check the data folder, then import again.")
            self._writer.write(lambda session: fail_task(session, self._lease, why, advice))
            return
        self._writer.write(lambda session: complete_task(session, self._lease, row))

    def _clean_up(self) -> None:
        """After a task's end; one that is another worker's now keeps its files."""
        with self._database.reading() as session:
            task = task_by_id(session, self._lease.task_id)
        if task.ended_at is not None:
            remove_files_of(self._settings, task)

    def _end_child(self) -> None:
        assert self._child is not None
        self._child.kill()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(END_SECONDS)
        assert self._child.stdout is not None
        self._child.stdout.close()
        self._child = None
