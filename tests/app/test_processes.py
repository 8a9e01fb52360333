"""Programs side by side, real ones: each test runs a parent that runs two children."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

WAITS = "import signal; signal.sigwait([signal.SIGTERM])"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
ENDS_SOON = "import time; time.sleep(0.5); raise SystemExit(3)"


def start_parent(first: str, second: str, stop_seconds: float = 20.0) -> subprocess.Popen[str]:
    programs = {"one": [sys.executable, "-c", first], "two": [sys.executable, "-c", second]}
    parent = (
        "import sys; from app import processes;"
        f"processes.STOP_SECONDS = {stop_seconds};"
        f"sys.exit(processes.run_together({programs!r}, {{}}))"
    )
    return subprocess.Popen([sys.executable, "-c", parent], stderr=subprocess.PIPE, text=True)


def wait_for_children(parent: subprocess.Popen[str]) -> list[psutil.Process]:
    """Both children, once they run their own program (before that they have the parent's command line)."""
    for _ in range(200):
        children: list[psutil.Process] = psutil.Process(parent.pid).children()
        if len(children) == 2 and all("app" not in " ".join(child.cmdline()) for child in children):
            time.sleep(0.3)  # until they have set up their signals
            return children
        time.sleep(0.05)
    raise AssertionError("the children did not start")


def are_gone(children: list[psutil.Process]) -> bool:
    alive: list[psutil.Process] = psutil.wait_procs(children, timeout=5)[1]
    return alive == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_both_cleanly(number: signal.Signals) -> None:
    with start_parent(WAITS, WAITS) as parent:
        children = wait_for_children(parent)
        parent.send_signal(number)
        assert parent.wait(10) == 0
        assert parent.stderr
        assert "Stopping" in parent.stderr.read()
        assert are_gone(children)


def test_a_second_signal_changes_nothing() -> None:
    slow = f"{WAITS}; import time; time.sleep(1)"
    with start_parent(slow, slow) as parent:
        children = wait_for_children(parent)
        parent.send_signal(signal.SIGINT)
        time.sleep(0.3)
        parent.send_signal(signal.SIGINT)
        assert parent.wait(10) == 0
        assert are_gone(children)


def test_when_one_ends_by_itself_it_is_told_and_the_other_stops() -> None:
    with start_parent(WAITS, ENDS_SOON) as parent:
        assert parent.wait(10) == 1
        assert parent.stderr
        assert "the two ended by itself (exit code 3); stopping" in parent.stderr.read()


def test_what_does_not_stop_in_time_is_killed_and_told() -> None:
    with start_parent(STUBBORN, WAITS, stop_seconds=1.0) as parent:
        children = wait_for_children(parent)
        parent.send_signal(signal.SIGINT)
        assert parent.wait(10) == 1
        assert parent.stderr
        assert "the one did not stop in 1 s; killed" in parent.stderr.read()
        assert are_gone(children)


@pytest.mark.skipif(not Path("/proc").exists(), reason="only Linux tells a child that its parent died")
def test_children_stop_when_the_parent_is_killed() -> None:
    with start_parent(WAITS, WAITS) as parent:
        children = wait_for_children(parent)
        parent.kill()
        assert are_gone(children)
