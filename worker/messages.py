"""What supervisor and trainer say to each other: one JSON object a line, through two pipes."""

import json
import os
import select
import sys
from collections.abc import Iterator
from typing import Any

Message = dict[str, Any]  # JSON of either side's own making, never of a user's


class Closed(EOFError):
    """The other side is gone."""


class LinePipe:
    """Reads whole lines from a pipe without blocking longer than asked."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._rest = b""
        self._lines: list[bytes] = []

    def next_line(self, timeout_seconds: float | None) -> str | None:
        """The next line, None where none came in time (None: wait for one); raises Closed at the end."""
        while not self._lines:
            readable, _, _ = select.select([self.descriptor], [], [], timeout_seconds)
            if not readable:
                return None
            chunk = os.read(self.descriptor, 65536)
            if not chunk:
                raise Closed
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            self._lines += lines
        return self._lines.pop(0).decode(errors="replace")

    def waiting(self, most: int = sys.maxsize) -> Iterator[str]:
        """The lines that are there, `most` of them; raises Closed where they were the last."""
        for _ in range(most):
            if (line := self.next_line(0)) is None:
                return
            yield line

    def next_message(self, timeout_seconds: float | None) -> Message | None:
        """The next line read as JSON."""
        line = self.next_line(timeout_seconds)
        return None if line is None else json.loads(line)


def send(descriptor: int, message: Message) -> None:
    """Writes one line; raises BrokenPipeError where nobody reads any more."""
    content = json.dumps(message).encode() + b"\n"
    while content:
        content = content[os.write(descriptor, content) :]
