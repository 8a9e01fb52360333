"""The front of accuracy against its price: against every pair, with ties and with what was not measured."""

import math
import random
from statistics import fmean

from app.compare_effects import accuracy_intervals
from core.chosen_runs import Choice, choose_runs
from core.comparison import compare
from core.database import Database
from core.pareto import front_of, on_front
from core.statistics.estimates import wilson
from core.tables import Run
from tests.app.trained_runs import launch, trained


def beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[0] and one[1] >= other[1] and one != other


def test_on_the_front_is_whoever_nobody_beats() -> None:
    chance = random.Random(0)
    for _ in range(200):
        points = [(float(chance.randrange(6)), float(chance.randrange(6))) for _ in range(chance.randrange(12))]
        assert on_front(points) == [not any(beats(other, one) for other in points) for one in points]


def test_groups_without_the_figure_are_left_out_and_counted(database: Database) -> None:
    runs = [trained(database, accuracy, learning_rate=rate) for accuracy, rate in ((0.8, 0.1), (0.9, 0.2), (0.7, 0.3))]
    waits = launch(database, learning_rate=0.4)
    for run_id, seconds in zip(runs, (1.0, 2.0, math.nan), strict=True):
        with database.writing() as session:
            session.get_one(Run, run_id).seconds_per_epoch = None if math.isnan(seconds) else seconds
    with database.reading() as session:
        groups = compare(session, choose_runs(session, Choice(runs=(*runs, waits))).runs).groups
        time = front_of(groups, "training_seconds")
        memory = front_of(groups, "run_memory_bytes")
        parameters = front_of(groups, "num_parameters")
    assert [(point.place, point.cost, point.accuracy, point.is_on_front) for point in time.points] == [
        (0, 1.0, 0.8, True),
        (1, 2.0, 0.9, True),
    ]
    assert (time.num_left_out, memory.points, memory.num_left_out) == (2, (), 4)
    assert ([point.place for point in parameters.best], parameters.num_left_out) == ([1], 1)


def test_the_interval_of_one_seed_is_that_of_the_accuracy_that_is_drawn(database: Database) -> None:
    run = trained(database, 0.5, 0.9)
    with database.writing() as session:
        session.get_one(Run, run).test_accuracy = 0.95  # of the epoch whose weights were kept
    with database.reading() as session:
        groups = compare(session, choose_runs(session, Choice(runs=(run,))).runs).groups
    assert list(accuracy_intervals(groups, {"digits": 360}).values()) == [wilson(0.95 * 360, 360)]


def test_of_equal_means_the_dearer_is_not_on_the_front(database: Database) -> None:
    runs = [
        trained(database, accuracy, seed=seed, architecture={"name": name})
        for name, accuracies in (("custom-mlp", (0.1, 0.2, 0.3)), ("lenet5", (0.2, 0.2, 0.2)))
        for seed, accuracy in enumerate(accuracies)
    ]
    assert fmean((0.2, 0.2, 0.2)) > fmean((0.1, 0.2, 0.3))  # in the last bit
    with database.reading() as session:
        groups = compare(session, choose_runs(session, Choice(runs=tuple(runs))).runs).groups
    front = front_of(groups, "num_multiply_adds")
    assert [point.is_on_front for point in front.points] == [True, False]
