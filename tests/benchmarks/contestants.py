"""The ways to train LeNet-5 that `training.py` times, each in a process of its own that waits for its turn.

Commands come as lines, answers go as lines: `epoch` trains and evaluates once and answers seconds per whole epoch,
`products` answers the rate of matrix products, in floating-point operations a second.
"""

import json
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler, TensorDataset
from torchvision.transforms import Compose, Normalize, ToTensor

from core.dataset_store import materialised
from core.run_config import parse_run_config, resolve_run
from worker.batches import Split, Splits, splits_of
from worker.checkpoints import write_checkpoint
from worker.device import choose_algorithms
from worker.train import Training

BATCH = 64
REPORT_STEPS = 10  # of the report's way, then extrapolated: an epoch takes minutes
MEAN, STD = 0.1307, 0.3081
SIDE = 1024  # of the square matrices that measure the rate
CONFIG = parse_run_config({"architecture": {"name": "lenet5"}, "dataset": "mnist", "device": "cpu", "epochs": 10_000})

Labelled = Any  # torch types what a loader gives by what a dataset gives for one index, not for a batch
Contestant = Callable[[Path, float], Iterator[float]]  # folder, fraction of an epoch -> shares of an epoch done


class PicturesInATar(Dataset[tuple[torch.Tensor, int]]):
    """As the report reads them: one picture after another, each found by its name; the tar is opened once."""

    def __init__(self, file: Path) -> None:
        self.tar = tarfile.open(file)  # noqa: SIM115 - open as long as the process
        self.names = self.tar.getnames()
        self.transform = Compose([ToTensor(), Normalize((MEAN,), (STD,))])

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture = Image.open(self.tar.extractfile(self.names[index]))  # type: ignore[arg-type]
        return self.transform(picture), int(self.names[index][-5])


def plain_lenet5() -> nn.Sequential:
    """The preset `lenet5`, as one writes it."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def report(folder: Path, fraction: float) -> Iterator[float]:
    """(a): pictures at random out of the whole tars, a hundredth of both."""
    share = REPORT_STEPS * BATCH / 60_000
    train, test = (
        DataLoader(pictures, BATCH, sampler=RandomSampler(pictures, num_samples=round(len(pictures) * share)))
        for pictures in (PicturesInATar(folder / "train.tar"), PicturesInATar(folder / "test.tar"))
    )
    yield from _loop(plain_lenet5(), train, test, share)


def plain(folder: Path, fraction: float) -> Iterator[float]:
    """(b): images as one normalised tensor in memory."""
    splits = _splits(folder, fraction)
    train, test = (
        TensorDataset(splits.normalised(split.images), split.labels) for split in (splits.train, splits.test)
    )
    yield from _loop(plain_lenet5(), DataLoader(train, BATCH, shuffle=True), DataLoader(test, 1000), fraction)


def _loop(model: nn.Module, train: DataLoader[Labelled], test: DataLoader[Labelled], share: float) -> Iterator[float]:
    loss_of, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    while True:
        model.train()
        loss_sum, num_correct = 0.0, 0
        for images, labels in train:
            optimizer.zero_grad()
            outputs = model(images)
            loss = loss_of(outputs, labels)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
            num_correct += int((outputs.argmax(1) == labels).sum().item())
        model.eval()
        with torch.no_grad():
            for images, labels in test:
                outputs = model(images)
                loss_sum += loss_of(outputs, labels).item()
                num_correct += int((outputs.argmax(1) == labels).sum().item())
        yield share


def ours(folder: Path, fraction: float) -> Iterator[float]:
    """The recipe as a slot runs it, its checkpoint included."""
    choose_algorithms(torch.device("cpu"), deterministic=False)
    training = Training(CONFIG, resolve_run(CONFIG).layers, _splits(folder, fraction))
    weights = [[parameter.shape for parameter in model.parameters()] for model in (training.model, plain_lenet5())]
    assert weights[0] == weights[1], "the plain network is another one"
    with tempfile.TemporaryDirectory() as checkpoints:
        for epoch in training.epochs(lambda _: None):
            write_checkpoint(Path(checkpoints), 1, epoch.epoch, training.tensors(), [])
            yield fraction


def _splits(folder: Path, fraction: float) -> Splits:
    whole = splits_of(materialised(folder, "mnist"), CONFIG, torch.device("cpu"))
    train, test = (
        Split(split.images[: int(len(split) * fraction)], split.labels[: int(len(split) * fraction)])
        for split in (whole.train, whole.test)
    )
    return Splits(train, None, test, whole.mean, whole.std)


def products_per_second() -> float:
    """Floating-point operations a second of products of large matrices, the best of some."""
    matrix, best = torch.rand(SIDE, SIDE), float("inf")
    for _ in range(10):
        started = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - started)
    return 2 * SIDE**3 / best


CONTESTANTS: dict[str, Contestant] = {"report": report, "plain": plain, "ours": ours}


def main(name: str, threads: str, fraction: str, folder: str) -> None:
    torch.set_num_threads(int(threads))
    epochs = CONTESTANTS[name](Path(folder), float(fraction))
    next(epochs)  # warms what an epoch needs
    print("ready", flush=True)
    for command in sys.stdin:
        started = time.perf_counter()
        answer = products_per_second() if command == "products\n" else 1 / next(epochs)
        if command == "epoch\n":
            answer *= time.perf_counter() - started
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
