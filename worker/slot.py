"""One slot: its trainer child, the pipes to it, and the lease it works on."""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

from core.lease import Lease
from worker.messages import Closed, LinePipe, Message, send

# A child that cannot even start is tried again after so long, so that a broken installation does not spin.
RESTART_SECONDS = 5.0
# Reports of a slot before heartbeat, wishes and other slots have their turn: a trainer of short epochs reports faster
# than a busy disk records.
MOST_AT_ONCE = 16
PIPE_BYTES = 4096  # a page, the least there is: about twenty reports
# Else glibc gives memory back and asks for it again at each step, page by page: docs/performance.md.
KEEP_FREED_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(64 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}


class Slot:
    """A trainer child and what it is doing. Restarted by the supervisor when it dies."""

    def __init__(self, number: int, threads: int, environment: Mapping[str, str]) -> None:
        self.number, self._threads, self._environment = number, threads, environment
        self.lease: Lease | None = None
        self.stop_sent = False
        self.restart_at = 0.0  # time.monotonic
        self._start()

    def _start(self) -> None:
        self.ready = False
        reading, writing = os.pipe()
        if hasattr(
            fcntl, "F_SETPIPE_SZ"
        ):  # Linux: a trainer ahead of the record waits soon, and a wish is not far behind
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
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
        return self.ready and self.lease is None

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

    def train(self, lease: Lease, command: Message) -> None:
        """Hands the child a run; it must be idle. A child that died meanwhile is noticed by the supervisor."""
        assert self.is_idle
        self.lease, self.stop_sent = lease, False
        self._send({"command": "train", **command})

    def ask_to_stop(self) -> None:
        """Obeyed at the child's next progress report."""
        if self.lease is not None and not self.stop_sent:
            self.stop_sent = True
            self._send({"command": "stop", "run_id": self.lease.run_id})

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
        self.lease = None
        return code

    def restart(self) -> None:
        """A new child in place of one that ended."""
        self.restart_at = time.monotonic() + (0.0 if self.ready else RESTART_SECONDS)
        self.ready = False

    def start_if_due(self) -> None:
        if self.child.returncode is not None and time.monotonic() >= self.restart_at:
            self._start()

    def vitals(self) -> Message:
        state = "training" if self.lease is not None else "ready" if self.ready else "starting"
        return {"slot": self.number, "state": state, "run": self.lease.run_id if self.lease is not None else None}
