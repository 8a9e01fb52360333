"""Runs programs side by side until one ends or the user stops them: what `trainyard up` is made of."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

POLL_SECONDS = 0.1
STOP_SECONDS = 20.0  # longer than the worker needs to write a checkpoint and hand its runs back; guess, untuned
PR_SET_PDEATHSIG = 1  # linux/prctl.h

LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def run_together(programs: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> int:
    """Start all; 0 when SIGINT or SIGTERM stopped them cleanly, 1 when one ended by itself or had to be killed.

    Each child leads a session of its own, so that Ctrl-C in a terminal reaches only us, and each is told to stop
    once. A child is also told to stop if we die without a word.
    """
    asked_to_stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: asked_to_stop.append(received))
    children = {
        name: subprocess.Popen(
            program, env=os.environ | environment, start_new_session=True, preexec_fn=_stop_with_parent
        )
        for name, program in programs.items()
    }
    while not asked_to_stop and all(child.poll() is None for child in children.values()):
        time.sleep(POLL_SECONDS)
    if asked_to_stop:
        print("Stopping; runs under way go on at the next start.", file=sys.stderr)
    ended = {name: child.returncode for name, child in children.items() if child.returncode is not None}
    for name, code in ended.items():
        print(f"trainyard: the {name} ended by itself (exit code {code}); stopping", file=sys.stderr)
    all_stopped = _stop(children)
    return 0 if asked_to_stop and not ended and all_stopped else 1


def _stop(children: Mapping[str, subprocess.Popen[bytes]]) -> bool:
    """SIGTERM to all, SIGKILL to the whole group of what has not ended in time; whether all ended well."""
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for name, child in children.items():
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            print(f"trainyard: the {name} did not stop in {STOP_SECONDS:.0f} s; killed", file=sys.stderr)
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    # -SIGTERM: it was still starting, with nothing to put in order yet
    return all(child.returncode in (0, -signal.SIGTERM) for child in children.values())


def _stop_with_parent() -> None:
    """In the child, before its program: SIGTERM when the parent dies, even by SIGKILL (Linux only)."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
