"""Trainers, exporters, workers and servers are killed over a queue of mixed networks, and nothing may come of it.

    make torture N=200        python -m tests.torture --kills 200 [--seed 0]

Networks are trained on `digits` in two slots, first undisturbed, then over and over while trainers are killed
(SIGKILL): two of three at a random moment, the third while it has a checkpoint or the weights half written. Now and
then it is the worker with all its children, or the server, whose reaper gives the runs of a dead worker back; what
exports is killed too. A run that died three times without a new epoch is requeued, as a person would. At the end every
epoch of each run must be recorded and told once, with the figures of the undisturbed run, every file must be the one
recorded, and the weights must be the same bit for bit. Exit code 0 where they are. What is killed when follows from the
printed seed and the machine's own pace.
"""

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from sqlalchemy import text
from sqlmodel import col, select

from core import queue, runs
from core.database import open_database
from core.events import events_of_run
from core.exports import EXPORTED_KINDS
from core.metrics import SUMMARY_FIGURES, epochs_of_run
from core.run_config import parse_run_config, resolve_run
from core.run_state import RunState
from core.run_tables import LogLine
from core.settings import Settings
from core.tables import Run

EPOCHS, SLOTS = 25, 2
WORKER_EVERY, SERVER_EVERY, EXPORTER_EVERY = 25, 20, 10  # kills of trainers
CONFIGS: list[dict[str, object]] = [
    {"architecture": {"name": "lenet5"}},
    {"architecture": {"name": "custom-mlp"}, "optimizer": "adam", "learning_rate": 0.001},
    {"architecture": {"name": "lenet5-moon"}, "schedule": "cosine", "augmentation": "affine"},
    {"architecture": {"name": "lenet5", "parameters": {"pool": "max"}}, "validation": 200, "selection": "best_val"},
    {"architecture": {"name": "report-mlp"}, "optimizer": "adamw", "schedule": "one-cycle", "label_smoothing": 0.1},
]


class Torture:
    """A server and a worker over a data folder, what is done to them, and what was counted."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.settings, self.chance, self.counted = settings, random.Random(seed), Counter[str]()
        self.database = open_database(settings.database_file)
        self.programs: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        command = {"worker": ["worker"], "server": ["app.cli", "serve", "--port", "0"]}[name]
        environment = {**os.environ, **self.settings.as_environment(), "TRAINYARD_SLOTS": str(SLOTS)}
        self.programs[name] = subprocess.Popen(
            [sys.executable, "-P", "-m", *command],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self, name: str) -> None:
        self.programs[name].kill()
        self.programs[name].wait()
        self.counted[name] += 1
        self.start(name)

    def children(self, module: str) -> list[psutil.Process]:
        """Of the worker, the oldest first."""
        found = []
        for child in psutil.Process(self.programs["worker"].pid).children():
            with suppress(psutil.Error):  # died just now
                found += [child] if module in child.cmdline() else []
        return sorted(found, key=lambda process: process.pid)

    def runs_in(self, *states: RunState) -> list[Run]:
        with self.database.reading() as session:
            return list(session.exec(select(Run).where(col(Run.state).in_(states)).order_by(col(Run.id))))

    def launch_all(self) -> list[int]:
        ids = []
        for config in CONFIGS:
            values = {"dataset": "digits", "epochs": EPOCHS, "seed": 7, **config}
            with self.database.writing() as session:
                ids.append(queue.enqueue(session, resolve_run(parse_run_config(values))).id or 0)
        return ids

    def requeue_failed(self) -> None:
        for run in self.runs_in(RunState.FAILED):
            assert "3rd time" in (run.failure_reason or ""), f"run {run.id} failed: {run.failure_reason}"
            with self.database.writing() as session:
                queue.requeue(session, run.id or 0)
            self.counted["requeued after three deaths without a new epoch"] += 1

    def num_deaths(self) -> int:
        """Deaths of a trainer that had a run, as the worker recorded them."""
        with self.database.reading() as session:
            return len(session.exec(select(LogLine.id).where(col(LogLine.line).startswith("The trainer was "))).all())

    def kill_a_trainer(self, while_it_writes: bool) -> None:
        """One that has a run: as many as run, and the oldest, since a new one still imports torch."""
        trainers = self.children("worker.trainer")[: len(self.runs_in(RunState.RUNNING))]
        if not trainers:
            time.sleep(0.05)
            return
        if while_it_writes:
            victim = writing_one(trainers)
        else:
            time.sleep(self.chance.uniform(0, 1))
            victim = self.chance.choice(trainers)
        if victim is not None:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
            self.counted["trainer, while it wrote a file" if while_it_writes else "trainer, at a random moment"] += 1

    def kill_an_exporter(self) -> None:
        """Not at the third try of a run, after which it is given up, as promised."""
        missing = [run for run in self.runs_in(RunState.COMPLETED) if self.lacks_exports(run.id or 0)]
        exporters = self.children("worker.exporting")
        if exporters and missing and all(run.export_tries_left for run in missing):
            with suppress(psutil.NoSuchProcess):
                exporters[0].kill()
            self.counted["exporter"] += 1

    def lacks_exports(self, run_id: int) -> bool:
        with self.database.reading() as session:
            return not set(EXPORTED_KINDS) <= {file.kind for file in runs.artifacts_of_run(session, run_id)}

    def violations(self, disturbed: list[int], undisturbed: list[int]) -> Iterator[str]:
        for number, run_id in enumerate(disturbed):
            was, should_be = self.outcome(run_id), self.outcome(undisturbed[number % len(undisturbed)])
            with self.database.reading() as session:
                told = [event.payload["epoch"] for event in events_of_run(session, run_id) if event.kind == "epoch"]
                files = runs.artifacts_of_run(session, run_id)
            if told != list(range(1, EPOCHS + 1)) or len(was[1]) != EPOCHS:
                yield f"run {run_id}: epochs {told} were told, {len(was[1])} recorded"
            if was != should_be:
                yield f"run {run_id}: {'figures' if was[0] == should_be[0] else 'weights'} differ"
            for file in files:
                content = (self.settings.runs_dir / str(run_id) / file.file_name).read_bytes()
                if hashlib.sha256(content).hexdigest() != file.sha256:
                    yield f"run {run_id}: {file.file_name} is not the file that was recorded"
        with self.database.reading() as session:
            if (found := session.connection().execute(text("PRAGMA integrity_check")).scalar_one()) != "ok":
                yield f"the database: {found}"

    def outcome(self, run_id: int) -> tuple[list[str], list[tuple[float | None, ...]]]:
        """SHA-256 of the final weights, and the figures of every epoch."""
        with self.database.reading() as session:
            weights = [file.sha256 for file in runs.artifacts_of_run(session, run_id) if file.kind == "weights"]
            epochs = epochs_of_run(session, run_id)
        return weights, [tuple(getattr(epoch, name) for name in ("epoch", *SUMMARY_FIGURES)) for epoch in epochs]


def writing_one(trainers: list[psutil.Process], seconds: float = 3.0) -> psutil.Process | None:
    """The first of them that has a half written file open."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for trainer in trainers:
            with suppress(OSError):  # it closed the file, or died, while we looked
                for descriptor in Path(f"/proc/{trainer.pid}/fd").iterdir():
                    if descriptor.readlink().name.endswith(".partial"):
                        return trainer
    return None


@contextmanager
def tortured(settings: Settings, seed: int) -> Iterator[Torture]:
    torture = Torture(settings, seed)
    try:
        for name in ("server", "worker"):
            torture.start(name)
        yield torture
    finally:
        for program in torture.programs.values():
            program.terminate()
        for program in torture.programs.values():
            program.wait(30)
        torture.database.close()


def run(settings: Settings, kills: int, seed: int, say: Callable[[str], None]) -> list[str]:
    """The violations; raises AssertionError where it takes longer than it may."""
    began = time.monotonic()
    deadline = began + 240 + 15 * kills  # a busy machine included

    def wait_while(goes_on: Callable[[], bool], act: Callable[[], None] = lambda: None) -> None:
        while goes_on():
            assert time.monotonic() < deadline, f"not within {deadline - began:.0f} s: {dict(torture.counted)}"
            act()
            time.sleep(0.05)

    with tortured(settings, seed) as torture:
        undisturbed = torture.launch_all()
        wait_while(lambda: len(torture.runs_in(RunState.COMPLETED)) < len(undisturbed))
        disturbed: list[int] = []
        while (deaths := torture.num_deaths()) < kills:
            assert time.monotonic() < deadline, f"{deaths} deaths in {deadline - began:.0f} s"
            if not torture.runs_in(RunState.QUEUED, RunState.RUNNING):
                disturbed += torture.launch_all()
            torture.kill_a_trainer(while_it_writes=torture.chance.random() < 1 / 3)
            torture.requeue_failed()
            for name, every in (("worker", WORKER_EVERY), ("server", SERVER_EVERY)):
                if deaths // every > torture.counted[name]:
                    torture.kill(name)
            if deaths // EXPORTER_EVERY > torture.counted["exporter"]:
                torture.kill_an_exporter()
        open_states = set(RunState) - {RunState.COMPLETED}
        wait_while(lambda: bool(torture.runs_in(*open_states)), torture.requeue_failed)
        if kills >= EXPORTER_EVERY:
            wait_while(lambda: any(map(torture.lacks_exports, disturbed)))
        found = list(torture.violations(disturbed, undisturbed))
        attempts = sum(each.attempt for each in torture.runs_in(RunState.COMPLETED) if each.id in disturbed)
    say(f"{deaths} deaths of a trainer with a run, over {len(disturbed)} runs with {attempts} attempts")
    for what, number in sorted(torture.counted.items()):
        say(f"{number:4}  {what}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    began = time.monotonic()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        found = run(Settings(data_dir=Path(folder)), asked.kills, asked.seed, say=print)
    print(f"{time.monotonic() - began:.0f} s")
    print("\n".join(found) or "No epoch lost or doubled, every file as recorded, all weights identical.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
