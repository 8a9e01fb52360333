"""A stack in a real trainer child: its reports go together, and what does not fit is handed back with what would."""

import resource
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.lease import Lease
from core.run_config import parse_run_config, resolve_run
from core.settings import Settings
from core.stacking import stack_key
from worker.messages import Message
from worker.slot import Slot

PATIENCE_SECONDS = 60.0
LARGE = {"name": "lenet5", "parameters": {"hidden": [2048, 2048, 2048]}}  # 33 MiB of weights, as much of gradients
FINAL = ("completed", "interrupted", "failed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def child(folder: Path) -> Iterator[Slot]:
    """Told to measure by itself how many fit, as beside a GPU; and ready."""
    slot = Slot(0, 1, Settings(data_dir=folder).as_environment(), most_in_stack=64)
    try:
        message = slot.reports.next_message(PATIENCE_SECONDS)
        assert message is not None
        assert message["report"] == "ready"
        slot.ready = True
        yield slot
    finally:
        slot.end()


def command_for(run_id: int, **choices: object) -> Message:
    base: dict[str, object] = {"architecture": {"name": "lenet5"}, "dataset": "digits", "device": "cpu", "seed": run_id}
    resolved = resolve_run(parse_run_config(base | choices))
    return {
        "run_id": run_id, "attempt": 1, "config": resolved.config.model_dump(mode="json"),
        "layers": [layer.model_dump(mode="json") for layer in resolved.layers],
        "stack_key": stack_key(resolved.config, resolved.layers), "threads": None, "checkpoint": None,
    }  # fmt: skip


def start(slot: Slot, *commands: Message) -> None:
    slot.train([(Lease(command["run_id"], 1, 1), command) for command in commands])


def messages_until_ended(slot: Slot, num_runs: int) -> list[list[Message]]:
    """The reports of each message, until so many runs had their last."""
    heard: list[list[Message]] = []
    while sum(report["report"] in FINAL for reports in heard for report in reports) < num_runs:
        message = slot.reports.next_message(PATIENCE_SECONDS)
        assert message is not None, "nothing was said for long"
        heard.append(message["reports"] if message["report"] == "together" else [message])
    return heard


def last_words(heard: list[list[Message]]) -> dict[int, str]:
    reports = [report for reports in heard for report in reports]
    return {report["run_id"]: report["report"] for report in reports if report["report"] in FINAL}


def only(heard: list[list[Message]], kind: str) -> list[Message]:
    return [report for reports in heard for report in reports if report["report"] == kind]


def test_the_epochs_of_a_stack_come_in_one_message_each_with_its_checkpoint(child: Slot, folder: Path) -> None:
    commands = [command_for(run_id, epochs=2) for run_id in (1, 2, 3)]
    child.room[commands[0]["stack_key"]] = 3  # nothing to measure
    start(child, *commands)
    heard = messages_until_ended(child, 3)
    epochs = [[r["run_id"] for r in reports if r["report"] == "epoch"] for reports in heard]
    assert [runs for runs in epochs if runs] == [[1, 2, 3], [1, 2, 3]]
    figures = [report["figures"] for report in only(heard, "epoch")]
    for first in (0, 3):
        shared = [(f["train_seconds"], f["evaluation_seconds"], f["checkpoint_seconds"]) for f in figures[first:][:3]]
        assert len(set(shared)) == 1, "the stack's epoch is the epoch of each"
    assert {report["size"] for report in only(heard, "stack")} == {3}
    assert last_words(heard) == {1: "completed", 2: "completed", 3: "completed"}
    assert all((folder / "runs" / str(run_id) / "a1-e2.safetensors").exists() for run_id in (1, 2, 3))


def test_what_the_memory_does_not_hold_is_handed_back_and_what_is_left_alone_is_trained_alone(child: Slot) -> None:
    """Measured on a CPU, where one fits: as it is on a worker whose torch finds no GPU where its driver is."""
    commands = [command_for(run_id, epochs=1) for run_id in (1, 2, 3)]
    start(child, *commands)
    heard = messages_until_ended(child, 3)
    assert only(heard, "room") == [{"report": "room", "stack_key": commands[0]["stack_key"], "size": 1}]
    assert last_words(heard) == {1: "completed", 2: "interrupted", 3: "interrupted"}
    assert only(heard, "stack") == []
    assert [report["run_id"] for report in only(heard, "epoch")] == [1]


def test_a_stack_that_runs_out_of_memory_is_handed_back_and_told_to_be_half_as_large(child: Slot) -> None:
    small = [command_for(run_id, epochs=1) for run_id in (8, 9)]
    commands = [command_for(run_id, epochs=1, architecture=LARGE) for run_id in (1, 2, 3, 4)]
    child.room |= {small[0]["stack_key"]: 2, commands[0]["stack_key"]: 4}
    start(child, *small)  # whatever is imported late is there then
    messages_until_ended(child, 2)
    child.leases = {}
    process = psutil.Process(child.child.pid)
    process.rlimit(resource.RLIMIT_AS, (process.memory_info().vms + 100 * 2**20, resource.RLIM_INFINITY))
    start(child, *commands)
    heard = messages_until_ended(child, 4)
    assert only(heard, "room") == [{"report": "room", "stack_key": commands[0]["stack_key"], "size": 2}]
    assert set(last_words(heard).values()) == {"interrupted"}
    assert "at most 2 from now on" in only(heard, "log")[-1]["line"]


def test_a_stop_of_one_is_obeyed_and_the_others_go_on(child: Slot) -> None:
    commands = [command_for(run_id, epochs=10_000) for run_id in (1, 2)]
    child.room[commands[0]["stack_key"]] = 2
    start(child, *commands)
    child.ask_to_stop(2)
    assert last_words(messages_until_ended(child, 1)) == {2: "interrupted"}
    child.ask_to_stop(1)
    assert last_words(messages_until_ended(child, 1)) == {1: "interrupted"}
    child.leases = {}
    start(child, command_for(5, epochs=1))
    assert last_words(messages_until_ended(child, 1)) == {5: "completed"}
