"""What the page tells of a worker: device, memory and utilisation, through psutil and NVML. No torch."""

import os
import platform
from collections.abc import Callable
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
    asked(pynvml.nvmlInit)
    return int(asked(pynvml.nvmlDeviceGetCount) or 0)


def gpus_for_slots(num_gpus: int, allowed: str | None) -> list[str]:
    """The GPUs to share out, as CUDA_VISIBLE_DEVICES names them; `allowed`: what that variable says of the worker."""
    if allowed is None or num_gpus == 0:
        return [str(number) for number in range(num_gpus)]
    return [name.strip() for name in allowed.split(",") if name.strip()]


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
    gpu = asked(pynvml.nvmlDeviceGetHandleByIndex, 0)
    rates, memory = asked(pynvml.nvmlDeviceGetUtilizationRates, gpu), asked(pynvml.nvmlDeviceGetMemoryInfo, gpu)
    return {
        "device": "cuda",
        "device_name": asked(pynvml.nvmlDeviceGetName, gpu),
        "gpu_percent": rates and float(rates.gpu),
        "gpu_memory_used_bytes": memory and int(memory.used),
        "gpu_memory_total_bytes": memory and int(memory.total),
    }


# Any: NVML's own structures
def asked(question: Callable[..., Any], *what: Any) -> Any:
    """NVML's answer, None where it has none: utilisation in MIG mode, anything of a GPU that is lost."""
    try:
        return question(*what)
    except pynvml.NVMLError:
        return None
