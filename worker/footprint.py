"""What a run takes of the machine, beside what its process holds in any case and what others do meanwhile."""

import ctypes
import time
from contextlib import suppress
from pathlib import Path

import psutil
import torch


class WarmMemory:
    """The warm trainer before a run. `above` tells how much more it held at a peak.

    Of the resident set, pages of files (libraries, which the first run maps and later ones find mapped) are left out,
    and what torch makes ready at its first step is there before (worker/warm_up.py), so that the first run of a trainer
    has nearly the figure of any other.
    """

    def __init__(self, device: torch.device) -> None:
        """Gives back what a run before has freed: a later one would have it for nothing."""
        self._is_gpu = device.type == "cuda"
        if not self._is_gpu:
            with suppress(OSError, AttributeError):  # glibc's; others need not have it
                ctypes.CDLL(None).malloc_trim(0)
            self._own = _own_resident_bytes("VmRSS")

    def above(self, peak_bytes: int) -> int | None:
        """`peak_bytes` as worker.device measures it. None where the system does not tell."""
        if self._is_gpu:
            return peak_bytes  # the allocator's, which held nothing before the run
        peak = _own_resident_bytes("VmHWM")
        return None if peak is None or self._own is None else max(0, peak - self._own)


class CpuBeside:
    """How many of the machine's CPU cores are busy with something that is not this process."""

    def __init__(self) -> None:
        self._before = _measured()

    def cores(self) -> float | None:
        """Their mean number since the call before. The system counts in hundredths of a second."""
        before, self._before = self._before, _measured()
        seconds, busy, own = (now - then for now, then in zip(self._before, before, strict=True))
        return max(0.0, (busy - own) / seconds) if seconds > 0 else None


def _measured() -> tuple[float, float, float]:
    """Seconds of the clock, of all cores' work, and of this process's work."""
    times = psutil.cpu_times()
    busy = sum(times) - times.idle - getattr(times, "iowait", 0.0)
    busy -= getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted as user already
    return time.perf_counter(), busy, time.process_time()


def _own_resident_bytes(name: str) -> int | None:
    """Linux's figure of that name less the pages of files that are resident now."""
    try:
        status = Path("/proc/self/status").read_text()
        told = (int(status.split(f"{field}:", 1)[1].split()[0]) for field in (name, "RssFile"))
        return 1024 * (next(told) - next(told))
    except (OSError, IndexError, ValueError):
        return None
