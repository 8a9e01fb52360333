"""The run config: what it refuses and why, what it fills in, and which runs share a hash."""

from typing import Any

import pytest

from core.invalid_run_config import InvalidRunConfig
from core.run_config import RunConfig, parse_run_config, resolve_run

LENET: dict[str, Any] = {"architecture": {"name": "lenet5"}, "dataset": "digits"}


def hash_of(**differences: Any) -> str:
    return resolve_run(parse_run_config(LENET | differences)).config_hash


def test_the_defaults_are_the_reports() -> None:
    config = parse_run_config(LENET)
    assert (config.optimizer, config.learning_rate, config.momentum, config.batch_size) == ("sgd", 0.01, 0.9, 64)
    assert (config.epochs, config.validation, config.selection) == (10, "none", "last")


def test_a_field_that_another_choice_needs_is_filled_and_else_absent() -> None:
    assert parse_run_config(LENET | {"schedule": "step"}).step_factor == 0.1
    assert parse_run_config(LENET).step_factor is None
    assert parse_run_config(LENET | {"optimizer": "adam"}).momentum is None


@pytest.mark.parametrize(
    ("differences", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"optimizer": "adam", "momentum": 0.9}, "momentum"),
        ({"nesterov": True, "momentum": 0}, "nesterov"),
        ({"schedule": "cosine", "epochs": 3, "warmup_epochs": 3}, "warmup_epochs"),
        ({"step_epochs": 2}, "step_epochs"),
        ({"selection": "best_val"}, "selection"),
        ({"early_stopping_patience": 2}, "early_stopping_patience"),
        ({"validation": 0}, "validation"),
        ({"validation": "some"}, "validation"),
        ({"seed": 2**32}, "seed"),
        ({"name": "two\nlines"}, "name"),
        ({"architecture": {"name": "lenet5", "depth": 2}}, "architecture.depth"),
    ],
)
def test_a_value_that_cannot_be_trained_is_refused_at_its_field(differences: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRunConfig) as refused:
        parse_run_config(LENET | differences)
    assert list(refused.value.problems) == [field]


@pytest.mark.parametrize(
    ("differences", "field"),
    [
        ({"dataset": "birds"}, "dataset"),
        ({"architecture": {"name": "resnet"}}, "architecture.name"),
        ({"architecture": {"name": "lenet5", "parameters": {"depth": 2}}}, "architecture.parameters.depth"),
        ({"dataset": "mnist", "validation": 60_000}, "validation"),
    ],
)
def test_what_catalogue_and_dataset_do_not_offer_is_refused_at_its_field(
    differences: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRunConfig) as refused:
        resolve_run(parse_run_config(LENET | differences))
    assert list(refused.value.problems) == [field]


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(InvalidRunConfig) as refused:
        parse_run_config(LENET | {"epochs": 0, "batch_size": 0})
    assert set(refused.value.problems) == {"epochs", "batch_size"}


def test_a_config_without_a_source_has_the_hash_that_it_always_had() -> None:
    assert hash_of() == "8b23a595572e265f7c4fbe40836d27e120f416d5182418497496718d7a676123"


def test_of_a_source_what_decides_the_result_is_hashed() -> None:
    weights = {"mode": "weights", "run_id": 3, "epoch": 2, "sha256": "a" * 64}
    same_file = weights | {"run_id": 4, "epoch": 1}
    assert (
        hash_of()
        != hash_of(source=weights)
        == hash_of(source=same_file)
        != hash_of(source=weights | {"sha256": "b" * 64})
    )
    past = {"mode": "continue", "run_id": 3, "epoch": 2, "sha256": "a" * 64, "config_hash": "c" * 64}
    assert hash_of(source=past) == hash_of(source=past | {"run_id": 4, "sha256": "b" * 64})
    assert hash_of(source=past) not in (
        hash_of(source=past | {"epoch": 3}),
        hash_of(source=past | {"config_hash": "d" * 64}),
    )


def test_name_seed_and_device_do_not_change_the_hash() -> None:
    assert hash_of() == hash_of(name="mine") == hash_of(seed=7) == hash_of(device="cpu")


@pytest.mark.parametrize(
    "differences",
    [{"epochs": 11}, {"learning_rate": 0.02}, {"dataset": "mnist"}, {"validation": 100}, {"precision": "bf16"},
     {"architecture": {"name": "lenet5-1998"}}],
)  # fmt: skip
def test_what_decides_the_result_changes_the_hash(differences: dict[str, Any]) -> None:
    assert hash_of(**differences) != hash_of()


def test_a_default_written_out_has_the_hash_of_a_default_left_out() -> None:
    assert hash_of(momentum=0.9, learning_rate=0.01, nesterov=False) == hash_of()


def test_a_stored_config_reads_back_as_itself() -> None:
    for differences in ({}, {"optimizer": "adamw"}, {"schedule": "cosine", "validation": 100}):
        config = parse_run_config(LENET | differences)
        assert RunConfig.model_validate(config.model_dump(mode="json")) == config


def test_a_run_without_a_name_is_called_after_network_dataset_and_seed() -> None:
    assert parse_run_config(LENET | {"seed": 3}).display_name() == "lenet5 on digits, seed 3"
    assert parse_run_config(LENET | {"name": "  mine "}).display_name() == "mine"
