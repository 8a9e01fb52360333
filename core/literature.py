"""Test errors that others published on MNIST, and of which of our networks each is of the same kind.

Figures: LeCun, Bottou, Bengio & Haffner 1998, section III.C and figure 9: 10,000 test images, a number a method.
A kind is what the layers say, whatever the network is called: how many convolutions of 5×5, each of them pooled, and
how many hidden layers after them. Figures on distorted images belong to runs with augmentation, the others to runs
without.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from core.architectures.catalogue import LECUN_1998, REPORT
from core.architectures.layers import LAYERS, AvgPool2d, Conv2d, Linear, MaxPool2d, Residual
from core.report import PublishedRow
from core.tables import Run

FIGURES_FILE = Path(__file__).parent / "literature.csv"
DATASET = "mnist"
PLACE = "section III.C, figure 9"


class Kind(NamedTuple):
    """Convolutions with their pooling, and hidden fully connected layers after them."""

    num_convolutions: int
    num_hidden: int


@dataclass(frozen=True)
class Published:
    """One figure; `accuracy` is a fraction of `num_images`. `epochs` is None where it is not stated here."""

    key: str
    title: str
    accuracy: float
    num_images: int
    network: str
    authors: str
    source: str
    is_distorted: bool = False
    epochs: int | None = None
    kind: Kind | None = None


def published_like(run: Run) -> list[Published]:
    """What was published of networks of the run's kind, trained on images distorted or not as its own are."""
    kind = kind_of(run.layers) if run.dataset == DATASET else None
    if kind is None:
        return []
    is_distorted = run.config.get("augmentation", "none") != "none"
    return [told for told in published_figures() if told.kind == kind and told.is_distorted == is_distorted]


def kind_of(layers: Sequence[JsonValue]) -> Kind | None:
    """None where no published network is built like that: a convolution without pooling or with other filters than
    5×5, a residual block."""
    own = [
        layer
        for layer in LAYERS.validate_python(layers)
        if isinstance(layer, Conv2d | MaxPool2d | AvgPool2d | Linear | Residual)
    ]
    num_linear = sum(isinstance(layer, Linear) for layer in own)
    front = own[: len(own) - num_linear]
    pairs = list(zip(front[::2], front[1::2], strict=False))
    is_pooled = all(
        isinstance(first, Conv2d) and first.kernel_size == 5 and isinstance(second, MaxPool2d | AvgPool2d)
        for first, second in pairs
    )
    if not is_pooled or 2 * len(pairs) != len(front) or not num_linear:
        return None
    return Kind(len(pairs), num_linear - 1)


@cache
def published_figures() -> tuple[Published, ...]:
    """All of the file."""
    with FIGURES_FILE.open(newline="") as file:
        return tuple(
            Published(
                key=line["key"], title=line["title"], accuracy=round(1 - float(line["error_percent"]) / 100, 6),
                num_images=int(line["num_images"]), network=line["network"], authors="LeCun et al. 1998",
                source=f"{LECUN_1998}, {PLACE}",
                is_distorted=line["is_distorted"] == "yes", epochs=int(line["epochs"]) if line["epochs"] else None,
                kind=Kind(int(line["num_convolutions"]), int(line["num_hidden"])),
            )
            for line in csv.DictReader(file)
        )  # fmt: skip


def of_report(row: PublishedRow, epoch: int | None) -> Published:
    """The report's own figure after that epoch, or after its last where it has none of it."""
    told = next((one for one in row.epochs if one.epoch == epoch), row.epochs[-1])
    return Published(
        key=f"report-{row.name}", title=f"the report's {row.name}, epoch {told.epoch}", accuracy=told.test_accuracy,
        num_images=10_000, network="the same layers", authors="the course report", source=REPORT, epochs=told.epoch,
    )  # fmt: skip
