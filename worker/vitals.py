"""What the page tells of a worker: device, memory and utilisation, through psutil and NVML. No torch."""

import os
import platform
from pathlib import Path
from typing import Any

import psutil
import pynvml


def measure_vitals() -> dict[str, Any]:  # JSON for the worker's row
    """Percentages over the time since the call before; no GPU figures where there is none."""
    memory = psutil.virtual_memory()
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return {
        "cpu_percent": psutil.cpu_percent(),
        "memory_used_bytes": memory.total - memory.available,
        "memory_total_bytes": memory.total,
        "worker_memory_bytes": sum(_resident_bytes(process) for process in family),
        **_gpu_vitals(),
    }


def num_gpus() -> int:
    """GPUs that NVML sees; 0 where there is no driver."""
    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return 0


def num_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """As Linux tells it, else the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it ended between the listing and the look
        return 0


def _gpu_vitals() -> dict[str, Any]:
    if num_gpus() == 0:
        return {"device": "cpu", "device_name": cpu_name()}
    gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
    memory = pynvml.nvmlDeviceGetMemoryInfo(gpu)
    return {
        "device": "cuda",
        "device_name": str(pynvml.nvmlDeviceGetName(gpu)),
        "gpu_percent": float(pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu),
        "gpu_memory_used_bytes": int(memory.used),
        "gpu_memory_total_bytes": int(memory.total),
    }
