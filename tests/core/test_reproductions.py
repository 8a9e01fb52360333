"""A completed run is trained again as it was; the answer is "identical", or the first epoch and layer that differ."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from core import metrics, queue
from core.bin import move_to_bin, purge
from core.comparison import compare
from core.database import Database
from core.records import EpochFigures, WrittenFile
from core.reproduction_answers import Answer, answers_about
from core.reproductions import reproduce, reproduce_once, threads_of
from core.run_state import IllegalMove, RunState
from core.runs import run_by_id
from core.settings import Settings
from tests.app.trained_runs import claim, join, launch

HERE = {"device": "cpu", "device_name": "EPYC", "torch_version": "2.15", "cpu_capability": "AVX512", "threads": 3}


@dataclass
class Trained:
    """What a training leaves: by epoch its train loss and the letters of its two tensors; and the value of its weights
    in the end."""

    losses: list[float | None] = field(default_factory=lambda: [0.5, 0.25, 0.125])
    tensors: list[str] = field(default_factory=lambda: ["ab", "cd", "ef"])  # empty: of a version that noted none
    weights: tuple[float, float] = (1.0, 2.0)
    environment: dict[str, Any] = field(default_factory=lambda: HERE)
    stack_size: int = 1


def train(database: Database, settings: Settings, run_id: int, left: Trained) -> int:
    lease = claim(database, join(database))
    assert lease.run_id == run_id
    with database.writing() as session:
        metrics.record_environment(session, lease, left.environment)
        if left.stack_size > 1:
            metrics.record_stack(session, lease, left.stack_size)
        for epoch, loss in enumerate(left.losses, start=1):
            figures = EpochFigures(
                epoch=epoch, train_loss=float("nan") if loss is None else loss, train_accuracy=0.5, val_loss=None,
                val_accuracy=None, test_loss=0.5, test_accuracy=0.9, learning_rate=0.01, train_seconds=8.0 + run_id,
                evaluation_seconds=1.5, checkpoint_seconds=0.5, images_per_second=1234.0, peak_memory_bytes=2**20,
            )  # fmt: skip
            noted = dict(zip(("0.weight", "3.bias"), left.tensors[epoch - 1], strict=True)) if left.tensors else None
            metrics.record_epoch(session, lease, figures, [], selected=True, fingerprints=noted)
        content = save(
            {
                "3.bias": np.array([left.weights[1]], np.float32),
                "0.weight": np.array([[left.weights[0], 7]], np.float32),
            }
        )
        file = settings.runs_dir / str(run_id) / "weights.safetensors"
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        sha256 = "".join(f"{weight:032.1f}" for weight in left.weights)
        metrics.record_weights(session, lease, WrittenFile("weights", file.name, sha256, len(content), 3))
        queue.complete(session, lease)
    return run_id


def answer(database: Database, settings: Settings, first: Trained, second: Trained) -> Answer:
    original = train(database, settings, launch(database, epochs=3), first)
    with database.writing() as session:
        again = reproduce(session, original).id or 0
    train(database, settings, again, second)
    with database.reading() as session:
        (told,) = answers_about(session, settings.runs_dir, run_by_id(session, original))
        (same,) = answers_about(session, settings.runs_dir, run_by_id(session, again))
        assert (told.original.id, told.again.id) == (original, again)
        assert told == same, "both runs tell the same"
    return told


def test_equal_weights_and_figures_of_every_epoch_are_identical(database: Database, settings: Settings) -> None:
    told = answer(database, settings, Trained(), Trained())
    assert (told.kind, told.compared_epochs, told.difference, told.unlike) == ("identical", True, None, ())


def test_the_first_epoch_and_layer_that_differ_are_named_and_by_how_much(
    database: Database, settings: Settings
) -> None:
    told = answer(
        database, settings, Trained(),
        Trained(losses=[0.5, 0.26, 0.1], tensors=["ab", "cx", "yz"], weights=(1.5, 2.25)),
    )  # fmt: skip
    assert told.kind == "different"
    assert told.difference is not None
    assert told.difference.epoch == 2
    assert told.layer == "layer 4 (Conv2d 16 filters 5×5), biases"
    assert told.difference.tensors == ("3.bias",)
    assert told.difference.largest == 0.25
    assert [(each.name, each.original, each.again) for each in told.difference.figures] == [("train_loss", 0.25, 0.26)]


def test_weights_that_differ_under_equal_figures_are_found(database: Database, settings: Settings) -> None:
    told = answer(database, settings, Trained(), Trained(tensors=["ab", "cd", "xx"], weights=(1.0, 2.5)))
    assert told.difference is not None
    assert (told.difference.epoch, told.difference.figures) == (3, ())
    assert told.layer == "layer 1 (Conv2d 6 filters 5×5), weights"


def test_a_loss_that_was_not_finite_in_both_is_no_difference(database: Database, settings: Settings) -> None:
    with_gap = Trained(losses=[0.5, None, 0.25])
    assert answer(database, settings, with_gap, with_gap).kind == "identical"
    told = answer(database, settings, with_gap, Trained(losses=[0.5, 0.3, 0.25]))
    assert told.difference is not None
    assert told.difference.epoch == 2


def test_an_epoch_that_only_one_of_them_has_is_a_difference(database: Database, settings: Settings) -> None:
    told = answer(database, settings, Trained(losses=[0.5, 0.25], tensors=["ab", "cd"]), Trained())
    assert told.difference is not None
    assert told.difference.epoch == 3


def test_of_an_older_run_only_the_final_weights_are_compared_and_it_says_so(
    database: Database, settings: Settings
) -> None:
    same = answer(database, settings, Trained(tensors=[]), Trained())
    assert (same.kind, same.compared_epochs) == ("identical", False)
    other = answer(database, settings, Trained(tensors=[]), Trained(weights=(1.0, 2.5)))
    assert other.difference is not None
    assert (other.difference.epoch, other.difference.tensors, other.difference.largest) == (None, ("3.bias",), 0.5)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"threads": 2}, "threads: 3, then 2"),
        ({"torch_version": "2.16"}, "torch version: 2.15, then 2.16"),
        ({"training_step": "version 2"}, "training step: an older version, then version 2"),
    ],
)
def test_where_identity_was_not_promised_it_says_why(
    database: Database, settings: Settings, change: dict[str, Any], why: str
) -> None:
    assert answer(database, settings, Trained(), Trained(environment=HERE | change)).unlike == (why,)


def test_of_a_run_that_was_trained_in_a_stack_it_is_not_promised(database: Database, settings: Settings) -> None:
    told = answer(database, settings, Trained(stack_size=8), Trained())
    assert told.unlike == ("trained in a stack of 8 runs, where sums are rounded otherwise",)


@pytest.mark.parametrize("deterministic", [False, True])
def test_on_a_gpu_it_is_promised_in_the_deterministic_mode_alone(
    database: Database, settings: Settings, deterministic: bool
) -> None:
    gpu = Trained(environment=HERE | {"device": "cuda", "deterministic": deterministic})
    assert (answer(database, settings, gpu, gpu).unlike == ()) is deterministic


def test_it_has_the_layers_threads_and_device_of_its_original(database: Database, settings: Settings) -> None:
    original = train(database, settings, launch(database, epochs=3, device="auto", name="mine"), Trained())
    with database.writing() as session:
        before = run_by_id(session, original)
        before.layers = before.layers[::-1]  # as another version's catalogue made them
        again = reproduce(session, original)
        assert (again.reproduces_id, again.state, again.name) == (original, RunState.QUEUED, "Again: mine")
        assert (again.layers, again.config_hash, again.seed) == (before.layers, before.config_hash, before.seed)
        assert again.config == before.config | {"device": "cpu", "name": "Again: mine"}
        assert threads_of(session, again) == 3
    train(database, settings, again.id or 0, Trained(environment=HERE | {"threads": 5}))
    with database.reading() as session:
        assert threads_of(session, run_by_id(session, again.id or 0)) == 5, "which it began with"


def test_only_a_completed_run_that_is_not_in_the_bin_is_reproduced(database: Database, settings: Settings) -> None:
    queued = launch(database)
    with database.writing() as session, pytest.raises(IllegalMove, match="queued"):
        reproduce(session, queued)
    with database.writing() as session:
        queue.cancel(session, queued)
    done = train(database, settings, launch(database, epochs=3), Trained())
    with database.writing() as session:
        move_to_bin(session, done)
        with pytest.raises(IllegalMove, match="bin"):
            reproduce(session, done)


def test_asked_twice_with_one_key_it_is_one_run(database: Database, settings: Settings) -> None:
    original = train(database, settings, launch(database, epochs=3), Trained())
    with database.writing() as session:
        first, is_new = reproduce_once(session, original, "key")
        second, is_newer = reproduce_once(session, original, "key")
    assert (first.id, is_new, is_newer) == (second.id, True, False)


def test_it_is_no_further_seed_of_its_group(database: Database, settings: Settings) -> None:
    told = answer(database, settings, Trained(), Trained())
    with database.reading() as session:
        (group,) = compare(session, [told.again, told.original]).groups
    assert [seed.run.id for seed in group.seeds] == [told.original.id]


def test_its_original_is_told_and_the_answer_goes_with_what_is_purged(database: Database, settings: Settings) -> None:
    told = answer(database, settings, Trained(), Trained())
    again, original = told.again.id or 0, told.original.id or 0
    with database.writing() as session:
        move_to_bin(session, again)
        assert answers_about(session, settings.runs_dir, run_by_id(session, original)) == []
        move_to_bin(session, original)
    assert purge(database, settings.runs_dir, [original]) == 1
    with database.reading() as session:
        assert answers_about(session, settings.runs_dir, run_by_id(session, again)) == []
        assert run_by_id(session, again).reproduces_id == original
