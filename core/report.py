"""The course report that Trainyard grew from: its four networks to train again, and the figures it published.

Figures: the two result tables of github.com/MoonHyeJung/NN4DL, one seed each, on MNIST; its test split, which it called
validation, was evaluated after every epoch. Its losses are means over batches, ours over images.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import JsonValue

from core.architectures.catalogue import resolve
from core.architectures.layers import LAYERS
from core.datasets import DATASETS, Dataset
from core.experiment_plan import ExperimentPlan, plan_experiment
from core.tables import Run

FIGURES_FILE = Path(__file__).parent / "report_figures.csv"
DATASET = "mnist"
# The hyperparameters of its published code.
BASE: dict[str, JsonValue] = {
    "epochs": 10, "batch_size": 64, "optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.9,
}  # fmt: skip
# Its rows, by the name each has in its tables; LeNet-5 with the pooling it was trained with.
ROWS: dict[str, dict[str, JsonValue]] = {
    "LeNet5": {"name": "lenet5", "parameters": {"pool": "max"}},
    "CustomMLP": {"name": "report-mlp"},
    "LeNet5moon": {"name": "lenet5-moon"},
    "LeNet5moon2": {"name": "lenet5-moon2"},
}
# What the report says its custom MLP is, and did not train.
A_REAL_MLP: dict[str, JsonValue] = {"name": "custom-mlp"}


@dataclass(frozen=True)
class PublishedEpoch:
    """One line of the report's tables; accuracies are fractions."""

    epoch: int
    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class PublishedRow:
    """A network of the report under its own name, epoch by epoch."""

    name: str
    epochs: tuple[PublishedEpoch, ...]


def reproduction(
    dataset: str = DATASET, num_seeds: int = 3, repeats: int | None = None,
    datasets: Mapping[str, Dataset] = DATASETS,
) -> ExperimentPlan:  # fmt: skip
    """Its four networks and a real MLP beside them, as the report trained them; with `repeats` as a benchmark. Raises
    InvalidRunConfig."""
    return plan_experiment(
        name=f"The report on {datasets[dataset].title}" if dataset in datasets else "",
        base=BASE | {"dataset": dataset},
        grid={"architecture": [*ROWS.values(), A_REAL_MLP]},
        seeds=num_seeds,
        repeats=repeats,
        datasets=datasets,
    )


def published_row_of(run: Run) -> PublishedRow | None:
    """The report's row for the network that this run trains, whatever else differs; None where it has none."""
    return _rows_by_layers().get(_canonical(run.layers))


def differs_from_report(run: Run) -> list[str]:
    """In which fields the run's config is not what the report trained, besides the network and the seed."""
    return [field for field, value in report_config().items() if run.config.get(field) != value]


@cache
def report_config() -> dict[str, JsonValue]:
    """The fields of the run config as the report trained, besides the network and the seed."""
    plan = plan_experiment(base=BASE | {"dataset": DATASET, "architecture": ROWS["LeNet5"]}, grid={}, seeds=1)
    return plan.runs[0].config.model_dump(mode="json", exclude={"name", "seed", "architecture", "device"})


@cache
def published_rows() -> dict[str, PublishedRow]:
    """Every row by its name in the report."""
    with FIGURES_FILE.open(newline="") as file:
        lines = list(csv.DictReader(file))
    figures = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    return {
        name: PublishedRow(
            name,
            tuple(
                PublishedEpoch(epoch=int(line["epoch"]), **{figure: float(line[figure]) for figure in figures})
                for line in lines
                if line["architecture"] == name
            ),
        )
        for name in ROWS
    }


@cache
def _rows_by_layers() -> dict[str, PublishedRow]:
    mnist = DATASETS[DATASET]
    found = {}
    for name, choice in ROWS.items():
        parameters = choice.get("parameters")
        layers = resolve(str(choice["name"]), parameters if isinstance(parameters, dict) else {}, mnist.image_shape, 10)
        found[_canonical(LAYERS.dump_python(layers, mode="json"))] = published_rows()[name]
    return found


def _canonical(layers: Sequence[JsonValue]) -> str:
    return str(LAYERS.dump_json(LAYERS.validate_python(layers)), "utf-8")
