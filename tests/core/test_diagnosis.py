"""What curves say: found where it is there, in spite of noise, and not found where it is not."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from core.architectures.layers import LAYERS
from core.diagnosis import Finding, Said, diagnose, softmax_floor
from core.run_config import parse_run_config, resolve_run
from core.run_state import RunState
from core.run_tables import Epoch
from core.tables import Run

BASE: dict[str, Any] = {"architecture": {"name": "lenet5"}, "dataset": "digits"}
FALLING = [2 * 0.7**epoch for epoch in range(12)]


def a_run(num_epochs: int, state: RunState = RunState.COMPLETED, **differences: Any) -> Run:
    resolved = resolve_run(parse_run_config(BASE | {"epochs": max(1, num_epochs)} | differences))
    config, layers = resolved.config, LAYERS.dump_python(resolved.layers, mode="json")
    return Run(
        id=7, name="a", state=state, config=config.model_dump(mode="json"), layers=layers, config_hash="",
        architecture=config.architecture.name, dataset=config.dataset, seed=0, epochs=config.epochs, num_parameters=0,
        num_multiply_adds=0, epochs_done=num_epochs, selected_epoch=num_epochs, created_at=datetime.now(UTC),
    )  # fmt: skip


def epochs_of(train: Sequence[float], test: Sequence[float], val: Sequence[float] = ()) -> list[Epoch]:
    return [
        Epoch(
            run_id=7, epoch=at + 1, attempt=1, train_loss=train[at] if math.isfinite(train[at]) else None,
            train_accuracy=0.5, val_loss=val[at] if val else None, val_accuracy=None, test_loss=test[at],
            test_accuracy=0.5, non_finite=[] if math.isfinite(train[at]) else ["train_loss"], learning_rate=0.01,
            seconds=1, train_seconds=1, evaluation_seconds=0, checkpoint_seconds=0, images_per_second=1,
            peak_memory_bytes=1, recorded_at=datetime.now(UTC),
        )
        for at in range(len(train))
    ]  # fmt: skip


def found(train: Sequence[float], test: Sequence[float], said: Said | None = None, **more: Any) -> dict[str, Finding]:
    val = more.pop("val", ())
    return {one.kind: one for one in diagnose(a_run(len(train), **more), epochs_of(train, test, val), said)}


def noisy(values: Sequence[float], random: Random, noise: float = 0.03) -> list[float]:
    return [value * (1 + random.gauss(0, noise)) for value in values]


VALLEY = [1.0, 0.7, 0.5, 0.4, 0.42, 0.46, 0.5, 0.55, 0.6, 0.66, 0.7, 0.76]


def test_overfitting_is_told_with_its_epoch_and_figures() -> None:
    told = found(FALLING, VALLEY)["overfitting"]
    assert told.title == "Overfitting since epoch 4"
    assert "The test loss was lowest around epoch 4, at 0.42, and has risen to 0.7, while the train loss" in told.words
    assert [remedy.words for remedy in told.remedies] == [
        "Augmentation: shifts", "Weight decay 0.0005", "Dropout 0.5", "Stop early, by 143 held-out images",
    ]  # fmt: skip


def test_what_the_run_does_already_is_not_offered() -> None:
    network = {"name": "lenet5", "parameters": {"dropout": 0.2}}
    told = found(FALLING, VALLEY, augmentation="shift", weight_decay=1e-4, architecture=network)["overfitting"]
    assert [remedy.words for remedy in told.remedies] == ["Stop early, by 143 held-out images"]


def test_where_images_are_held_out_they_tell_of_overfitting_and_test_does_not() -> None:
    assert "overfitting" not in found(FALLING, VALLEY, val=FALLING, validation=100)
    assert "The validation loss" in found(FALLING, FALLING, val=VALLEY, validation=100)["overfitting"].words


def test_one_lucky_or_unlucky_epoch_neither_makes_overfitting_nor_hides_it() -> None:
    spike = [*FALLING[:-1], 1.0]
    assert "overfitting" not in found(FALLING, spike)
    lucky = [*VALLEY[:9], 0.2, *VALLEY[10:], 0.8, 0.86]
    assert found([*FALLING, 0.02, 0.01], lucky)["overfitting"].evidence["epoch"] == 4


def test_a_flat_noisy_curve_is_neither_overfitting_nor_improving_nor_a_learning_rate_too_high() -> None:
    random = Random(5)
    counted = {"overfitting": 0, "still_improving": 0, "learning_rate": 0}
    for _ in range(300):
        length = random.choice([3, 4, 6, 10, 20, 60])
        flat = noisy([0.3] * length, random, noise=0.08)
        for kind in found(noisy([0.2] * length, random, noise=0.08), flat):
            counted[kind] += 1
    assert max(counted.values()) <= 300 * 0.04, counted


def test_overfitting_is_found_through_noise() -> None:
    random = Random(6)
    valley = [0.4 + 0.6 * math.exp(-epoch / 2) + 0.02 * epoch for epoch in range(30)]
    train = [2 * 0.85**epoch for epoch in range(30)]
    times = sum("overfitting" in found(noisy(train, random), noisy(valley, random)) for _ in range(50))
    assert times >= 48


def test_ten_thousand_epochs_take_a_moment() -> None:
    told = found([1 / epoch for epoch in range(1, 10_001)], [0.3 + epoch / 20_000 for epoch in range(10_000)])
    assert "overfitting" in told


def test_a_run_that_still_improves_can_go_on() -> None:
    told = found(FALLING, [2 * loss for loss in FALLING])["still_improving"]
    assert "From epoch 8 to 12, the last, the test loss fell from" in told.words
    assert [remedy.words for remedy in told.remedies] == ["24 epochs from the start"]  # no checkpoint is left
    assert "still_improving" in found([2.0, 1.0, 0.6], [1.8, 0.9, 0.5])


def test_what_is_at_its_floor_or_not_ended_is_not_still_improving() -> None:
    floor = [0.1 + loss / 1000 for loss in FALLING]
    assert found(floor, floor) == {}
    assert found(FALLING, FALLING, state=RunState.RUNNING) == {}
    assert found([2.0, 1.0], [2.0, 1.0]) == {}


def test_a_run_that_diverged_had_too_high_a_learning_rate() -> None:
    run = a_run(1, RunState.FAILED, learning_rate=10)
    run.failure_reason = "The training loss became NaN or infinite in epoch 2, by step 4."
    (told,) = diagnose(run, epochs_of([2.0], [2.0]), None)
    assert told.words == f"{run.failure_reason} The learning rate is 10."
    assert [(remedy.words, remedy.changes) for remedy in told.remedies] == [("Learning rate 1", {"learning_rate": 1.0})]


def test_a_train_loss_that_was_not_finite_rose_or_is_worse_than_guessing_tells_the_same() -> None:
    assert "in epoch 2." in found([1.0, math.nan], [1.0, 1.0])["learning_rate"].words
    rose = found(VALLEY, VALLEY)["learning_rate"]
    assert "rose from 0.42 around epoch 4 to 0.7 at the end" in rose.words
    worse = found([9.0, 5.0, 4.0], [9.0, 5.0, 4.0])["learning_rate"]
    assert "ends at 5; saying every class alike would cost 2.303" in worse.words


def test_the_softmax_before_the_cross_entropy_is_told_before_the_first_epoch() -> None:
    assert softmax_floor(10) == pytest.approx(1.4612, abs=5e-5)
    network = {"name": "report-mlp", "parameters": {"hidden": [30]}}
    told = found([], [], architecture=network, state=RunState.QUEUED)["softmax"]
    assert "With 10 classes its loss cannot fall below 1.4612" in told.words
    (remedy,) = told.remedies
    assert remedy.changes == {"architecture": {"name": "lenet5-1998", "parameters": {"hidden": [30]}}}


def test_a_class_that_is_never_said_is_named() -> None:
    said = Said(("cat", "dog", "eel", "none such"), (5, 4, 3, 0), (8, 0, 4, 0))
    told = found([1.0], [1.0], said)["class_never_said"]
    assert told.words == "After epoch 1 no test image is read as dog, though 4 of 12 are."
    assert [remedy.words for remedy in told.remedies] == ["2 epochs from the start"]
    stuck = found([2.31, 2.3, 2.32], [2.3, 2.3, 2.3], said)["class_never_said"]
    assert [remedy.words for remedy in stuck.remedies] == ["Learning rate 0.001"]
    assert "class_never_said" not in found([1.0], [1.0], Said(("cat", "dog"), (5, 4), (8, 1)))


def test_every_launch_that_is_offered_can_be_launched() -> None:
    continued = {"mode": "continue", "run_id": 3, "epoch": 2}
    for more in ({}, {"optimizer": "adamw"}, {"source": continued}, {"architecture": {"name": "report-mlp"}}):
        findings = [*found(FALLING, VALLEY, **more).values(), *found(VALLEY, VALLEY, **more).values()]
        assert len(findings) >= 2
        for remedy in (remedy for finding in findings for remedy in finding.remedies):
            resolve_run(parse_run_config(a_run(12, **more).config | remedy.changes))
            assert remedy.changes.get("source") is None
