"""Whether exports delay the runs behind them: python -m tests.benchmarks.exporting [--runs N] [--pairs N]

The same queue of `digits` runs is trained by a real worker, now with the exports of completed runs and now without, in
turns. Seconds from the first claim to the end of the last run; a ratio is taken within a pair.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlmodel import Session, select

from core.database import Database, open_database
from core.queue import enqueue
from core.run_config import parse_run_config, resolve_run
from core.run_state import RunState
from core.settings import Settings
from core.tables import Run
from worker.vitals import num_cores


def launch(session: Session, seed: int, *, exported: bool) -> None:
    config = {"architecture": {"name": "lenet5"}, "dataset": "digits", "device": "cpu", "epochs": 8, "seed": seed}
    run = enqueue(session, resolve_run(parse_run_config(config)))
    run.export_tries_left = run.export_tries_left if exported else 0


def seconds_of_queue(num_runs: int, *, exported: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data", slots=num_cores())
        database = open_database(settings.database_file)
        with database.writing() as session:
            for seed in range(num_runs):
                launch(session, seed, exported=exported)
        environment = {**os.environ, **settings.as_environment()}
        with subprocess.Popen([sys.executable, "-P", "-m", "worker"], env=environment) as worker:
            seconds = _waited_for(database)
            worker.terminate()
        database.close()
        return seconds


def _waited_for(database: Database) -> float:
    while True:
        time.sleep(0.2)
        with database.reading() as session:
            runs = session.exec(select(Run)).all()
            assert not [run for run in runs if run.state is RunState.FAILED]
            started = [run.started_at for run in runs if run.started_at is not None]
            ended = [run.ended_at for run in runs if run.ended_at is not None]
            if len(ended) == len(runs):
                return (max(ended) - min(started)).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains a queue with and without exports, in turns.")
    parser.add_argument("--runs", type=int, default=24)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    ratios = []
    for _ in range(options.pairs):
        without = seconds_of_queue(options.runs, exported=False)
        with_exports = seconds_of_queue(options.runs, exported=True)
        ratios.append(with_exports / without)
        print(f"{without:.1f} s without exports, {with_exports:.1f} s with: {ratios[-1]:.2f} times", flush=True)
    print(f"median {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    main()
