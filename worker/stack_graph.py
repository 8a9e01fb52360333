"""A step as one CUDA graph, and a host that runs ahead of the GPU by no more than a moment."""

import sys
import time
from collections import deque
from collections.abc import Callable

import torch

WARM_UP_STEPS = 3  # as PyTorch's notes on CUDA graphs advise; they are steps of the training
# A report waits for what is queued, and a cancel is promised within 0.5 s of which train.REPORT_SECONDS are gone.
MARK_SECONDS = 0.02
MAX_STEPS_PER_MARK = 64


class Replayed:
    """Computes a step on its device: some times as it is, then as a graph of all its kernels. On a CPU always as it is.

    It is always the same step, which takes and returns nothing, and all that changes from one to the next lies in
    tensors that stay where they are. It is not kept: it knows who holds this, and the memory of both would stay.
    """

    def __init__(self, device: torch.device) -> None:
        self._is_captured = device.type == "cuda"
        self._num_eager = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, step: Callable[[], None]) -> None:
        if not self._is_captured:
            step()
        elif self._num_eager < WARM_UP_STEPS:
            self._on_a_side_stream(step)
        else:
            self._replay(step)

    def _on_a_side_stream(self, step: Callable[[], None]) -> None:
        """Lets cuDNN and cuBLAS choose and allocate, which a capture does not allow."""
        stream, main = torch.cuda.Stream(), torch.cuda.current_stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(main)
        with torch.cuda.stream(stream):
            step()
        main.wait_stream(stream)
        self._num_eager += 1

    def _replay(self, step: Callable[[], None]) -> None:
        if self._graph is None:
            self._graph = graph = torch.cuda.CUDAGraph()
            try:
                with torch.cuda.graph(graph):
                    step()
            except RuntimeError as error:  # the run goes on, at the speed of its launches
                print(f"no CUDA graph: {error}", file=sys.stderr, flush=True)
                self._graph, self._is_captured = None, False
                step()
                return
        self._graph.replay()


class Pace:
    """Waits for the GPU, not at each step but such that only a few hundredths of a second are ever queued."""

    def __init__(self, device: torch.device) -> None:
        self._is_needed = device.type == "cuda"
        self._marks: deque[torch.cuda.Event] = deque()
        self._num_steps, self._steps_per_mark, self._marked_at = 0, 1, time.perf_counter()

    def after_step(self) -> None:
        self._num_steps += 1
        if not self._is_needed or self._num_steps < self._steps_per_mark:
            return
        mark = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        mark.record()
        self._marks.append(mark)
        if len(self._marks) > 1:
            self._marks.popleft().synchronize()
        now = time.perf_counter()
        self._steps_per_mark = steps_of_next_mark(self._steps_per_mark, now - self._marked_at)
        self._num_steps, self._marked_at = 0, now


def steps_of_next_mark(steps: int, seconds: float) -> int:
    """More steps where the last mark came early, fewer where it came late."""
    if seconds > MARK_SECONDS:
        return max(1, steps // 2)
    return min(MAX_STEPS_PER_MARK, steps * 2) if seconds < MARK_SECONDS / 2 else steps
