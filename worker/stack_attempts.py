"""Attempts of several runs trained together as one stack; each keeps its checkpoints, reports, stop and failure.

What befalls one leaves the others as they are. What befalls all and would not befall each alone (they do not fit into
the memory together, an error of the stacked model) sends them back to the queue, to be stacked smaller or not at all.
"""

import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

import torch

from core.datasets import DatasetUnavailable
from core.records import TrainedEpoch, WrittenFile
from core.settings import Settings
from worker.attempt import Attempt, Interrupted
from worker.batches import TooFewImages, test_split_of
from worker.checkpoints import CheckpointBroken
from worker.device import DeviceUnavailable, chosen_device
from worker.failures import is_out_of_memory
from worker.latency import measure_latency
from worker.making import ready
from worker.messages import Closed, Message
from worker.models import build
from worker.stack_memory import members_that_fit
from worker.stacked import StackedTraining
from worker.train import StepReport, TrainingDiverged


class StackAttempts:
    """`_open`: those without a final report, by their run; a member of the training is its place in `_attempts`."""

    def __init__(self, attempts: Sequence[Attempt], stack_key: str) -> None:
        self._say, self._commands, self._stack_key = attempts[0].say, attempts[0].commands, stack_key
        self._attempts, self._open = list(attempts), {attempt.run_id: attempt for attempt in attempts}
        self._training: StackedTraining | None = None
        self._latency: dict[str, float | int] | None = None
        self._said: list[Message] = []  # goes together as one message, and is recorded in one transaction
        for attempt in attempts:
            attempt.say = self._said.append

    def train(self, settings: Settings, *, must_measure: bool) -> Attempt | None:
        """Until each had its final report; but one that is to be trained alone is given back."""
        try:
            self._dataset = ready(self._attempts[0].config.dataset, settings, self._say_fetching)
            if must_measure:
                self._hand_back_what_does_not_fit()
            if len(self._open) > 1:
                self._train()
        except Interrupted:
            assert not self._open
        except (Closed, BrokenPipeError):
            raise
        except (DatasetUnavailable, DeviceUnavailable, TooFewImages) as error:  # of each alone it would be the same
            for attempt in self._still_open():
                attempt.fail(error)
                self._leave(attempt)
        except Exception as error:
            self._give_up(error)
        self._training = None  # its memory with it
        self._flush()
        for attempt in self._still_open():
            attempt.say = self._say
            return attempt
        return None

    def _still_open(self) -> list[Attempt]:
        return list(self._open.values())

    def _hand_back_what_does_not_fit(self) -> None:
        first = self._attempts[0]
        room = max(1, members_that_fit(first.config, first.layers, self._dataset, chosen_device(first.config)))
        self._say({"report": "room", "stack_key": self._stack_key, "size": room})
        for attempt in self._still_open()[room:]:
            attempt.log(f"the memory holds {room} runs like this one at once: back to the queue")
            self._hand_back(attempt)
        self._flush()

    def _train(self) -> None:
        device = chosen_device(self._attempts[0].config)
        before: dict[int, dict[str, torch.Tensor] | None] = {}
        for attempt in self._still_open():
            with self._own_failure(attempt):
                before[attempt.run_id] = attempt.begin(device)
        if not self._open:
            return
        self._attempts = self._still_open()
        configs, layers = zip(*((attempt.config, attempt.layers) for attempt in self._attempts), strict=True)
        self._training = StackedTraining(configs, layers, self._dataset, device)
        for member, attempt in enumerate(self._attempts):
            if others := len(self._attempts) - 1:
                attempt.send({"report": "stack", "size": 1 + others})
                attempt.log(f"trained as one stack, together with {others} {'other' if others == 1 else 'others'}")
            if (tensors := before.pop(attempt.run_id)) is not None:
                self._training.restore(member, tensors, len(attempt.history))
        for member, attempt in enumerate(self._attempts):
            if attempt.is_patience_spent():
                self._complete(member)
        if self._open:
            for results in self._training.epochs(self._say_steps):
                self._finish_epoch(self._training, results)
        for member, attempt in enumerate(self._attempts):
            if attempt.run_id in self._open:
                self._complete(member)

    def _finish_epoch(self, training: StackedTraining, results: dict[int, TrainedEpoch | TrainingDiverged]) -> None:
        """All checkpoints first, then all reports. The stack waits for each, so their seconds are those of each."""
        started = time.perf_counter()
        written: dict[int, tuple[TrainedEpoch, WrittenFile]] = {}
        for member, result in results.items():
            self._obey()
            attempt = self._attempts[member]
            if attempt.run_id in self._open:
                with self._own_failure(attempt):
                    if isinstance(result, TrainingDiverged):
                        raise result
                    written[member] = result, attempt.write_checkpoint(result, training.tensors(member))
        seconds = time.perf_counter() - started
        for member, (trained, file) in written.items():
            attempt = self._attempts[member]
            if attempt.run_id in self._open:
                attempt.say_epoch(trained, file, seconds, training.model_state(member))
                if attempt.is_patience_spent():
                    self._complete(member)
        self._flush()

    def _complete(self, member: int) -> None:
        assert self._training is not None
        attempt = self._attempts[member]
        with self._own_failure(attempt):
            weights = attempt.write_weights(self._training.model_state(member))
            if self._latency is None:
                self._latency = self._measured_latency(attempt, weights)
            attempt.say_latency(self._latency)
            attempt.send({"report": "completed"})
            self._leave(attempt)

    def _measured_latency(self, attempt: Attempt, weights: dict[str, torch.Tensor]) -> dict[str, float | int]:
        """Once for all: as one network answers alone, whatever its weights."""
        splits = test_split_of(self._dataset, chosen_device(attempt.config))
        model = build(attempt.layers, tuple(splits.test.images.shape[1:])).to(splits.test.images.device)
        model.load_state_dict(weights)
        return measure_latency(model, splits, attempt.config.precision)

    @contextmanager
    def _own_failure(self, attempt: Attempt) -> Iterator[None]:
        """What is the run's own fault ends it alone."""
        try:
            yield
        except (TrainingDiverged, CheckpointBroken, OSError) as error:
            attempt.fail(error)
            self._leave(attempt)

    def _hand_back(self, attempt: Attempt) -> None:
        attempt.send({"report": "interrupted"})
        self._leave(attempt)

    def _leave(self, attempt: Attempt) -> None:
        del self._open[attempt.run_id]
        if self._training is not None:
            member = next(place for place, other in enumerate(self._attempts) if other is attempt)
            if member in self._training.members:
                self._training.drop(member)

    def _give_up(self, error: Exception) -> None:
        """The half of a stack that took too much memory may fit; of any other error each is spared alone, or is not."""
        size, room = len(self._open), 1
        if is_out_of_memory(error):
            room = max(1, size // 2)
            line = f"{size} runs together take more memory than there is: at most {room} from now on"
        else:
            traceback.print_exception(error)  # into the log of each
            line = f"the stack ended with {type(error).__name__}: {error}; each of its runs is trained alone"
        self._say({"report": "room", "stack_key": self._stack_key, "size": room})
        for attempt in self._still_open():
            attempt.log(line)
            self._hand_back(attempt)

    def _say_steps(self, steps: dict[int, StepReport]) -> None:
        for member, step in steps.items():
            self._attempts[member].send({"report": "progress"} | asdict(step))
        self._flush()
        self._obey()

    def _say_fetching(self, message: str) -> None:
        for attempt in self._still_open():
            attempt.send({"report": "progress", "phase": "fetching", "message": message})
        self._flush()
        self._obey()
        if not self._open:
            raise Interrupted

    def _obey(self) -> None:
        """Hands back the runs that are to stop; the others go on."""
        while (command := self._commands.next_message(0)) is not None:
            if command["command"] == "stop" and command["run_id"] in self._open:
                self._hand_back(self._open[command["run_id"]])
        self._flush()

    def _flush(self) -> None:
        if self._said:
            self._say({"report": "together", "reports": self._said})
            self._said.clear()
