"""Writes a data folder of thousands of ended runs, to look at and to measure: python -m tests.benchmarks.many_runs DIR

Every five runs are the seeds of one group, every 200 groups an experiment; all on MNIST, with curves as such networks
have, some failed, diverged or cancelled, some tagged. The tables and the run configs are the real ones, and the same
arguments make the same rows. There are no files: no weights to download, and no predictions, so verdicts have a bound
for the images' noise. Look at it with: trainyard up --data-dir DIR
"""

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, insert
from sqlmodel import Session, select

from core.database import open_database
from core.experiment_plan import ExperimentPlan, plan_experiment
from core.metrics import SUMMARY_FIGURES
from core.new_runs import new_run
from core.run_state import RunState
from core.run_tables import Epoch
from core.settings import Settings
from core.tables import Event, Experiment, Run, RunTag

SEEDS, NUM_TEST = 5, 10_000
GRID: dict[str, list[Any]] = {
    "architecture": ["lenet5", "lenet5-1998", "custom-mlp", "lenet5-moon", "lenet5-moon2"],
    "learning_rate": [0.001, 0.003, 0.01, 0.03, 0.1], "batch_size": [32, 64, 128, 256], "weight_decay": [0.0, 0.0005],
}  # fmt: skip
QUESTIONS: list[dict[str, Any]] = [
    {"optimizer": optimizer, **rest}
    for rest in (
        {}, {"schedule": "cosine"}, {"augmentation": "shift"}, {"validation": 5000, "selection": "best_val"},
    )
    for optimizer in ("sgd", "adam", "adamw")
]  # fmt: skip
TAGS = ("baseline", "paper", "look again", "sweep", "chapter 4")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ERROR_OF = {"lenet5": 0.011, "lenet5-1998": 0.012, "custom-mlp": 0.021, "lenet5-moon": 0.009, "lenet5-moon2": 0.0075}
SECONDS_OF = {"lenet5": 3.0, "lenet5-1998": 4.0, "custom-mlp": 0.9, "lenet5-moon": 6.0, "lenet5-moon2": 9.0}
Floats = NDArray[np.float64]
Curves = dict[str, Floats]  # by measure, epoch by epoch; NaN where a loss was not finite


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=50)
    asked = parser.parse_args()
    began = time.perf_counter()
    num_groups = write(asked.data_dir, asked.runs, asked.epochs)
    print(f"{num_groups:,} groups in {asked.data_dir}, {time.perf_counter() - began:.0f} s")
    return 0


def write(data_dir: Path, num_runs: int, num_epochs: int) -> int:
    """Adds the runs to the data folder; tells in how many groups."""
    database = open_database(Settings(data_dir=data_dir).database_file)
    num_groups, written = -(-num_runs // SEEDS), 0
    for number, plan in enumerate(_plans(num_epochs)):
        most = min(num_groups - written, len(plan.runs) // SEEDS)
        if most <= 0:
            break
        with database.writing() as session:
            _write_experiment(session, plan, number, most, np.random.default_rng(number))
        written += most
    database.close()
    return num_groups


def _plans(num_epochs: int) -> Iterator[ExperimentPlan]:
    number = 0
    while True:
        smoothing = number // len(QUESTIONS) / 20  # beyond 12,000 runs: the questions once more, smoothed
        base = QUESTIONS[number % len(QUESTIONS)] | {"label_smoothing": smoothing, "dataset": "mnist"}
        name = ", ".join(str(value) for value in QUESTIONS[number % len(QUESTIONS)].values())
        yield plan_experiment(
            name=f"Sweep {number + 1}: {name}", base=base | {"epochs": num_epochs}, grid=GRID, seeds=SEEDS
        )
        number += 1


def _write_experiment(
    session: Session, plan: ExperimentPlan, number: int, num_groups: int, random: np.random.Generator
) -> None:
    begin = BEGIN + timedelta(days=number)
    experiment = Experiment(name=plan.name, base=plan.base, grid=plan.grid, seeds=list(plan.seeds), created_at=begin)
    session.add(experiment)
    session.flush()
    per_seed = len(plan.runs) // SEEDS
    runs = [new_run(one, experiment.id) for place, one in enumerate(plan.runs) if place % per_seed < num_groups]
    luck = random.normal(0, 1, (num_groups, 2))  # of each group: how well it learns and how fast
    curves = []
    for place, run in enumerate(runs):
        curves.append(_curves(run, luck[place % num_groups], random))
        _end(run, curves[-1], begin + timedelta(seconds=40 * place))
    first_id = (session.exec(select(func.max(Run.id))).one() or 0) + 1
    for run_id, run in enumerate(runs, start=first_id):
        run.id = run_id
    session.execute(insert(Run), [run.model_dump() for run in runs])
    ended = list(zip(runs, curves, strict=True))
    session.execute(insert(Epoch), [row for run, curve in ended for row in _epoch_rows(run, curve)])
    session.execute(insert(Event), [row for run, curve in ended for row in _event_rows(run, curve)])
    tagged = [{"run_id": run.id, "tag": tag} for run in runs for tag in TAGS if random.random() < 0.04]
    session.execute(insert(RunTag), tagged)


def _curves(run: Run, luck: Floats, random: np.random.Generator) -> Curves:
    """Errors that fall as a power of the epoch to what the network can, the losses in step."""
    rate, config = run.config["learning_rate"], run.config
    is_adaptive = config["optimizer"] != "sgd"
    off = np.log10(rate / (0.002 if is_adaptive else 0.03 * config["batch_size"] / 64))  # from the best learning rate
    if off > 1.4 and luck[0] > 0.3:
        return _diverging(run, random)
    floor = ERROR_OF[run.architecture] * np.exp(0.12 * luck[0] + 0.05 * random.normal()) * (1 + 0.35 * off**2)
    at = np.arange(1, _epochs_until(run, random) + 1)
    error = floor + 0.09 * 10 ** abs(off) * at ** -(1.1 + 0.1 * luck[1]) / 4
    error = np.clip(error * np.exp(0.03 * random.normal(size=len(at))), 0.002, 0.9)
    train = np.clip(error * (0.95 / (1 + at / 12)), 1e-5, 0.9)
    images = random.normal(0, np.sqrt(error * (1 - error) / NUM_TEST))
    overfit = 1 + 0.02 * at * (config["augmentation"] == "none")
    curves = {"train_loss": 3.1 * train, "train_accuracy": 1 - train, "test_loss": 3.2 * error * overfit}
    curves["test_accuracy"] = np.round((1 - error + images) * NUM_TEST) / NUM_TEST  # whole images
    if config["validation"] != "none":
        curves["val_loss"] = 3.3 * error * overfit
        curves["val_accuracy"] = np.round((1 - error) * config["validation"]) / config["validation"]
    return curves


def _epochs_until(run: Run, random: np.random.Generator) -> int:
    """All, but for one run in thirty, which is stopped or fails on its way."""
    return run.epochs if random.random() > 1 / 30 else int(random.integers(1, max(2, run.epochs)))


def _diverging(run: Run, random: np.random.Generator) -> Curves:
    losses = np.array([2.3, 2.9, 7.5, np.nan][: min(int(random.integers(2, 5)), run.epochs)])
    flat = np.full(len(losses), 0.098)
    return {"train_loss": losses, "train_accuracy": flat, "test_loss": losses, "test_accuracy": flat}


def _end(run: Run, curves: Curves, created_at: datetime) -> None:
    """The moves that queue.py would have made one by one, and the summary that metrics.py keeps."""
    done = len(curves["test_accuracy"])
    seconds = SECONDS_OF[run.architecture] * (64 / run.config["batch_size"]) ** 0.3 * (1 + run.seed / 50)
    is_diverged = not np.isfinite(curves["train_loss"]).all() or bool(curves["train_loss"][-1] > 2.2)
    run.epochs_done, run.attempt, run.export_tries_left = done, 1, 0
    run.state = RunState.COMPLETED if done == run.epochs else RunState.CANCELLED
    if is_diverged or (done < run.epochs and run.seed % 2):
        run.state = RunState.FAILED
        run.failure_reason = "The trainer died. This was the 3rd time without a new epoch."
        run.failure_suggestion = "Look at its log."
    if is_diverged:
        run.failure_reason = f"The train loss was not finite in epoch {done}."
        run.failure_suggestion = "A lower learning rate may help."
    run.created_at, run.started_at = created_at, created_at + timedelta(seconds=5)
    run.ended_at = run.started_at + timedelta(seconds=seconds * done)
    run.environment = {"device": "cpu", "device_name": "A CPU", "torch_version": "2.15.0+cpu", "threads": 1}
    by_validation = run.config["selection"] == "best_val"
    run.selected_epoch = int(np.argmax(curves["val_accuracy"])) + 1 if by_validation and not is_diverged else done
    for name in SUMMARY_FIGURES:
        setattr(run, name, _figure(curves, name, run.selected_epoch))
    run.seconds_per_epoch, run.train_seconds_per_epoch = seconds, 0.93 * seconds
    run.evaluation_seconds_per_epoch, run.checkpoint_seconds_per_epoch = 0.06 * seconds, 0.01 * seconds
    run.images_per_second, run.peak_memory_bytes = 60_000 / seconds, 690 * 2**20


def _figure(curves: Curves, name: str, epoch: int) -> float | None:
    value = float(curves[name][epoch - 1]) if name in curves else None
    return value if value is None or np.isfinite(value) else None


def _epoch_rows(run: Run, curves: Curves) -> Iterator[dict[str, Any]]:
    assert run.seconds_per_epoch
    assert run.started_at
    for epoch in range(1, run.epochs_done + 1):
        figures = {name: _figure(curves, name, epoch) for name in SUMMARY_FIGURES}
        seconds = run.seconds_per_epoch
        yield figures | {
            "run_id": run.id, "epoch": epoch, "attempt": 1, "learning_rate": run.config["learning_rate"],
            "non_finite": [name for name in ("train_loss", "test_loss") if figures[name] is None],
            "seconds": seconds, "train_seconds": 0.93 * seconds, "evaluation_seconds": 0.06 * seconds,
            "checkpoint_seconds": 0.01 * seconds, "images_per_second": run.images_per_second,
            "peak_memory_bytes": run.peak_memory_bytes,
            "recorded_at": run.started_at + timedelta(seconds=seconds * epoch),
        }  # fmt: skip


def _event_rows(run: Run, curves: Curves) -> Iterator[dict[str, Any]]:
    assert run.started_at
    assert run.ended_at
    told: list[tuple[str, dict[str, Any], datetime]] = [
        ("state", {"state": "queued"}, run.created_at), ("state", {"state": "running", "attempt": 1}, run.started_at),
    ]  # fmt: skip
    for epoch in range(1, run.epochs_done + 1):
        known = {name: _figure(curves, name, epoch) for name in SUMMARY_FIGURES}
        figures = {name: value and float(f"{value:.6g}") for name, value in known.items()}
        rates = {"seconds": run.seconds_per_epoch, "images_per_second": run.images_per_second}
        told.append(("epoch", {"epoch": epoch} | figures | rates, run.ended_at))
    told.append(("state", {"state": run.state.value}, run.ended_at))
    for kind, payload, at in told:
        yield {"kind": kind, "run_id": run.id, "payload": payload, "recorded_at": at}


if __name__ == "__main__":
    sys.exit(main())
