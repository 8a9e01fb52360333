"""The trainer child: torch warm, one run config after another, or several as a stack, until its supervisor is gone."""

import sys
from collections.abc import Callable
from functools import partial

import torch

from core.architectures.layers import LAYERS
from core.run_config import RunConfig
from core.settings import Settings
from worker.attempt import Attempt, Interrupted
from worker.making import ready
from worker.messages import Closed, LinePipe, Message, send
from worker.parent import die_with_parent
from worker.stack_attempts import StackAttempts
from worker.stack_memory import free_gpu_memory
from worker.warm_up import warm_up


def main(reports: int, threads: int) -> int:
    """Reads commands from standard input and reports to the file descriptor `reports`."""
    die_with_parent()
    torch.set_num_interop_threads(1)
    settings, commands = Settings(), LinePipe(0)
    if not torch.cuda.is_available():
        warm_up()
    send(reports, {"report": "ready", "torch_version": torch.__version__, "cuda": torch.cuda.is_available()})
    try:
        while True:
            command = commands.next_message(None)
            if command is not None and command["command"] == "train":
                torch.set_num_threads(command["runs"][0]["threads"] or threads)
                _train(command, settings, commands, partial(send, reports))
    except (Closed, BrokenPipeError):
        return 0


def _train(command: Message, settings: Settings, commands: LinePipe, say: Callable[[Message], None]) -> None:
    """Attempts, from their command to exactly one final report of each: completed, interrupted or failed."""
    first, *others = [_attempt(run, settings, commands, say) for run in command["runs"]]
    alone: Attempt | None = first
    try:
        if others:
            stack = StackAttempts([first, *others], command["runs"][0]["stack_key"])
            alone = stack.train(settings, must_measure=settings.stack == "auto" and not command["is_room_known"])
        if alone is not None:
            _train_alone(alone, settings)
    finally:
        free_gpu_memory()


def _attempt(run: Message, settings: Settings, commands: LinePipe, say: Callable[[Message], None]) -> Attempt:
    return Attempt(
        run_id=run["run_id"],
        number=run["attempt"],
        config=RunConfig.model_validate(run["config"]),
        layers=LAYERS.validate_python(run["layers"]),
        folder=settings.runs_dir / str(run["run_id"]),
        checkpoint=run["checkpoint"],
        source=run.get("source"),
        commands=commands,
        say=say,
    )


def _train_alone(attempt: Attempt, settings: Settings) -> None:
    try:
        attempt.train(ready(attempt.config.dataset, settings, attempt.say_fetching))
        attempt.send({"report": "completed"})
    except Interrupted:
        attempt.send({"report": "interrupted"})
    except (Closed, BrokenPipeError):
        raise
    except Exception as error:  # whatever it is, the run must end in a state with a reason
        attempt.fail(error)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
