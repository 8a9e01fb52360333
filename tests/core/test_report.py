"""The course report: its published tables, and its networks launched as it trained them."""

from core.database import Database
from core.experiments import launch_experiment, runs_of_experiment
from core.report import differs_from_report, published_row_of, published_rows, reproduction


def test_the_published_tables_are_whole() -> None:
    rows = published_rows()
    assert {name: row.epochs[-1].test_accuracy for name, row in rows.items()} == {
        "LeNet5": 0.9889, "CustomMLP": 0.9828, "LeNet5moon": 0.9906, "LeNet5moon2": 0.9922,
    }  # fmt: skip
    assert all([epoch.epoch for epoch in row.epochs] == list(range(1, 11)) for row in rows.values())


def test_the_reproduction_trains_five_networks_as_the_report_did() -> None:
    plan = reproduction("mnist", 3)
    assert len(plan.runs) == 15
    assert {run.num_parameters for run in plan.runs} == {44_426, 61_706, 61_750, 115_510, 61_637}
    assert all(
        (c.epochs, c.batch_size, c.optimizer, c.learning_rate, c.momentum) == (10, 64, "sgd", 0.01, 0.9)
        for c in (run.config for run in plan.runs)
    )


def test_each_network_of_the_report_finds_its_row_and_tells_what_differs(database: Database) -> None:
    with database.writing() as session:
        experiment = launch_experiment(session, reproduction("digits", 1))
        assert experiment.id is not None
        runs = runs_of_experiment(session, experiment.id)
        rows = [published_row_of(run) for run in runs]
        assert [row and row.name for row in rows] == ["LeNet5", "CustomMLP", "LeNet5moon", "LeNet5moon2", None]
        assert [differs_from_report(run) for run in runs] == [["dataset"]] * 5
