"""From a base, a grid and seeds to run configs: every combination once, and a reason for each that cannot be."""

from typing import Any

import pytest

from core.experiment_plan import MAX_RUNS, plan_experiment
from core.invalid_run_config import InvalidRunConfig

BASE: dict[str, Any] = {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 2}


def problems(**given: Any) -> dict[str, str]:  # whatever a client sends
    with pytest.raises(InvalidRunConfig) as refused:
        plan_experiment(**{"base": BASE, "grid": {}, "seeds": 1, **given})
    return refused.value.problems


def test_a_grid_and_seeds_make_every_combination_seed_by_seed() -> None:
    plan = plan_experiment(
        base=BASE, grid={"learning_rate": [0.1, 0.01], "architecture.parameters.pool": ["max", "avg"]}, seeds=3
    )
    assert [run.config.seed for run in plan.runs] == [0] * 4 + [1] * 4 + [2] * 4
    assert len({run.config_hash for run in plan.runs}) == 4
    assert {(run.config.learning_rate, run.config.architecture.parameters["pool"]) for run in plan.runs} == {
        (0.1, "max"), (0.1, "avg"), (0.01, "max"), (0.01, "avg"),
    }  # fmt: skip
    assert plan.runs[0].config.name == "learning rate 0.1, pool max, seed 0"
    assert plan.name == "Learning rate and pool on digits"
    of_two = plan_experiment(base=BASE, grid={"dataset": ["digits", "mnist"], "learning_rate": [0.1, 0.01]}, seeds=1)
    assert of_two.name == "Learning rate on 2 datasets"


def test_architectures_vary_by_name_or_with_parameters() -> None:
    plan = plan_experiment(
        base={"dataset": "digits"},
        grid={"architecture": ["custom-mlp", {"name": "lenet5", "parameters": {"pool": "max"}}]},
        seeds=[7, 3],
    )
    assert [run.config.name for run in plan.runs] == [
        "custom-mlp, seed 7", "lenet5, pool max, seed 7", "custom-mlp, seed 3", "lenet5, pool max, seed 3",
    ]  # fmt: skip


def test_a_number_of_seeds_counts_up_from_the_base_seed() -> None:
    assert plan_experiment(base=BASE | {"seed": 40}, grid={}, seeds=3).seeds == (40, 41, 42)


def test_every_run_is_the_one_that_a_single_launch_would_make() -> None:
    from core.run_config import parse_run_config, resolve_run

    for run in plan_experiment(base=BASE, grid={"batch_size": [32, 64]}, seeds=2).runs:
        alone = resolve_run(parse_run_config(run.config.model_dump(mode="json")))
        assert alone == run


def test_what_means_nothing_beside_a_choice_that_varies_is_left_out_of_its_combinations() -> None:
    plan = plan_experiment(
        base=BASE | {"nesterov": True}, grid={"momentum": [0.9, 0.5], "optimizer": ["sgd", "adam"]}, seeds=1
    )
    assert [(run.config.optimizer, run.config.momentum, run.config.nesterov) for run in plan.runs] == [
        ("sgd", 0.9, True), ("adam", None, None), ("sgd", 0.5, True),
    ]  # fmt: skip
    assert plan.runs[1].config.name == "optimizer adam, seed 0"


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"seeds": 0}, "seeds", "at least one"),
        ({"seeds": []}, "seeds", "at least one"),
        ({"seeds": [1, 1]}, "seeds", "differ"),
        ({"seeds": [-1]}, "seeds", "whole numbers"),
        ({"seeds": 2, "base": BASE | {"seed": 2**32 - 1}}, "seeds", "whole numbers"),
        ({"seeds": MAX_RUNS + 1}, "seeds", "at most"),
        ({"seeds": 10**12}, "seeds", "at most"),
        ({"grid": {"epochs": list(range(1, 1002))}}, "grid", "at most"),
        ({"grid": {"epochs": []}}, "grid.epochs", "at least one"),
        ({"grid": {"epochs": [1, 1]}}, "grid.epochs", "twice"),
        ({"grid": {"seed": [1, 2]}}, "grid.seed", "seeds"),
        ({"grid": {"name": ["a"]}}, "grid.name", "cannot vary|can vary"),
        ({"grid": {"colour": ["red"]}}, "grid.colour", "can vary"),
        ({"grid": {"learning_rate": [0.1, -1]}}, "learning_rate", "learning rate -1"),
        ({"grid": {"batch_size": [0, 8], "epochs": [1, 2]}}, "batch_size", r"1 \(where batch size 0\)$"),
        ({"grid": {"optimizer": [{}, "sgd"]}}, "optimizer", "optimizer None"),
        ({"base": BASE | {"seed": "one"}}, "seed", "whole number"),
        (
            {
                "base": {"architecture": {"name": "lenet5", "parameters": []}, "dataset": "digits"},
                "grid": {"architecture.parameters.pool": ["max"]},
            },
            "architecture.parameters",
            "dictionary",
        ),
        ({"grid": {"architecture.parameters.pool": ["max", "min"]}}, "architecture.parameters.pool", "pool min"),
        ({"grid": {"architecture.parameters.colour": [1]}}, "architecture.parameters.colour", "colour 1"),
        ({"grid": {"architecture": ["lenet5", {"name": "lenet5", "parameters": {}}]}}, "grid", "twice"),
        ({"grid": {"architecture": ["nothing"]}}, "architecture.name", "no architecture"),
        ({"name": "two\nlines"}, "name", "one line"),
    ],
)
def test_what_cannot_be_is_refused_with_field_and_reason(given: dict[str, Any], field: str, reason: str) -> None:
    import re

    told = problems(**given)
    assert field in told, told
    assert re.search(reason, told[field]), told


def test_a_very_large_product_is_refused_before_it_is_made() -> None:
    grid = {f: list(range(1, 1000)) for f in ("epochs", "batch_size", "step_epochs", "warmup_epochs")}
    assert "at most" in problems(grid=grid)["grid"]
