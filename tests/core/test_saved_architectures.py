"""Networks that users composed: saved under a name and a version, launched by it, and kept whole in each run."""

import pytest
from pydantic import JsonValue

from core.architectures.catalogue import UnknownArchitecture
from core.architectures.layers import LAYERS, Conv2d, Flatten, Layers, Linear, ReLU
from core.database import Database
from core.datasets import DATASETS
from core.experiment_plan import plan_experiment
from core.idempotency import enqueue_once
from core.invalid_run_config import InvalidRunConfig
from core.named_networks import reference_to, with_layers_of_each
from core.run_config import parse_run_config, resolve_run
from core.saved_architectures import (
    hide,
    newest_of_each,
    reference_of,
    save,
    saved_architectures,
    saved_named,
)
from core.tables import Run

DIGITS = DATASETS["digits"]
RAW: list[JsonValue] = [{"type": "Flatten"}, {"type": "Linear", "out_features": 10}]


def network(width: int) -> Layers:
    return (Conv2d(out_channels=width, kernel_size=3), ReLU(), Flatten(), Linear(out_features=10))


NETWORK = network(2)


def problems_of(database: Database, name: str, layers: Layers = NETWORK) -> dict[str, str]:
    with pytest.raises(InvalidRunConfig) as refused, database.writing() as session:
        save(session, name, layers, DIGITS)
    return refused.value.problems


def test_other_layers_under_a_name_are_its_next_version_and_the_same_ones_are_not(database: Database) -> None:
    with database.writing() as session:
        made = [save(session, "mine", network(width), DIGITS) for width in (2, 2, 3, 2)]
    assert [(saved.version, is_new) for saved, is_new in made] == [(1, True), (1, False), (2, True), (3, True)]
    with database.reading() as session:
        assert [reference_of(saved) for saved in saved_architectures(session)] == ["mine@3", "mine@2", "mine@1"]
        assert LAYERS.validate_python(saved_named(session, "mine@2").layers) == network(3)
        assert saved_named(session, "mine").version == 3


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is missing"), ("LeNet5", "is a family"), ("<script>", "may have letters"), ("a,b", "may have letters"),
        ("mine@2", "may have letters"), ("run:1", "may have letters"), ("mine\n", "may have letters"),
        ("x" * 41, "at most 40"), ("MINE", "differs from mine, which there is, in nothing but its capitals"),
    ],
)  # fmt: skip
def test_a_name_that_could_be_taken_for_another_is_refused(database: Database, name: str, reason: str) -> None:
    with database.writing() as session:
        save(session, "mine", network(2), DIGITS)
    assert reason in problems_of(database, name)["name"]


def test_layers_that_cannot_be_are_refused_at_their_place(database: Database) -> None:
    assert "but there are 10 classes" in problems_of(database, "mine", (Flatten(), Linear(out_features=5)))["layers.1"]
    assert "has no layers" in problems_of(database, "mine", ())["layers"]


def test_a_hidden_one_is_listed_no_more_and_still_known_by_its_version(database: Database) -> None:
    with database.writing() as session:
        for width in (2, 3):
            save(session, "mine", network(width), DIGITS)
        hide(session, "mine@2")
        assert saved_named(session, "mine").version == 1
        hide(session, "mine")
        assert newest_of_each(session) == []
        assert saved_named(session, "mine@2").version == 2
        for gone in ("mine", "mine@9", "other"):
            with pytest.raises(UnknownArchitecture):
                hide(session, gone)
        assert save(session, "mine", network(3), DIGITS)[1] is False  # the newest again, and listed again
        assert [reference_of(saved) for saved in newest_of_each(session)] == ["mine@2"]


def test_a_run_keeps_the_layers_of_the_version_that_was_newest_when_it_was_launched(database: Database) -> None:
    config = parse_run_config({"architecture": {"name": "mine"}, "dataset": "digits"})
    with database.writing() as session:
        save(session, "mine", network(2), DIGITS)
        run, _ = enqueue_once(session, config, "one")
        save(session, "mine", network(3), DIGITS)
        assert enqueue_once(session, config, "one") == (run, False)  # the same launch, though "mine" is now another
        newer, _ = enqueue_once(session, config, "two")
        hide(session, "mine")
    assert (run.architecture, newer.architecture) == ("mine@1", "mine@2")
    assert LAYERS.validate_python(run.config["architecture"]["layers"]) == network(2)
    again = resolve_run(parse_run_config(run.config))  # without a database
    assert (again.config_hash, again.layers) == (run.config_hash, network(2))


def test_a_network_that_is_only_in_a_run_is_named_by_it(database: Database) -> None:
    choice = {"name": "never-saved", "layers": RAW}
    config = parse_run_config({"architecture": choice, "dataset": "digits"})
    with database.writing() as session:
        run, _ = enqueue_once(session, config, "one")
        reference = reference_to(session, run.config["architecture"], [run])
        again, _ = enqueue_once(
            session, parse_run_config({"architecture": {"name": reference}, "dataset": "digits"}), "two"
        )
        assert reference == f"run:{run.id}"
        assert (again.architecture, again.config_hash) == (run.architecture, run.config_hash)
        with pytest.raises(InvalidRunConfig):
            enqueue_once(session, parse_run_config({"architecture": {"name": "run:99"}, "dataset": "digits"}), "three")
        assert session.get(Run, 3) is None


def test_a_grid_lists_saved_networks_beside_families_and_inline_ones(database: Database) -> None:
    with database.writing() as session:
        save(session, "mine", network(2), DIGITS)
        save(session, "mine", network(3), DIGITS)
        networks: list[JsonValue] = ["lenet5", "mine@1", {"name": "mine"}, {"name": "inline", "layers": RAW}]
        base, grid = with_layers_of_each(session, {"dataset": "digits"}, {"architecture": networks})
    plan = plan_experiment(base=base, grid=grid, seeds=2)
    assert [run.config.architecture.name for run in plan.runs[:4]] == ["lenet5", "mine@1", "mine@2", "inline"]
    assert plan.runs[1].config.name == "mine@1, seed 0"
    assert len({run.config_hash for run in plan.runs}) == 4


@pytest.mark.parametrize(
    ("choice", "field", "reason"),
    [
        ({"name": "lenet5", "layers": RAW}, "architecture.name", "is a family"),
        ({"name": "a b", "layers": RAW}, "architecture.name", "may have letters"),
        ({"name": "mine", "layers": RAW, "parameters": {"pool": "max"}}, "architecture.parameters", "said by its"),
        ({"name": "mine", "layers": []}, "architecture.layers", "has no layers"),
        ({"name": "mine", "layers": RAW[1:]}, "architecture.layers.0", "put a Flatten before it"),
        ({"name": "mine", "layers": [{"type": "Linear", "out_features": "2*5"}]}, "architecture.layers.0.", "integer"),
        ({"name": "mine"}, "architecture.name", "There is no architecture 'mine'"),
    ],
)
def test_an_inline_network_is_refused_with_field_and_reason(choice: dict[str, object], field: str, reason: str) -> None:
    with pytest.raises(InvalidRunConfig) as refused:
        resolve_run(parse_run_config({"architecture": choice, "dataset": "digits"}))
    ((where, why),) = refused.value.problems.items()
    assert where.startswith(field), where
    assert reason in why, why
