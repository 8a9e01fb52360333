"""Effects of parameters: balanced over all else, over what was trained, and never of what cannot be told apart."""

import itertools
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from sqlmodel import select

from core.chosen_runs import Choice, choose_runs
from core.comparison import compare
from core.database import Database
from core.effects import Effect, Effects, effects_of
from core.factors import Factor, axes_of, factors_of
from core.heat_map import heat_map
from core.tables import Run
from tests.app.trained_runs import started, trained


def effects(database: Database, outcome: Any = "test_accuracy") -> Effects:
    with database.reading() as session:
        runs = tuple(run_id for run_id in session.exec(select(Run.id)) if run_id)
        return effects_of(compare(session, choose_runs(session, Choice(runs=runs)).runs), outcome)


def factor(told: Effects, path: str) -> Factor:
    return next(factor for factor in told.factors if factor.axis.path.endswith(path))


def means(effect: Effect) -> dict[str, float]:
    axis = effect.factor.axis
    return {axis.level_words(mean.level): mean.contrast.value for mean in effect.means}


def factors(*configs: dict[str, Any]) -> dict[str, Factor]:
    return {factor.axis.path: factor for factor in factors_of(axes_of(configs))}


def grid(database: Database, accuracy: Any, seeds: int = 3, *, without: tuple[float, str] | None = None) -> None:
    """Learning rate by pool; `accuracy` of (rate, pool, seed)."""
    for rate, pool, seed in itertools.product((0.1, 0.01, 0.001), ("max", "avg"), range(seeds)):
        if (rate, pool) != without:
            network = {"name": "lenet5", "parameters": {"pool": pool}}
            trained(database, accuracy(rate, pool, seed), seed=seed, learning_rate=rate, architecture=network)


def test_an_effect_in_a_whole_grid_is_the_mean_over_the_cells_with_its_interval(database: Database) -> None:
    values = np.random.default_rng(5).uniform(0.4, 0.6, size=(3, 2, 3))
    places = {0.1: 0, 0.01: 1, 0.001: 2}
    grid(database, lambda rate, pool, seed: float(values[places[rate], int(pool == "avg"), seed]))
    told = effects(database)
    rates = told.effect(factor(told, "learning_rate"))
    assert means(rates) == pytest.approx({"0.001": values[2].mean(), "0.01": values[1].mean(), "0.1": values[0].mean()})
    assert (rates.num_blocks, rates.of_blocks, rates.factor.axis.scale) == (2, 2, "log")
    least = rates.means[0]
    by_seed = values[2].mean(axis=0)
    reach = 4.302652729749464 * by_seed.std(ddof=1) / 3**0.5
    assert least.interval == pytest.approx((by_seed.mean() - reach, by_seed.mean() + reach))
    assert least.num_seeds == 6
    assert least.difference  # from the first group's
    assert least.difference.value == pytest.approx(values[2].mean() - values[0].mean())
    assert rates.means[-1].difference is None
    pools = means(told.effect(factor(told, "pool")))
    assert pools == pytest.approx({"max": values[:, 0].mean(), "avg": values[:, 1].mean()})


def test_a_missing_cell_takes_its_whole_combination_away_and_a_value_is_never_better_for_its_company(
    database: Database,
) -> None:
    """At 0.1 all is better by 0.3; max is trained there, avg is not. A plain mean would praise max for it."""
    grid(database, lambda rate, pool, seed: 0.5 + 0.3 * (rate == 0.1) + seed / 100, without=(0.1, "avg"))
    told = effects(database)
    pools = told.effect(factor(told, "pool"))
    assert means(pools) == pytest.approx({"max": 0.51, "avg": 0.51})
    assert (pools.num_blocks, pools.of_blocks) == (2, 3)
    rates = told.effect(factor(told, "learning_rate"))
    assert (rates.num_blocks, rates.of_blocks) == (1, 2)
    assert means(rates) == pytest.approx({"0.001": 0.51, "0.01": 0.51, "0.1": 0.81})
    shown = heat_map(told, factor(told, "pool"), factor(told, "learning_rate"))
    assert [[cell and cell.num_seeds for cell in row] for row in shown.rows] == [[3, 3], [3, 3], [3, None]]
    assert (shown.is_even, shown.num_outside) == (True, 0)


def test_what_only_some_values_were_trained_beside_is_left_out_and_named(database: Database) -> None:
    trained(database, 0.8, learning_rate=0.1)
    trained(database, 0.7, learning_rate=0.01)
    trained(database, 0.6, learning_rate=0.5, batch_size=16)
    trained(database, 0.5, learning_rate=0.1, batch_size=16)
    started(database, learning_rate=0.02, batch_size=16)
    told = effects(database)
    rates = told.effect(factor(told, "learning_rate"))
    axis = rates.factor.axis
    assert means(rates) == {"0.1": 0.8, "0.01": 0.7}
    assert [[axis.level_words(level) for level in levels] for levels in (rates.untrained, rates.apart)] == [
        ["0.02"],
        ["0.5"],
    ]
    assert rates.means[0].interval is None  # of a single seed


def test_two_values_that_stand_beside_each_other_are_found_where_the_first_stands_beside_none(
    database: Database,
) -> None:
    for rate, pool in ((0.001, "max"), (0.01, "avg"), (0.1, "avg")):
        trained(database, 0.9 + rate, learning_rate=rate, architecture={"name": "lenet5", "parameters": {"pool": pool}})
    started(database, epochs=1, learning_rate=0.01, architecture={"name": "lenet5", "parameters": {"pool": "max"}})
    told = effects(database)
    rates = told.effect(factor(told, "learning_rate"))
    assert means(rates) == {"0.01": pytest.approx(0.91), "0.1": pytest.approx(1.0)}
    assert [rates.factor.axis.levels[level] for level in rates.apart] == [0.001]


def test_of_time_repeats_tell_too_and_a_loss_that_was_not_finite_is_left_out(database: Database) -> None:
    for rate, seconds in ((0.1, (1.0, 3.0)), (0.01, (5.0, 5.0))):
        for second in seconds:
            run_id = trained(database, 0.0, learning_rate=rate)  # of which the test loss is NaN
            with database.writing() as session:
                session.get_one(Run, run_id).seconds_per_epoch = second
    assert effects(database, "seconds_per_epoch").means == [2.0, 5.0]
    assert effects(database, "test_loss").means == [None, None]
    assert effects(database).means == [0.0, 0.0]


def test_fields_that_always_change_together_have_one_effect_and_those_that_follow_none(database: Database) -> None:
    told = factors(
        {"architecture": "a", "learning_rate": 0.1, "batch_size": 32, "epochs": 5},
        {"architecture": "a", "learning_rate": 0.01, "batch_size": 64, "epochs": 5},
        {"architecture": "a", "learning_rate": 0.001, "batch_size": 128, "epochs": 9},
    )
    assert list(told) == ["learning_rate"]
    assert told["learning_rate"].together == ("batch_size",)
    assert told["learning_rate"].followers == ("epochs",)


def test_a_networks_own_parameters_follow_from_it_or_are_nested_in_it(database: Database) -> None:
    path = "architecture.parameters."
    told = factors(
        {"architecture": "lenet5", path + "filters": [6, 16], path + "pool": "max"},
        {"architecture": "lenet5", path + "filters": [6, 16], path + "pool": "avg"},
        {"architecture": "moon", path + "filters": [10, 32], path + "pool": "max"},
        {"architecture": "mlp", path + "hidden": [120]},
    )
    assert list(told) == ["architecture", path + "pool"]
    assert told["architecture"].followers == (path + "filters",)
    for name, parameters, accuracy in (("lenet5", {"pool": "max"}, 0.8), ("lenet5", {"pool": "avg"}, 0.6),
                                       ("custom-mlp", {}, 0.5)):  # fmt: skip
        trained(database, accuracy, architecture={"name": name, "parameters": parameters})
    shown = effects(database)
    networks = shown.effect(factor(shown, "architecture"))
    assert means(networks) == pytest.approx({"LeNet-5": fmean((0.8, 0.6)), "Custom MLP": 0.5})
    assert networks.nested == (path + "pool",)
    assert means(shown.effect(factor(shown, "pool"))) == {"max": 0.8, "avg": 0.6}
    assert heat_map(shown, factor(shown, "architecture"), factor(shown, "pool")).num_outside == 1


def test_axes_go_by_ratios_where_values_do_and_by_steps_where_zero_is_among_them() -> None:
    def scale(*values: Any) -> tuple[str, list[float]]:
        (axis,) = axes_of([{"field": value} for value in values])
        return axis.scale, [round(axis.place(level), 3) for level in range(len(axis.levels))]

    assert scale(0.1, 0.001, 0.01) == ("log", [0.0, 0.5, 1.0])
    assert scale(64, 16, 32) == ("linear", [0.0, 0.333, 1.0])
    assert scale(1e-4, 0.0, 1e-2) == ("steps", [0.0, 0.5, 1.0])
    assert scale(True, False)[0] == scale("max", "avg")[0] == scale([6, 16], [10, 32])[0] == "steps"
    assert scale(-1.0, 100.0)[0] == "linear"
