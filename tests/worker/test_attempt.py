"""What an attempt hears and says, without a process of its own."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.architectures.layers import LAYERS
from core.database import Database
from core.run_config import parse_run_config, resolve_run
from core.runs import log_of_run
from tests.app.trained_runs import BASE, started
from worker.attempt import Attempt, Interrupted
from worker.messages import LinePipe, Message
from worker.recording import record
from worker.train import StepReport


@pytest.fixture
def pipe() -> Iterator[tuple[LinePipe, int]]:
    reading, writing = os.pipe()
    yield LinePipe(reading), writing
    os.close(reading)
    os.close(writing)


def test_a_stop_behind_one_for_another_run_is_obeyed_at_the_same_report(
    pipe: tuple[LinePipe, int], tmp_path: Path
) -> None:
    resolved = resolve_run(parse_run_config(BASE))
    layers = LAYERS.validate_python(resolved.layers)
    attempt = Attempt(2, 1, resolved.config, layers, tmp_path, None, pipe[0], list[Message]().append)
    for run_id in (1, 2):
        os.write(pipe[1], json.dumps({"command": "stop", "run_id": run_id}).encode() + b"\n")
    with pytest.raises(Interrupted):
        attempt.say_step(StepReport("training", 1, 1, 10, None, None))


def test_a_later_attempt_under_other_conditions_says_so_in_the_log(database: Database) -> None:
    lease = started(database)
    before = {"device": "cpu", "torch_version": "2.14", "threads": 1}
    now = before | {"torch_version": "2.15", "training_step": "version 2"}
    with database.writing() as session:
        for environment in (before, before, now):
            record(session, lease, {"report": "environment", "environment": environment})
        (line,) = log_of_run(session, lease.run_id)
    assert line.line == (
        "goes on under other conditions than it began with, so its numbers may be rounded otherwise: "
        "torch version: 2.14, then 2.15; training step: an older version, then version 2"
    )
