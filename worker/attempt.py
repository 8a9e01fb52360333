"""One attempt of a run in the trainer: resume, train, checkpoint each epoch, report, obey a stop."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.architectures.layers import Layers
from core.dataset_store import MaterialisedDataset
from core.records import EpochFigures, TrainedEpoch, WrittenFile
from core.run_config import RunConfig
from worker.batches import splits_of
from worker.checkpoints import checkpoint_name, read_checkpoint, write_checkpoint, write_weights
from worker.device import chosen_device, environment
from worker.fingerprints import fingerprints
from worker.footprint import CpuBeside, WarmMemory
from worker.latency import measure_latency
from worker.messages import LinePipe, Message
from worker.selection import best_epoch, is_patience_spent
from worker.train import StepReport, Training


class Interrupted(Exception):
    """The supervisor asked this attempt to stop; nothing after the last recorded epoch is kept."""


@dataclass
class Attempt:
    """`checkpoint` is the recorded file to resume from: its name and SHA-256, or None."""

    run_id: int
    number: int
    config: RunConfig
    layers: Layers
    folder: Path
    checkpoint: dict[str, str] | None
    commands: LinePipe
    say: Callable[[Message], None]  # to the supervisor
    history: list[dict[str, Any]] = field(default_factory=list)  # JSON figures and file name of each epoch

    def train(self, dataset: MaterialisedDataset) -> None:
        """From the first or next epoch to the weights file; raises Interrupted and what training raises."""
        device = chosen_device(self.config)
        self._warm = WarmMemory(device)
        found = environment(device)
        self.send({"report": "environment", "environment": found})
        training = Training(self.config, self.layers, splits_of(dataset, self.config, device))
        if self.checkpoint is not None:
            checkpoint = read_checkpoint(self.folder / self.checkpoint["file_name"], self.checkpoint["sha256"])
            training.restore(checkpoint.tensors, len(checkpoint.history))
            self.history = checkpoint.history
        where = f"{found['device_name']}, torch {found['torch_version']}, threads: {found['threads']}"
        self.log(f"attempt {self.number} on {where}; starts at epoch {len(self.history) + 1}")
        self._beside = CpuBeside()
        if not is_patience_spent(self.config, self.history):
            for epoch in training.epochs(self.say_step):
                self._finish_epoch(training, epoch)
                if is_patience_spent(self.config, self.history):
                    self.log(f"stopped early after epoch {epoch.epoch}: the validation loss fell no more")
                    break
        self._write_weights(training)
        latency = measure_latency(training.model, training.splits, self.config.precision)
        self.send({"report": "latency", "figures": latency})

    def _finish_epoch(self, training: Training, trained: TrainedEpoch) -> None:
        """The checkpoint first, then the report: what is recorded can always be resumed."""
        file_name = checkpoint_name(self.number, trained.epoch)
        entry = {"epoch": trained.epoch, "val_loss": trained.val_loss, "val_accuracy": trained.val_accuracy}
        self.history = [*self.history, entry | {"file_name": file_name}]
        started = time.perf_counter()
        file = write_checkpoint(self.folder, self.number, trained.epoch, training.tensors(), self.history)
        figures = EpochFigures(
            **asdict(trained), checkpoint_seconds=time.perf_counter() - started,
            run_memory_bytes=self._warm.above(trained.peak_memory_bytes), cores_busy_beside=self._beside.cores(),
        )  # fmt: skip
        is_best = best_epoch(self.config, self.history) == trained.epoch
        files = [asdict(file)]
        if self.config.selection == "best_val" and is_best:
            files.append(
                asdict(WrittenFile("best_checkpoint", file.file_name, file.sha256, file.num_bytes, file.epoch))
            )
        report: Message = {"report": "epoch", "figures": asdict(figures), "files": files, "selected": is_best}
        self.send(report | {"fingerprints": fingerprints(training.model.state_dict())})

    def log(self, line: str) -> None:
        """A line of this run's own log; standard error goes into it too, but of a stack into each member's."""
        self.send({"report": "log", "line": line})

    def _write_weights(self, training: Training) -> None:
        selected = best_epoch(self.config, self.history)
        tensors = training.model.state_dict()
        if selected != len(self.history):
            best = read_checkpoint(self.folder / self.history[selected - 1]["file_name"])
            tensors = {name: best.tensors[name] for name in tensors}
            training.model.load_state_dict(tensors)
        self.send({"report": "weights", "file": asdict(write_weights(self.folder, tensors, selected))})

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
        command = self.commands.next_message(0)
        if command is not None and command["command"] == "stop" and command["run_id"] == self.run_id:
            raise Interrupted
