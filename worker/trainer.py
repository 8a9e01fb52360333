"""The trainer child: torch warm, one run config after another until its supervisor is gone."""

import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from core.architectures.layers import LAYERS
from core.datasets import DatasetUnavailable
from core.run_config import RunConfig
from core.settings import Settings
from worker.attempt import Attempt, Interrupted
from worker.batches import TooFewImages
from worker.checkpoints import CheckpointBroken
from worker.device import DeviceUnavailable
from worker.making import ready
from worker.messages import Closed, LinePipe, Message, send
from worker.parent import die_with_parent
from worker.train import TrainingDiverged

AGAIN = "Launch it again: the same config and seed give the same result."


def main(reports: int, threads: int) -> int:
    """Reads commands from standard input and reports to the file descriptor `reports`."""
    die_with_parent()
    torch.set_num_interop_threads(1)
    settings, commands = Settings(), LinePipe(0)
    send(reports, {"report": "ready", "torch_version": torch.__version__, "cuda": torch.cuda.is_available()})
    try:
        while True:
            command = commands.next_message(None)
            if command is not None and command["command"] == "train":
                [run] = command["runs"]
                torch.set_num_threads(run["threads"] or threads)
                _train(run, settings, commands, partial(send, reports))
    except (Closed, BrokenPipeError):
        return 0


def _train(run: Message, settings: Settings, commands: LinePipe, say: Callable[[Message], None]) -> None:
    """One attempt, from its command to exactly one final report: completed, interrupted or failed."""
    config = RunConfig.model_validate(run["config"])
    attempt = Attempt(
        run_id=run["run_id"],
        number=run["attempt"],
        config=config,
        layers=LAYERS.validate_python(run["layers"]),
        folder=settings.runs_dir / str(run["run_id"]),
        checkpoint=run["checkpoint"],
        commands=commands,
        say=say,
    )
    try:
        attempt.train(ready(config.dataset, settings, attempt.say_fetching))
        attempt.send({"report": "completed"})
    except Interrupted:
        attempt.send({"report": "interrupted"})
    except (Closed, BrokenPipeError):
        raise
    except Exception as error:  # whatever it is, the run must end in a state with a reason
        reason, suggestion, works_on = explained(error, config, Path(attempt.folder))
        attempt.log(reason)
        attempt.send({"report": "failed", "reason": reason, "suggestion": suggestion, "dataset": works_on})
    finally:
        del attempt
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def explained(error: Exception, config: RunConfig, folder: Path) -> tuple[str, str, str | None]:
    """Reason, suggestion, and a dataset on which the same run would work, in words fit for the page."""
    match error:
        case DatasetUnavailable():
            other = "digits" if config.dataset != "digits" else None
            return error.reason, error.suggestion, other
        case TrainingDiverged():
            lower = f"Lower the learning rate (it was {config.learning_rate:g}), for example to"
            return str(error), f"{lower} {config.learning_rate / 10:g}, or use a warm-up.", None
        case CheckpointBroken():
            return str(error), AGAIN, None
        case DeviceUnavailable():
            return str(error), "Launch it with device auto or cpu.", None
        case TooFewImages():
            return str(error), "Hold out fewer images.", None
        case OSError():
            kept = "Then requeue the run: it goes on after its last recorded epoch."
            return (
                f"A file in {folder} could not be written: {error.strerror or error}.",
                f"Free disk space. {kept}",
                None,
            )
    if "deterministic implementation" in str(error):
        return (
            f"The GPU has no deterministic way to compute this network: {error}",
            "Launch it with device cpu, or start the worker without TRAINYARD_DETERMINISTIC.",
            None,
        )
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error):
        return "The machine ran out of memory.", "Use a smaller batch size or a smaller network.", None
    traceback.print_exception(error)  # into the run's log
    return (
        f"{type(error).__name__}: {error}",
        "The log below says where. If it looks like our mistake, report it.",
        None,
    )


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
