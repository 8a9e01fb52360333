"""A child that dies with its parent, even where the parent is killed."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> None:
    """SIGKILL for this process when its parent dies (Linux). Elsewhere, and where the parent died
    before the call, the closed pipe ends it at its next report."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
