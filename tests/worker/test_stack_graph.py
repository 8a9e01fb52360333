"""What of the graphs does not need a GPU."""

from itertools import accumulate

import pytest
import torch

from worker.stack_graph import MARK_SECONDS, MAX_STEPS_PER_MARK, Replayed, steps_of_next_mark


def test_a_step_on_a_cpu_is_computed_as_it_is() -> None:
    computed = list[int]()
    replayed = Replayed(torch.device("cpu"))
    for _ in range(5):
        replayed(lambda: computed.append(1))
    assert len(computed) == 5


@pytest.mark.parametrize("step_seconds", [1e-5, 1e-4, 1e-3, 0.005, 0.03])
def test_marks_come_as_often_as_a_cancel_needs_whatever_a_step_takes(step_seconds: float) -> None:
    steps = list(accumulate(range(12), lambda last, _: steps_of_next_mark(last, last * step_seconds), initial=1))
    assert steps[-1] == steps[-2]
    assert steps[-1] == 1 or steps[-1] * step_seconds <= MARK_SECONDS
    assert steps[-1] == MAX_STEPS_PER_MARK or steps[-1] * step_seconds >= MARK_SECONDS / 4
