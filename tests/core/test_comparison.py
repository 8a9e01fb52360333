"""Runs beside each other: which are meant, in which groups, and their figures over the seeds."""

from typing import Any

import pytest

from core.bin import move_to_bin
from core.chosen_runs import Choice, choose_runs
from core.comparison import Comparison, compare
from core.costs import CostRange
from core.database import Database
from core.estimates import seconds_until_end
from core.experiments import launch_experiment
from core.report import reproduction
from core.spreads import Spread, spread
from core.tables import Run
from tests.app.trained_runs import launch, started, trained


def compared(database: Database, **choice: Any) -> Comparison:
    with database.reading() as session:
        return compare(session, choose_runs(session, Choice(**choice)).runs)


def left_out(database: Database, **choice: Any) -> list[str]:
    with database.reading() as session:
        return choose_runs(session, Choice(**choice)).left_out


def test_runs_that_differ_in_nothing_but_the_seed_are_one_group_with_mean_and_range(database: Database) -> None:
    runs = [trained(database, 0.5, accuracy, seed=seed) for seed, accuracy in enumerate((0.8, 0.9, 1.0))]
    other = trained(database, 0.5, 0.6, architecture={"name": "custom-mlp"})
    lenet, mlp = compared(database, runs=(*runs, other)).groups
    assert [seed.run.seed for seed in lenet.seeds] == [0, 1, 2]
    told = lenet.spread_at("last", "test_accuracy")
    assert told
    assert (told.n, told.low, told.high) == (3, 0.8, 1.0)
    assert told.mean == pytest.approx(0.9)
    assert told.reach == pytest.approx(4.302652729749464 * 0.1 / 3**0.5)  # Student's t with two degrees of freedom
    assert told.gain_of_best == pytest.approx(0.1 * 0.8462843753)
    assert lenet.curve("test_accuracy")[0] == (1, Spread(3, 0.5, 0.5, 0.5))
    assert lenet.cost("peak_memory_bytes") == CostRange(3, 2**20, 2**20, 2**20, 2**20)
    assert (lenet.label, mlp.label) == ("LeNet-5", "Custom MLP")
    assert mlp.spread_at("last", "test_accuracy") == Spread(1, 0.6, 0.6, 0.6)


def test_a_seed_that_was_trained_again_is_still_one_seed_and_its_repeats_tell_of_time_alone(database: Database) -> None:
    first, *_ = [trained(database, 0.5, accuracy, seed=0) for accuracy in (0.8, 0.9)]
    failed = started(database, epochs=2, seed=1).run_id
    other = trained(database, 0.5, 1.0, seed=1)
    for run_id, seconds in zip((first, 2, failed, other), (1.0, 2.0, None, 9.0), strict=True):
        with database.writing() as session:
            session.get_one(Run, run_id).seconds_per_epoch = seconds
    (group,) = compared(database, runs=(1, 2, 3, 4)).groups
    assert [(seed.run.id, len(seed.repeats)) for seed in group.seeds] == [(first, 2), (other, 2)], (
        "the first that counts"
    )
    assert group.spread_at("last", "test_accuracy") == spread([0.8, 1.0])
    assert [told.n for _, told in group.curve("test_accuracy") if told] == [2, 2]
    assert group.cost("seconds_per_epoch") == CostRange(3, 4.0, 2.0, 1.0, 9.0)
    assert group.states == {"completed": 3, "running": 1}


def test_the_best_epoch_is_that_of_validation_where_it_was_held_out_and_else_of_test(database: Database) -> None:
    by_test = trained(database, 0.5, 0.9, 0.9, 0.7)
    by_validation = trained(database, 0.5, 0.9, 0.8, val=[0.1, 0.2, 0.3], validation=100)
    one, other = compared(database, runs=(by_test, by_validation)).groups
    assert (one.best_by, one.epochs_at("best"), one.epochs_at("last")) == ("test", (2, 2), (4, 4))
    assert (other.best_by, other.epochs_at("best")) == ("validation", (3, 3))
    assert other.spread_at("best", "test_accuracy") == Spread(1, 0.8, 0.8, 0.8)
    assert other.gain_of_best_epoch is None
    assert one.gain_of_best_epoch is None  # four epochs tell too little
    longer = trained(database, *[0.5] * 6, 0.9, 0.8, 0.9, 0.8, 0.9, 0.8)
    (third,) = compared(database, runs=(longer,)).groups
    assert third.gain_of_best_epoch == pytest.approx(1.2672063606 * (0.2**2 / 6) ** 0.5)  # best of six


def test_an_epoch_is_the_mean_of_the_seeds_that_have_it(database: Database) -> None:
    trained(database, 0.5, 0.7, 0.9, seed=0)
    trained(database, 0.1, 0.3, seed=1, done=False)
    launch(database, epochs=3, seed=2)
    (group,) = compared(database, runs=(1, 2, 3)).groups
    assert [(epoch, told.n) for epoch, told in group.curve("test_accuracy") if told] == [(1, 2), (2, 2), (3, 1)]
    assert group.epochs_at("last") == (2, 3)
    assert group.states == {"completed": 1, "running": 1, "queued": 1}
    assert compared(database, runs=(3,)).groups[0].spread_at("last", "test_accuracy") is None


def test_where_the_loss_of_one_seed_was_not_finite_the_group_has_no_mean(database: Database) -> None:
    trained(database, 0.5, 0.7, seed=0)
    trained(database, 0.5, 0.0, seed=1)
    comparison = compared(database, runs=(1, 2))
    assert [told is None for _, told in comparison.groups[0].curve("test_loss")] == [False, True]
    assert comparison.groups[0].spread_at("last", "test_loss") is None
    assert comparison.has_gaps
    assert spread([]) is None


def test_a_label_names_what_tells_a_group_from_the_others(database: Database) -> None:
    for parameters, rate in (({"pool": "max"}, 0.1), ({}, 0.1), ({}, 0.01)):
        launch(database, architecture={"name": "lenet5", "parameters": parameters}, learning_rate=rate)
    launch(database, architecture={"name": "custom-mlp"}, optimizer="adam")
    assert [group.label for group in compared(database, runs=(1, 2, 3, 4)).groups] == [
        "LeNet-5, pool max, optimizer sgd, learning rate 0.1",
        "LeNet-5, pool avg, optimizer sgd, learning rate 0.1",
        "LeNet-5, pool avg, optimizer sgd, learning rate 0.01",
        "Custom MLP, optimizer adam, learning rate 0.01",
    ]


def test_runs_are_chosen_by_number_experiment_and_group_and_the_bin_is_left_out(database: Database) -> None:
    with database.writing() as session:
        experiment = launch_experiment(session, reproduction("digits", 1))
    lone, binned = launch(database, batch_size=7), launch(database)
    with database.writing() as session:
        move_to_bin(session, binned)
    assert len(compared(database, experiments=(experiment.id,)).groups) == 5
    assert len(compared(database, experiments=(experiment.id,), runs=(lone, lone, binned)).runs) == 6
    (group,) = compared(database, runs=(lone,)).groups
    assert compared(database, groups=(group.config_hash[:12],)).runs[0].id == lone
    assert left_out(database, runs=(lone, binned, 98, 99), experiments=(7,), groups=("0" * 10, "")) == [
        "Runs 98, 99 were not found.", f"Run {binned} is in the bin.", "Experiment 7 was not found.",
        "No group begins with 0000000000.", "More than one group begins with .",
    ]  # fmt: skip


def test_the_reports_networks_bring_what_it_published(database: Database) -> None:
    with database.writing() as session:
        experiment = launch_experiment(session, reproduction("digits", 1))
    groups = compared(database, experiments=(experiment.id,)).groups
    assert [group.published.name if group.published else None for group in groups] == [
        "LeNet5", "CustomMLP", "LeNet5moon", "LeNet5moon2", None,
    ]  # fmt: skip
    assert all(group.differs_from_report == ["dataset"] for group in groups if group.published)


def test_the_end_of_runs_under_way_is_told_where_their_speed_is_known(database: Database) -> None:
    trained(database, 0.5, 0.7, done=False, seed=0)  # 10 s an epoch, one to come; its worker has one slot
    launch(database, epochs=3, seed=1)
    with database.reading() as session:
        runs = choose_runs(session, Choice(runs=(1, 2))).runs
        assert seconds_until_end(session, runs) == pytest.approx(40)
        assert seconds_until_end(session, runs[:1]) == pytest.approx(10)
        assert seconds_until_end(session, []) == 0
