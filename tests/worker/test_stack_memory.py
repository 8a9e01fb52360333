"""The size of a stack: what memory holds, and no stack on a CPU."""

import gc
import weakref

import pytest
import torch

from core.dataset_store import MaterialisedDataset
from core.run_config import parse_run_config, resolve_run
from worker.stack_memory import MAX_MEMBERS, members_that_fit, members_within, rehearse
from worker.stacked import StackedTraining

CONFIG = parse_run_config({"dataset": "digits", "architecture": {"name": "lenet5"}, "device": "cpu"})


@pytest.mark.parametrize(
    ("free", "one", "two", "members"),
    [
        (1_000, 100, 150, 15),
        (100, 100, 150, 1),
        (10, 100, 150, 1),
        (10**9, 100, 150, MAX_MEMBERS),
        (1_000, 100, 100, 64),
    ],
)
def test_as_many_as_four_fifths_of_the_free_memory_hold(free: int, one: int, two: int, members: int) -> None:
    assert members_within(free, one, two) == members


def test_a_cpu_trains_no_stacks(digits: MaterialisedDataset) -> None:
    assert members_that_fit(CONFIG, resolve_run(CONFIG).layers, digits, torch.device("cpu")) == 1


def test_a_rehearsal_ends_at_the_first_report(digits: MaterialisedDataset) -> None:
    training = StackedTraining([CONFIG], [resolve_run(CONFIG).layers], digits, torch.device("cpu"))
    rehearse(training)
    assert training.epochs_done == 0
    assert training.members == [0]


def test_a_stack_that_is_done_leaves_no_memory_taken(digits: MaterialisedDataset) -> None:
    training = StackedTraining([CONFIG], [resolve_run(CONFIG).layers], digits, torch.device("cpu"))
    rehearse(training)
    model = weakref.ref(training._stack.model)
    gc.disable()  # which comes when it likes
    try:
        del training
        assert model() is None
    finally:
        gc.enable()
