"""What a run takes of memory and what others take of the CPU, measured in a process of its own."""

import subprocess
import sys
import time

import psutil
import pytest

from worker.footprint import CpuBeside
from worker.slot import KEEP_FREED_MEMORY

ALLOCATE = """
import torch
from worker.device import forget_peak_memory, peak_memory_bytes
from worker.footprint import WarmMemory
cpu = torch.device("cpu")
for _ in range(2):
    warm = WarmMemory(cpu)
    forget_peak_memory(cpu)
    held = torch.ones(16 << 20, dtype=torch.uint8)  # of a heap that keeps what is freed, as a trainer's
    del held
    print(warm.above(peak_memory_bytes(cpu)))
"""


def test_a_run_s_memory_is_what_it_adds_whatever_the_run_before_has_left() -> None:
    told = subprocess.run(
        [sys.executable, "-c", ALLOCATE], capture_output=True, text=True, check=True, env=KEEP_FREED_MEMORY
    )
    first, second = (int(line) / 2**20 for line in told.stdout.split())
    assert 16 <= first < 20
    assert second == pytest.approx(first, abs=1)


def test_what_other_processes_do_is_told_in_cores_and_our_own_work_is_not_among_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            while sum(psutil.Process(other.pid).cpu_times()[:2]) < 0.1:
                time.sleep(0.01)
            beside, started, ours = CpuBeside(), time.perf_counter(), time.process_time()
            others = sum(psutil.Process(other.pid).cpu_times()[:2])
            while time.perf_counter() < started + 0.5:
                pass
            told, seconds = beside.cores(), time.perf_counter() - started
            others = sum(psutil.Process(other.pid).cpu_times()[:2]) - others
        finally:
            other.kill()
    assert told is not None
    own = (time.process_time() - ours) / seconds
    assert others / seconds - 0.1 <= told <= (psutil.cpu_count() or 1) - own + 0.1
