"""One attempt of a run in the trainer: resume, train, checkpoint each epoch, report, obey a stop."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from core.architectures.layers import Layers
from core.dataset_store import MaterialisedDataset
from core.records import EpochFigures, TrainedEpoch, WrittenFile
from core.run_config import RunConfig
from core.run_source import Source
from worker.checkpoints import (
    CheckpointBroken,
    checkpoint_name,
    read_checkpoint,
    read_weights,
    write_checkpoint,
    write_weights,
)
from worker.device import chosen_device, environment
from worker.failures import explained
from worker.fingerprints import fingerprints
from worker.footprint import CpuBeside, WarmMemory
from worker.latency import measure_latency
from worker.lone import training_of
from worker.messages import LinePipe, Message
from worker.selection import best_epoch, is_patience_spent
from worker.train import StepReport


class Interrupted(Exception):
    """The supervisor asked this attempt to stop; nothing after the last recorded epoch is kept."""


@dataclass
class Attempt:
    """`checkpoint` is the recorded file to resume from: its name and SHA-256, or None; `source`: the weights to start
    from, likewise."""

    run_id: int
    number: int
    config: RunConfig
    layers: Layers
    folder: Path
    checkpoint: dict[str, str] | None
    commands: LinePipe
    say: Callable[[Message], None]  # to the supervisor
    source: dict[str, str] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)  # JSON figures and file name of each epoch

    def train(self, dataset: MaterialisedDataset) -> None:
        """From the first or next epoch to the weights file; raises Interrupted and what training raises."""
        device = chosen_device(self.config)
        tensors = self.begin(device)
        training = training_of(self.config, self.layers, dataset, device)
        if tensors is not None:
            training.restore(tensors, len(self.history))
        elif self.config.source is not None:
            training.start_from(self._source_weights(self.config.source))
        if not self.is_patience_spent():
            for epoch in training.epochs(self.say_step):
                started = time.perf_counter()
                file = self.write_checkpoint(epoch, training.tensors())
                self.say_epoch(epoch, file, time.perf_counter() - started, training.model.state_dict())
                if self.is_patience_spent():
                    break
        training.model.load_state_dict(self.write_weights(training.model.state_dict()))
        self.say_latency(measure_latency(training.model, training.splits, self.config.precision))

    def begin(self, device: torch.device) -> dict[str, torch.Tensor] | None:
        """Says on what it trains; what a checkpoint holds of the epochs before, if there were any.

        Raises CheckpointBroken.
        """
        self._warm = WarmMemory(device)
        found = environment(device)
        self.send({"report": "environment", "environment": found})
        tensors = None
        if self.checkpoint is not None:
            checkpoint = read_checkpoint(self.folder / self.checkpoint["file_name"], self.checkpoint["sha256"])
            self.history, tensors = checkpoint.history, checkpoint.tensors
        where = f"{found['device_name']}, torch {found['torch_version']}, threads: {found['threads']}"
        self.log(f"attempt {self.number} on {where}; starts at epoch {len(self.history) + 1}")
        self._beside = CpuBeside()
        return tensors

    def _source_weights(self, source: Source) -> dict[str, torch.Tensor]:
        """Raises CheckpointBroken; also for a run that goes on from a checkpoint, and has none."""
        if self.source is None:
            raise CheckpointBroken(f"What run {source.run_id} left for this one to start from is gone.")
        return read_weights(self.folder / self.source["file_name"], self.source["sha256"])

    def is_patience_spent(self) -> bool:
        """Whether it stops early after the epochs so far; the log says so."""
        is_spent = is_patience_spent(self.config, self.history)
        if is_spent and len(self.history) < self.config.epochs:
            self.log(f"stopped early after epoch {len(self.history)}: the validation loss fell no more")
        return is_spent

    def write_checkpoint(self, trained: TrainedEpoch, tensors: dict[str, torch.Tensor]) -> WrittenFile:
        """Before the report: what is recorded can always be resumed."""
        file_name = checkpoint_name(self.number, trained.epoch)
        entry = {"epoch": trained.epoch, "val_loss": trained.val_loss, "val_accuracy": trained.val_accuracy}
        self.history = [*self.history, entry | {"file_name": file_name}]
        return write_checkpoint(self.folder, self.number, trained.epoch, tensors, self.history)

    def say_epoch(
        self, trained: TrainedEpoch, file: WrittenFile, checkpoint_seconds: float, weights: dict[str, torch.Tensor]
    ) -> None:
        figures = EpochFigures(
            **asdict(trained), checkpoint_seconds=checkpoint_seconds,
            run_memory_bytes=self._warm.above(trained.peak_memory_bytes), cores_busy_beside=self._beside.cores(),
        )  # fmt: skip
        is_best = best_epoch(self.config, self.history) == trained.epoch
        files = [asdict(file)]
        if self.config.selection == "best_val" and is_best:
            files.append(
                asdict(WrittenFile("best_checkpoint", file.file_name, file.sha256, file.num_bytes, file.epoch))
            )
        report: Message = {"report": "epoch", "figures": asdict(figures), "files": files, "selected": is_best}
        self.send(report | {"fingerprints": fingerprints(weights)})

    def write_weights(self, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The selected epoch's, where `weights` are those of the last; gives what it wrote."""
        selected = best_epoch(self.config, self.history)
        if selected != len(self.history):
            best = read_checkpoint(self.folder / self.history[selected - 1]["file_name"])
            weights = {name: best.tensors[name] for name in weights}
        self.send({"report": "weights", "file": asdict(write_weights(self.folder, weights, selected))})
        return weights

    def say_latency(self, figures: dict[str, float | int]) -> None:
        self.send({"report": "latency", "figures": figures})

    def fail(self, error: Exception) -> None:
        """Ends the run as failed, for what ended its training."""
        reason, suggestion, works_on = explained(error, self.config, self.folder)
        self.log(reason)
        self.send({"report": "failed", "reason": reason, "suggestion": suggestion, "dataset": works_on})

    def log(self, line: str) -> None:
        """A line of this run's own log; standard error goes into it too, but of a stack into each member's."""
        self.send({"report": "log", "line": line})

    def say_step(self, step: StepReport) -> None:
        """Reports where training stands, then obeys a stop."""
        self.send({"report": "progress"} | asdict(step))
        self._obey()

    def say_fetching(self, message: str) -> None:
        self.send({"report": "progress", "phase": "fetching", "message": message})
        self._obey()

    def send(self, message: Message) -> None:
        self.say(message | {"run_id": self.run_id, "attempt": self.number})

    def _obey(self) -> None:
        while (command := self.commands.next_message(0)) is not None:
            if command["command"] == "stop" and command["run_id"] == self.run_id:
                raise Interrupted
