"""LeNet-5 at batch size 64 on the real MNIST, on this CPU, by Trainyard and by what one would write else: make bench

    python -m tests.benchmarks.training FOLDER [--short] [--repeats N] [--json FILE]

FOLDER is where torchvision keeps MNIST (FOLDER/MNIST/raw). All contestants wait in processes of their own and take
turns, over and over, so that whatever else the machine does meets all of them: only ratios mean something. They
are taken within a turn, then the median over the turns. What is timed: docs/performance.md.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Literal

from PIL import Image

from core.architectures.catalogue import resolve
from core.architectures.shapes import trace
from core.dataset_store import MaterialisedDataset
from worker.data import ensure
from worker.slot import KEEP_FREED_MEMORY
from worker.vitals import cpu_name, num_cores

SHAPE, NUM_TRAIN, NUM_TEST = (1, 28, 28), 60_000, 10_000
SHORT = 0.25  # of an epoch: 234 steps
# Name, contestant, processes side by side, threads of each; None: as many as there are cores.
RACES: Mapping[str, tuple[str, int | None, int | None]] = {
    "(a) the report's way": ("report", 1, None),
    "(b) plain loop, all cores": ("plain", 1, None),
    "one run, one thread": ("ours", 1, 1),
    "one run, all cores": ("ours", 1, None),
    "queue in slots, per run": ("ours", None, 1),
}
REPORT, PLAIN, ONE_THREAD, ALL_CORES, QUEUE = RACES
TARGETS = ((QUEUE, REPORT, 50.0), (QUEUE, PLAIN, 2.0), (ALL_CORES, PLAIN, 1.3), (ONE_THREAD, PLAIN, None))


class Racer:
    """One or more processes of a contestant, which always start together."""

    def __init__(self, contestant: str, processes: int, threads: int, fraction: float, folder: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.contestants",
            contestant,
            str(threads),
            str(fraction),
            str(folder),
        ]
        environment = (
            os.environ | (KEEP_FREED_MEMORY if contestant == "ours" else {}) | {"OMP_NUM_THREADS": str(threads)}
        )
        pipe = subprocess.PIPE
        self.processes = [
            subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) for _ in range(processes)
        ]
        for process in self.processes:
            assert _stream(process.stdout).readline() == "ready\n", f"{contestant} did not start"

    def answers(self, command: str) -> list[float]:
        for process in self.processes:
            _stream(process.stdin).write(f"{command}\n")
            _stream(process.stdin).flush()
        with ThreadPoolExecutor() as readers:
            return [float(line) for line in readers.map(lambda p: _stream(p.stdout).readline(), self.processes)]

    def seconds_per_epoch(self) -> float:
        """Of one run: several side by side share the time of the slowest."""
        return max(self.answers("epoch")) / len(self.processes)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as made, ExitStack() as ending:
        folder = Path(made)
        dataset = ensure("mnist", datasets_dir=options.folder, materialised_dir=folder, mirror=None, report=print)
        write_tar(dataset, "train", folder / "train.tar")
        write_tar(dataset, "test", folder / "test.tar")
        racers: dict[str, Racer] = {}
        for name, (contestant, processes, threads) in RACES.items():
            print(f"warming up: {name}", flush=True)
            cores = num_cores()
            racers[name] = Racer(
                contestant, processes or cores, threads or cores, SHORT if options.short else 1.0, folder
            )
            ending.callback(racers[name].end)
        turns, rates = [], []
        for turn in range(options.repeats):
            rates.append({name: sum(racers[name].answers("products")) for name in (ONE_THREAD, ALL_CORES, QUEUE)})
            turns.append({name: racer.seconds_per_epoch() for name, racer in racers.items()})
            print(f"turn {turn + 1} of {options.repeats} done", flush=True)
    figures = summary(turns, rates)
    conditions = {"cpu": cpu_name(), "cores": num_cores(), "short": options.short, "turns": turns, "rates": rates}
    options.json.write_text(json.dumps({**conditions, **figures}, indent=2) + "\n")
    print(told(figures))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains LeNet-5 on MNIST in several ways and compares their speed.")
    parser.add_argument("folder", type=Path, help="holds MNIST/raw, as torchvision lays it out")
    parser.add_argument("--short", action="store_true", help=f"{SHORT:.0%} of an epoch a turn")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("benchmark.json"))
    return parser.parse_args()


def write_tar(dataset: MaterialisedDataset, split: Literal["train", "test"], file: Path) -> None:
    """A split's images as PNG files, named by number and label as the report's: train/00042_7.png"""
    with tarfile.open(file, "w") as tar:
        for number, (image, label) in enumerate(zip(dataset.images(split), dataset.labels(split), strict=True)):
            content = io.BytesIO()
            Image.fromarray(image[0]).save(content, "PNG")
            member = tarfile.TarInfo(f"{split}/{number:05}_{label}.png")
            member.size = content.tell()
            content.seek(0)
            tar.addfile(member, content)


def operations_per_epoch() -> int:
    """Floating-point operations of training on all images and evaluating the test images, by products alone.

    Forward, gradients of weights, gradients of inputs: three times the multiply-adds, but nobody asks for the gradient
    of the images.
    """
    layers = trace(resolve("lenet5", {}, SHAPE, 10), SHAPE)
    forward = sum(layer.num_multiply_adds for layer in layers)
    return 2 * (NUM_TRAIN * (3 * forward - layers[0].num_multiply_adds) + NUM_TEST * forward)


def summary(turns: list[dict[str, float]], rates: list[dict[str, float]]) -> dict[str, dict[str, list[float]]]:
    """Each as [median, lowest, highest] over the turns."""
    operations = operations_per_epoch()
    pairs = list(zip(turns, rates, strict=True))
    return {
        "seconds_per_epoch": {name: spread(turn[name] for turn in turns) for name in RACES},
        "floor_seconds": {name: spread(operations / rate[name] for rate in rates) for name in rates[0]},
        "times_the_floor": {
            name: spread(turn[name] * rate[name] / operations for turn, rate in pairs) for name in rates[0]
        },
        "times_as_fast": {
            f"{name} / {other}": spread(turn[other] / turn[name] for turn in turns)
            for name in RACES
            for other in (REPORT, PLAIN)
            if name != other
        },
    }


def spread(values: Iterable[float]) -> list[float]:
    known = sorted(values)
    return [statistics.median(known), known[0], known[-1]]


def told(figures: Mapping[str, dict[str, list[float]]]) -> str:
    lines = [f"{'':28}{'s per epoch':>12}{'range':>16}{'floor (c)':>11}{'× floor':>9}"]
    for name, (middle, low, high) in figures["seconds_per_epoch"].items():
        lines.append(f"{name:28}{middle:12.2f}{f'{low:.2f}-{high:.2f}':>16}")
        if name in figures["floor_seconds"]:
            lines[-1] += f"{figures['floor_seconds'][name][0]:11.2f}{figures['times_the_floor'][name][0]:9.1f}"
    lines.append("")
    for name, other, target in TARGETS:
        middle, low, high = figures["times_as_fast"][f"{name} / {other}"]
        asked = f", asked for {target:g}" if target else ""
        lines.append(f"{name}: {middle:.2f} times as fast as {other} ({low:.2f}-{high:.2f}){asked}")
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    main()
