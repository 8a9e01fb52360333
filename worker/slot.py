"""One slot: its trainer child, the pipes to it, and the leases it works on: several where runs are stacked."""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from core.lease import Lease
from core.tables import Run
from worker.messages import Closed, LinePipe, Message, send

# A child that cannot even start is tried again after so long, so that a broken installation does not spin.
RESTART_SECONDS = 5.0
# Reports of a slot before heartbeat, wishes and other slots have their turn: a trainer of short epochs reports faster
# than a busy disk records.
MOST_AT_ONCE = 16
PIPE_BYTES = 4096  # a page, the least there is: about twenty reports; a stack has as many for each of its runs
# Else glibc gives memory back and asks for it again at each step, page by page: docs/performance.md.
KEEP_FREED_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(64 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}


class Slot:
    """A trainer child and what it is doing. Restarted by the supervisor when it dies."""

    def __init__(self, number: int, threads: int, environment: Mapping[str, str], most_in_stack: int = 1) -> None:
        self.number, self._threads, self._environment = number, threads, environment
        self._most_in_stack = most_in_stack
        self.leases: dict[int, Lease] = {}  # by run; a lost one until the child has let go of it
        self.lost: set[int] = set()
        self.stops_sent: set[int] = set()
        self.room: dict[str, int] = {}  # how many runs of a stack key its trainer found to fit
        self.restart_at = 0.0  # time.monotonic
        self._start()

    def _start(self) -> None:
        self.ready = False
        reading, writing = os.pipe()
        if hasattr(
            fcntl, "F_SETPIPE_SZ"
        ):  # Linux: a trainer ahead of the record waits soon, and a wish is not far behind
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES * self._most_in_stack)
        self.child = subprocess.Popen(
            [sys.executable, "-P", "-m", "worker.trainer", str(writing), str(self._threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[writing],
            env={**KEEP_FREED_MEMORY, **os.environ, **self._environment, "OMP_NUM_THREADS": str(self._threads)},
            start_new_session=True,  # Ctrl-C is the supervisor's to hear
        )
        os.close(writing)
        assert self.child.stderr is not None
        self.reports, self.log = LinePipe(reading), LinePipe(self.child.stderr.fileno())

    @property
    def is_idle(self) -> bool:
        return self.ready and not self.leases

    def most(self, run: Run) -> int:
        """How many runs like this one it may train as one stack."""
        return self.room.get(run.stack_key or "", self._most_in_stack)

    @property
    def is_lost(self) -> bool:
        """Whether all that it trains is another's now."""
        return bool(self.leases) and self.leases.keys() <= self.lost

    def own(self, message: Message) -> list[tuple[Lease, Message]]:
        """The reports that the message carries, one or those of a stack, but for what is not of its leases."""
        reports = message["reports"] if message["report"] == "together" else [message]
        pairs = ((self.leases.get(report["run_id"]), report) for report in reports)
        return [(lease, report) for lease, report in pairs if lease is not None and lease.attempt == report["attempt"]]

    def said(self) -> Iterator[str | Message]:
        """Lines of its log, then reports: of a living child but its turn. Raises Closed after its last words."""
        most = MOST_AT_ONCE
        try:
            yield from self.log.waiting(most)
        except Closed:
            most = sys.maxsize
        try:
            yield from map(json.loads, self.reports.waiting(most))
        except Closed:
            with suppress(Closed):
                yield from self.log.waiting()
            raise
        if most > MOST_AT_ONCE:
            raise Closed

    def train(self, claimed: Sequence[tuple[Lease, Message]]) -> None:
        """Hands the child runs, several as a stack; it must be idle. The supervisor notices where it died meanwhile."""
        assert self.is_idle
        self.leases, self.lost, self.stops_sent = {lease.run_id: lease for lease, _ in claimed}, set(), set()
        runs = [run for _, run in claimed]
        self._send({"command": "train", "runs": runs, "is_room_known": runs[0]["stack_key"] in self.room})

    def ask_to_stop(self, run_id: int) -> None:
        """Obeyed at the child's next progress report; the rest of a stack goes on."""
        if run_id not in self.stops_sent:
            self.stops_sent.add(run_id)
            self._send({"command": "stop", "run_id": run_id})

    def lose(self, lease: Lease) -> None:
        """The run is another's now. The rest of a stack goes on without it."""
        self.lost.add(lease.run_id)
        if not self.is_lost:
            self.ask_to_stop(lease.run_id)

    def let_go(self, lease: Lease) -> None:
        """The child is done with the run."""
        self.leases.pop(lease.run_id)
        self.lost.discard(lease.run_id)

    def _send(self, message: Message) -> None:
        assert self.child.stdin is not None
        try:
            send(self.child.stdin.fileno(), message)
        except BrokenPipeError:
            return

    def end(self) -> int:
        """Kills the child if it lives, frees its pipes, and tells its exit code."""
        self.child.kill()
        code = self.child.wait()
        for pipe in (self.child.stdin, self.child.stderr):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        os.close(self.reports.descriptor)
        self.leases = {}
        return code

    def restart(self) -> None:
        """A new child in place of one that ended."""
        self.restart_at = time.monotonic() + (0.0 if self.ready else RESTART_SECONDS)
        self.ready = False

    def start_if_due(self) -> None:
        if self.child.returncode is not None and time.monotonic() >= self.restart_at:
            self._start()

    def vitals(self) -> Message:
        state = "training" if self.leases else "ready" if self.ready else "starting"
        return {"slot": self.number, "state": state, "run": next(iter(self.leases), None), "runs": len(self.leases)}
