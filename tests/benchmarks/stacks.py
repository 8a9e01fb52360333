"""What a step costs per run in a stack of K, against a run alone: python -m tests.benchmarks.stacks FOLDER

FOLDER holds MNIST/raw. One process, one thread, all warm; each has its turn of some steps, over and over. On a CPU the
processor's time counts, which load of others disturbs less than the clock's; on a GPU the clock's.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import torch

from core.run_config import parse_run_config, resolve_run
from worker.batches import splits_of, train_batches
from worker.data import ensure
from worker.stack import Stack
from worker.stack_inputs import stacked_splits_of
from worker.train import Training

SIZES = (1, 2, 4, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--architecture", default="lenet5")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=9)
    told = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(told.device)
    turns = {f"stack of {size}": (size, _stacked(told, size, device)) for size in SIZES}
    turns = {"alone": (1, _alone(told, device)), **turns}
    taken: dict[str, list[float]] = {name: [] for name in turns}
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    for number in range(told.rounds + 1):
        for name, (size, steps) in turns.items():
            seconds = _turn(steps, told.steps, clock, device)
            if number:  # the first warms up
                taken[name].append(1000 * seconds / told.steps / size)
    for name, each in taken.items():
        print(f"{name:12} {median(each):7.3f} ms a run and step ({min(each):.3f}-{max(each):.3f})")


def _turn(steps: Iterator[object], count: int, clock: Callable[[], float], device: torch.device) -> float:
    started = clock()
    for _ in range(count):
        next(steps)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - started


def _alone(told: argparse.Namespace, device: torch.device) -> Iterator[object]:
    config, layers, dataset = _run(told, 0)
    training = Training(config, layers, splits_of(dataset, config, device))
    training.model.train()
    for epoch in range(1, 10_000):
        for step, (images, labels) in enumerate(train_batches(training.splits, config, epoch), start=1):
            yield training._step(images, labels, epoch, step)


def _stacked(told: argparse.Namespace, size: int, device: torch.device) -> Iterator[object]:
    runs = [_run(told, seed) for seed in range(size)]
    configs, layers = [config for config, _, _ in runs], [layers for _, layers, _ in runs]
    stack = Stack(configs, layers, stacked_splits_of(runs[0][2], configs, device), device)
    for epoch in range(1, 10_000):
        yield from stack.steps(epoch)


def _run(told: argparse.Namespace, seed: int):  # type: ignore[no-untyped-def]
    config = parse_run_config(
        {"architecture": {"name": told.architecture}, "dataset": "mnist", "seed": seed, "epochs": 10_000}
    )
    made = told.folder / "made"
    dataset = ensure("mnist", datasets_dir=told.folder, materialised_dir=made, mirror=None, report=print)
    return config, resolve_run(config).layers, dataset


if __name__ == "__main__":
    main()
