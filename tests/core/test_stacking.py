"""Which runs share a stack: those that differ only in what each member keeps to itself."""

import pytest

from core.run_config import parse_run_config, resolve_run
from core.stacking import stack_key

BASE = {"architecture": {"name": "lenet5-moon", "parameters": {"dropout": 0.5}}, "dataset": "digits"}


def key(**choices: object) -> str:
    config = parse_run_config(BASE | choices)
    return stack_key(config, resolve_run(config).layers)


@pytest.mark.parametrize(
    "choices",
    [
        {"seed": 7}, {"name": "mine"}, {"learning_rate": 0.1}, {"momentum": 0.0}, {"weight_decay": 0.1},
        {"label_smoothing": 0.1},
        {"architecture": {"name": "lenet5-moon", "parameters": {"dropout": 0.2}}},
    ],
)  # fmt: skip
def test_runs_that_differ_in_a_seed_or_a_number_of_their_own_share_a_stack(choices: dict[str, object]) -> None:
    assert key(**choices) == key()


@pytest.mark.parametrize(
    "choices",
    [
        {"epochs": 3}, {"batch_size": 32}, {"dataset": "mnist"}, {"optimizer": "adam"}, {"nesterov": True},
        {"schedule": "cosine"}, {"augmentation": "shift"}, {"validation": 100}, {"precision": "bf16"},
        {"device": "cpu"},
        {"architecture": {"name": "lenet5-moon", "parameters": {"dropout": 0.0}}},  # has no such layers at all
        {"architecture": {"name": "lenet5-moon2"}},
    ],
)  # fmt: skip
def test_runs_that_differ_in_what_all_members_have_in_common_do_not(choices: dict[str, object]) -> None:
    assert key(**choices) != key()
