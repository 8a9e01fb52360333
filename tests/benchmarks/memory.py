"""What each process of a real `trainyard up` takes while it trains on the real MNIST: python -m tests.benchmarks.memory

MNIST is fetched as the settings of the environment say, so TRAINYARD_DATASET_MIRROR=file:///folder needs no network.
Linux only. The figures, and what they mean: docs/memory.md.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

ARCHITECTURES = ("lenet5", "custom-mlp", "lenet5-moon", "lenet5-moon2")
EPOCHS = 2
SAMPLE_SECONDS = 0.02
PAGES = ("/runs", "/runs/new", "/runs/1", "/api/v1/runs", "/api/v1/runs/1/epochs", "/api/v1/openapi.json")
KINDS = {  # part of the command line: what it is, and the most it may take (MiB)
    "app.cli serve": ("server", 160),
    "worker.making": ("reads MNIST, once", None),
    "worker.exporting": ("exports, at times", None),
    "worker.trainer": ("trainer of a slot", 700),
    "-m worker": ("supervisor", 120),
}


@dataclass
class Seen:
    """The highest of each, in MiB: resident set by the kernel, and its share of shared pages."""

    peak: float = 0.0
    proportional: float = 0.0


def main() -> int:
    """Prints the table; exit code 1 where a target is missed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-P", "-m", "app.cli", "up", "--port", "0", "--slots", "1", "--data-dir", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as trainyard:
            assert trainyard.stdout
            address = re.search(r"http://[\d.:]+", trainyard.stdout.readline())
            assert address
            try:
                seen = watched(psutil.Process(trainyard.pid), address[0])
            finally:
                trainyard.terminate()
    return told(seen)


def watched(trainyard: psutil.Process, address: str) -> dict[str, Seen]:
    """Trains one run after another, opens the pages meanwhile, and looks at every process all the time."""
    seen: dict[str, Seen] = {}
    with httpx2.Client(base_url=address, timeout=30) as client:
        for architecture in ARCHITECTURES:
            config = {"architecture": {"name": architecture}, "dataset": "mnist", "epochs": EPOCHS, "seed": 0}
            client.post("/api/v1/runs", json=config).raise_for_status()
        looked_at = 0.0
        while unfinished(client):
            for page in PAGES if time.monotonic() - looked_at > 10 else ():
                client.get(page, headers={"Accept": "text/html"}).raise_for_status()
                looked_at = time.monotonic()
            until = time.monotonic() + 1.0
            while time.monotonic() < until:
                for process in trainyard.children(recursive=True):
                    look(process, seen)
                time.sleep(SAMPLE_SECONDS)
    return seen


def unfinished(client: httpx2.Client) -> bool:
    runs = client.get("/api/v1/runs").raise_for_status().json()["runs"]
    assert not [run for run in runs if run["state"] == "failed"], runs
    return any(run["state"] != "completed" for run in runs)


def look(process: psutil.Process, seen: dict[str, Seen]) -> None:
    """VmHWM is read often, because the trainer starts it again at each epoch."""
    try:
        command_line = " ".join(process.cmdline())
        kind = next((kind for part, (kind, _) in KINDS.items() if part in command_line), None)
        if kind is None:
            return
        folder, entry = Path("/proc", str(process.pid)), seen.setdefault(kind, Seen())
        entry.peak = max(entry.peak, mebibytes(folder / "status", "VmHWM"))
        entry.proportional = max(entry.proportional, mebibytes(folder / "smaps_rollup", "Pss"))
    except (OSError, psutil.Error, AttributeError):  # it ended meanwhile
        return


def mebibytes(file: Path, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB", file.read_text(), re.MULTILINE)
    return 0.0 if found is None else int(found[1]) / 1024


def told(seen: dict[str, Seen]) -> int:
    targets = dict(KINDS.values())
    print(f"{'process':20} {'peak':>10} {'proportional':>14} {'target':>10}   (MiB)")
    for kind, entry in sorted(seen.items()):
        print(f"{kind:20} {entry.peak:10.1f} {entry.proportional:14.1f} {targets[kind] or '':>10}")
    return int(any(entry.peak > (targets[kind] or float("inf")) for kind, entry in seen.items()))


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # without its bytecode a trainer takes seconds to start
    sys.exit(main())
