"""Which device trains, what it is called, and how much memory a run took at its peak."""

import os
import resource
from pathlib import Path

import torch
import torch.utils.deterministic

from core.run_config import RunConfig
from core.settings import Settings
from worker.vitals import cpu_name

# Without it the order of the sums of cuBLAS varies; read before its first use.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

# Raised whenever the arithmetic of a step changes, on whichever device: the same run has other numbers then.
# Runs before 2 have none recorded.
STEP_VERSION = 2


class DeviceUnavailable(RuntimeError):
    """The run config asks for a device that this machine has not."""


def chosen_device(config: RunConfig) -> torch.device:
    """The device of `config`, told its precision and algorithms; raises DeviceUnavailable."""
    if config.device == "cuda" and not torch.cuda.is_available():
        raise DeviceUnavailable("This run asks for a GPU, and this worker has none.")
    device = torch.device("cuda" if config.device != "cpu" and torch.cuda.is_available() else "cpu")
    choose_precision(config)
    choose_algorithms(device, deterministic=Settings().deterministic)
    return device


def choose_precision(config: RunConfig) -> None:
    """Whether a GPU may round factors to TF32's 10 bits; torch lets convolutions, unless told. A CPU has no TF32."""
    precision = "tf32" if config.precision == "tf32" else "ieee"
    torch.backends.cuda.matmul.fp32_precision = precision
    torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined]


def choose_algorithms(device: torch.device, *, deterministic: bool) -> None:
    """On a CPU those that give the same bits each time; on a GPU where that is asked for, and then an operation without
    such an algorithm ends the run. Not use_deterministic_algorithms, which would import the compiler: 145 MiB."""
    mode = "warn" if device.type == "cpu" else "error" if deterministic else "default"
    torch.set_deterministic_debug_mode(mode)
    torch.backends.cudnn.deterministic = deterministic
    # Else each new tensor, 39 a step, is filled with NaN. The module's attribute is a property that mypy does not see.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def environment(device: torch.device) -> dict[str, str | int | bool]:
    """What exact repetition depends on beside the config, kept with the run's first attempt."""
    name = torch.cuda.get_device_name() if device.type == "cuda" else cpu_name()
    mode = {"deterministic": torch.backends.cudnn.deterministic} if device.type == "cuda" else {}
    return {
        "device": device.type,
        "device_name": name,
        "torch_version": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "training_step": f"version {STEP_VERSION}",
        **mode,
    }


def forget_peak_memory(device: torch.device) -> None:
    """Starts the peak again from what is in use now, where the system can (Linux: proc(5), clear_refs)."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory_bytes(device: torch.device) -> int:
    """The allocator's peak on a GPU; on the CPU the resident set of the whole trainer process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:", 1)[1].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
