"""A real trainer child over its pipes: it trains, reports, stops when asked; and every error is explained."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from core.architectures.layers import LAYERS
from core.datasets import DatasetUnavailable
from core.lease import Lease
from core.run_config import RunConfig, parse_run_config, resolve_run
from core.settings import Settings
from worker.attempt import Interrupted
from worker.batches import TooFewImages
from worker.checkpoints import CheckpointBroken, read_checkpoint
from worker.device import STEP_VERSION, DeviceUnavailable
from worker.failures import explained
from worker.making import ready
from worker.messages import Closed, Message
from worker.slot import KEEP_FREED_MEMORY, Slot
from worker.train import TrainingDiverged

torch.set_num_threads(1)

PATIENCE_SECONDS = 60.0  # a cold `import torch` on a busy machine
STOP_SECONDS = 2.0


def config(**choices: object) -> RunConfig:
    return parse_run_config(
        {"architecture": {"name": "lenet5"}, "dataset": "digits", "device": "cpu", "epochs": 1, **choices}
    )


def command_for(run_id: int, attempt: int, run_config: RunConfig, checkpoint: Message | None = None) -> Message:
    return {
        "run_id": run_id,
        "attempt": attempt,
        "config": run_config.model_dump(mode="json"),
        "layers": LAYERS.dump_python(resolve_run(run_config).layers, mode="json"),
        "threads": None,
        "stack_key": None,
        "checkpoint": checkpoint,
    }


def next_report(slot: Slot, seconds: float = PATIENCE_SECONDS) -> Message:
    report = slot.reports.next_message(seconds)
    assert report is not None, f"no report within {seconds} s"
    return report


def start(slot: Slot, *commands: Message) -> None:
    slot.train([(Lease(command["run_id"], 1, command["attempt"]), command) for command in commands])


def reports_of(slot: Slot, command: Message) -> list[Message]:
    """Trains one run and gives all that was said until its final report."""
    start(slot, command)
    reports = [next_report(slot)]
    while reports[-1]["report"] not in ("completed", "interrupted", "failed"):
        reports.append(next_report(slot))
    slot.leases = {}
    return reports


def listen_forever(slot: Slot) -> None:
    while True:
        next_report(slot, STOP_SECONDS)


def wait_until_ready(slot: Slot) -> None:
    report = next_report(slot)
    assert report["report"] == "ready"
    assert report["torch_version"] == torch.__version__
    slot.ready = True


def only(reports: list[Message], kind: str) -> list[Message]:
    return [report for report in reports if report["report"] == kind]


@pytest.fixture(scope="module")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("trainer"))


@pytest.fixture(scope="module")
def slot(own_settings: Settings) -> Iterator[Slot]:
    """One warm child for several runs, as in a real worker; it knows its folder from its environment alone."""
    started = Slot(0, 1, {"TRAINYARD_DATA_DIR": str(own_settings.data_dir)})
    try:
        wait_until_ready(started)
        yield started
    finally:
        started.end()


def test_a_run_is_trained_and_reported_from_environment_to_completed(slot: Slot, own_settings: Settings) -> None:
    reports = reports_of(slot, command_for(1, 1, config(batch_size=16, optimizer="adam", learning_rate=0.002)))
    assert {(report["run_id"], report["attempt"]) for report in reports} == {(1, 1)}
    kinds = [report["report"] for report in reports]
    assert kinds[-4:] == ["epoch", "weights", "latency", "completed"]
    [environment] = [report["environment"] for report in only(reports, "environment")]
    assert (environment["device"], environment["training_step"]) == ("cpu", f"version {STEP_VERSION}")
    phases = {report["phase"] for report in only(reports, "progress")}
    assert phases == {"fetching", "training", "evaluating"}

    [epoch], [weights] = only(reports, "epoch"), only(reports, "weights")
    assert epoch["figures"]["epoch"] == 1
    assert epoch["figures"]["test_accuracy"] > 0.5  # ten classes: guessing is 0.1
    assert epoch["selected"]
    folder = own_settings.runs_dir / "1"
    assert {file.name for file in folder.iterdir()} == {"a1-e1.safetensors", "weights.safetensors"}
    [checkpoint] = epoch["files"]
    assert read_checkpoint(folder / checkpoint["file_name"], checkpoint["sha256"]).history[0]["epoch"] == 1
    assert weights["file"]["epoch"] == 1


def test_a_run_is_reported_with_its_memory_the_cpu_beside_it_and_how_fast_its_network_answers(slot: Slot) -> None:
    told = [reports_of(slot, command_for(run, 1, config())) for run in (10, 11, 12)]
    memory = [only(reports, "epoch")[0]["figures"]["run_memory_bytes"] / 2**20 for reports in told]
    assert memory[1] == pytest.approx(memory[2], abs=1), "whatever the run before has left in the process"
    assert memory[0] == pytest.approx(memory[2], abs=8), "and nearly so where it is the first"
    assert 4 < memory[0] < 40
    assert 0 <= only(told[0], "epoch")[0]["figures"]["cores_busy_beside"] <= (psutil.cpu_count() or 1)
    [latency] = [report["figures"] for report in only(told[0], "latency")]
    assert latency["batch_images"] == 100
    assert 0 < latency["single_image_seconds"] < latency["batch_seconds"] < 100 * latency["single_image_seconds"]


def test_a_second_attempt_resumes_from_the_checkpoint_and_ends_with_the_same_weights(slot: Slot) -> None:
    whole = reports_of(slot, command_for(2, 1, config(epochs=2)))
    [first, _] = only(whole, "epoch")
    assert first["files"][0]["file_name"] == "a1-e1.safetensors"
    resumed = reports_of(slot, command_for(2, 2, config(epochs=2), first["files"][0]))
    assert [report["figures"]["epoch"] for report in only(resumed, "epoch")] == [2]
    assert only(resumed, "weights")[0]["file"]["sha256"] == only(whole, "weights")[0]["file"]["sha256"]


def test_the_trainer_holds_neither_torchs_compiler_nor_what_makes_datasets(slot: Slot) -> None:
    """Each is some 150 MiB, in every slot: see docs/memory.md."""
    assert reports_of(slot, command_for(8, 1, config(optimizer="adamw")))[-1]["report"] == "completed"
    held = {part for mapped in psutil.Process(slot.child.pid).memory_maps() for part in Path(mapped.path).parts}
    assert "torch" in held
    assert not {"triton", "sklearn", "torchvision", "sqlalchemy"} & held


def test_a_trainer_keeps_freed_memory_for_the_next_step(slot: Slot) -> None:
    assert KEEP_FREED_MEMORY.items() <= psutil.Process(slot.child.pid).environ().items()


def test_a_stop_is_obeyed_while_a_dataset_is_made_ready(own_settings: Settings) -> None:
    archive = own_settings.datasets_dir / "archive"
    archive.mkdir(parents=True)
    os.mkfifo(archive / "train.tar")  # nobody writes into it: reading it takes for ever
    (archive / "test").mkdir()
    said: list[str] = []

    def stop(message: str) -> None:
        said.append(message)
        raise Interrupted

    started = time.monotonic()
    with pytest.raises(Interrupted):
        ready("archive", own_settings, stop)
    assert time.monotonic() - started < STOP_SECONDS
    assert said == ["making archive ready"]
    assert not [child for child in psutil.Process().children() if "worker.making" in child.cmdline()]


def test_a_dataset_that_cannot_be_fetched_leaves_its_reason_and_no_traceback(
    own_settings: Settings,
) -> None:
    nowhere = own_settings.model_copy(update={"dataset_mirror": "file:///nowhere"})
    making = [sys.executable, "-P", "-m", "worker.making", "mnist"]
    with subprocess.Popen(
        making, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | nowhere.as_environment()
    ) as child:
        assert child.stdout
        assert child.stderr
        assert any(b"reason" in line for line in child.stdout)
        while child.poll() is None:  # its parent stops it as soon as it knows
            child.terminate()
            time.sleep(0.01)
        assert (child.returncode, child.stderr.read()) == (0, b"")


def test_a_broken_checkpoint_fails_the_run_with_a_reason(slot: Slot) -> None:
    missing = {"file_name": "a1-e1.safetensors", "sha256": "0" * 64}
    failed = reports_of(slot, command_for(3, 2, config(), missing))[-1]
    assert failed["report"] == "failed"
    assert "cannot be read" in failed["reason"]
    assert "same result" in failed["suggestion"]


def test_a_stop_is_obeyed_within_two_seconds_and_the_child_trains_on(slot: Slot) -> None:
    start(slot, command_for(4, 1, config(epochs=10_000)))
    while (report := next_report(slot)).get("phase") != "training":
        assert report["report"] in ("environment", "progress", "log")
    asked = time.monotonic()
    slot.ask_to_stop(4)
    while (report := next_report(slot))["report"] != "interrupted":
        assert report["report"] in ("progress", "epoch")
    assert time.monotonic() - asked < STOP_SECONDS
    slot.leases = {}
    assert reports_of(slot, command_for(5, 1, config()))[-1]["report"] == "completed"


def test_a_stop_is_obeyed_at_the_next_report(slot: Slot) -> None:
    """Told by the order of what is said, whatever the machine does meanwhile."""
    start(slot, command_for(9, 1, config(epochs=10_000)))
    while next_report(slot).get("phase") != "training":
        pass
    os.kill(slot.child.pid, signal.SIGSTOP)
    while psutil.Process(slot.child.pid).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    while slot.reports.next_message(0) is not None:
        pass
    slot.ask_to_stop(9)
    os.kill(slot.child.pid, signal.SIGCONT)
    said = [next_report(slot)["report"]]
    while said[-1] != "interrupted":
        said.append(next_report(slot)["report"])
    assert said.count("progress") <= 1, said
    slot.leases = {}


def test_a_killed_child_is_noticed_and_replaced(slot: Slot) -> None:
    start(slot, command_for(6, 1, config(epochs=10_000)))
    assert next_report(slot)["report"] in ("environment", "progress")
    os.kill(slot.child.pid, signal.SIGKILL)
    with pytest.raises(Closed):
        listen_forever(slot)
    assert slot.end() == -signal.SIGKILL
    assert not slot.leases
    slot.restart()
    assert not slot.is_idle
    slot.start_if_due()
    wait_until_ready(slot)
    assert reports_of(slot, command_for(7, 1, config()))[-1]["report"] == "completed"


EXPLAINED: list[tuple[Exception, str, str]] = [
    (DatasetUnavailable("mnist could not be fetched.", "Check the network."), "could not be fetched", "network"),
    (TrainingDiverged(3, 17), "epoch 3, by step 17", "learning rate (it was 0.5), for example to 0.05"),
    (CheckpointBroken("The checkpoint x is not the one."), "The checkpoint x", "Launch it again"),
    (DeviceUnavailable("This run asks for a GPU."), "asks for a GPU", "device auto or cpu"),
    (TooFewImages("2,000 validation images leave none."), "leave none", "fewer images"),
    (OSError(errno.ENOSPC, "No space left on device"), "runs/1 could not be written: No space", "Free disk space"),
    (MemoryError(), "out of memory", "smaller batch"),
    (torch.OutOfMemoryError("CUDA out of memory."), "out of memory", "smaller batch"),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: 1 TB"), "out of memory", "smaller batch"),
    (KeyError("odd"), "KeyError: 'odd'", "log below"),
]


@pytest.mark.parametrize(
    ("error", "reason", "suggestion"), EXPLAINED, ids=lambda value: type(value).__name__ if value else ""
)
def test_every_error_has_a_reason_and_a_suggestion(error: Exception, reason: str, suggestion: str) -> None:
    said: Any = explained(error, config(dataset="mnist", learning_rate=0.5), Path("runs/1"))
    assert reason in said[0]
    assert suggestion in said[1]
    assert said[2] == ("digits" if isinstance(error, DatasetUnavailable) else None)


def test_digits_are_not_suggested_in_place_of_digits() -> None:
    assert explained(DatasetUnavailable("reason", "suggestion"), config(), Path("runs/1"))[2] is None
