"""Runs trained as one model, on real digits: each member's numbers are those of its lone run."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from core.architectures.catalogue import FAMILIES
from core.architectures.layers import LAYERS
from core.dataset_store import MaterialisedDataset
from core.records import TrainedEpoch
from core.run_config import RunConfig, parse_run_config, resolve_run
from worker.batches import TooFewImages, splits_of, train_batches
from worker.lone import StackOfOne, training_of
from worker.stack import Stack
from worker.stack_inputs import stacked_splits_of
from worker.stacked import StackedTraining
from worker.train import StepReport, Training, TrainingDiverged

torch.set_num_threads(1)

CPU = torch.device("cpu")
DIFFERING = [
    {"seed": 0, "learning_rate": 0.01},
    {"seed": 1, "learning_rate": 0.03, "weight_decay": 0.01, "label_smoothing": 0.1},
    {"seed": 7, "learning_rate": 0.02, "weight_decay": 0.1, "label_smoothing": 0.2},
]
EVERY_LAYER = [
    {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1, "bias": False}, {"type": "BatchNorm2d"},
    {"type": "GELU"}, {"type": "Dropout", "p": 0.2},
    {"type": "Residual", "layers": [
        {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1}, {"type": "BatchNorm2d"},
        {"type": "Tanh"}, {"type": "Dropout", "p": 0.3},
    ]},
    {"type": "Conv2d", "out_channels": 5, "kernel_size": 3, "stride": 2}, {"type": "Sigmoid"},
    {"type": "AvgPool2d", "kernel_size": 3, "stride": 2}, {"type": "Flatten"},
    {"type": "Linear", "out_features": 20, "bias": False}, {"type": "ReLU"}, {"type": "Flatten"},
    {"type": "Linear", "out_features": 10}, {"type": "Softmax"},
]  # fmt: skip
Tensors = dict[str, torch.Tensor]


def config(**choices: object) -> RunConfig:
    base = {"dataset": "digits", "device": "cpu", "epochs": 2, "architecture": {"name": "lenet5"}}
    return parse_run_config(base | choices)


def alone(dataset: MaterialisedDataset, run_config: RunConfig) -> Training:
    return Training(run_config, resolve_run(run_config).layers, splits_of(dataset, run_config, CPU))


def stacked(dataset: MaterialisedDataset, configs: Sequence[RunConfig]) -> StackedTraining:
    return StackedTraining(configs, [resolve_run(each).layers for each in configs], dataset, CPU)


def ignore(_: Any) -> None:
    """Nobody listens."""


def assert_equal(one: Tensors, other: Tensors, relative: float = 1e-3, absolute: float = 1e-5) -> None:
    """Of two checkpoints: names in the same order, kinds, values.

    Tensors as a whole: a difference in the last bit makes max pooling take another of two nearly equal values now and
    then, and a ReLU open, and then a few values differ more, in any two correct ways to compute.
    """
    assert list(one) == list(other)
    for name, tensor in one.items():
        assert (tensor.shape, tensor.dtype) == (other[name].shape, other[name].dtype)
        difference = (tensor.double() - other[name].double()).norm()
        assert difference <= relative * tensor.double().norm() + absolute * tensor.numel() ** 0.5, name


def assert_steps_equal(dataset: MaterialisedDataset, configs: Sequence[RunConfig], num_steps: int = 100) -> None:
    """Each step of an epoch: the loss, the weights and the optimizer's state.

    Before each step the stack takes over the state of the lone runs, so that differences do not add up.
    """
    layers = [resolve_run(each).layers for each in configs]
    stack = Stack(configs, layers, stacked_splits_of(dataset, configs, CPU), CPU)
    trainings = [alone(dataset, each) for each in configs]
    batches = [train_batches(each.splits, each.config, 1) for each in trainings]
    reached = 0
    for step in stack.steps(1):
        sums = stack.loss_sum.tolist()
        for row, training in enumerate(trainings):
            training.model.train()
            images, labels = next(batches[row])
            loss, _ = training._step(images, labels, 1, step)
            assert sums[row] / len(labels) == pytest.approx(float(loss.detach()), rel=1e-5)
            assert_equal(training.tensors(), stack.tensors(row), absolute=tolerance(configs[0]))
            stack.restore(row, training.tensors())
        stack.forget_sums()
        reached = step
        if step == num_steps:
            break
    assert reached == min(num_steps, stack.steps_per_epoch)


def tolerance(run_config: RunConfig) -> float:
    """Adam divides by its gradient: of one that is nothing but rounding, as that of a bias before batch norm, it makes
    whole steps. Those are bounded by the learning rate, here at most 0.03 a step, and change no output."""
    is_normed = "moon" in run_config.architecture.name
    return 0.07 if is_normed and run_config.optimizer != "sgd" else 1e-5


@pytest.mark.parametrize("name", FAMILIES)
def test_every_architecture_takes_the_steps_of_lone_runs(digits: MaterialisedDataset, name: str) -> None:
    configs = [config(architecture={"name": name}, batch_size=300, **each) for each in DIFFERING]
    assert_steps_equal(digits, configs)  # the last batch is smaller: 237


@pytest.mark.parametrize(
    "choices",
    [
        {"momentum": 0.0}, {"nesterov": True}, {"optimizer": "adam"}, {"optimizer": "adamw"},
        {"schedule": "step", "step_epochs": 1}, {"schedule": "cosine", "warmup_epochs": 1}, {"schedule": "one-cycle"},
        {"augmentation": "shift"}, {"augmentation": "affine"}, {"validation": 200},
        {"batch_size": 2_000}, {"batch_size": 479},
    ],
    ids=str,
)  # fmt: skip
def test_every_choice_takes_the_steps_of_lone_runs(digits: MaterialisedDataset, choices: dict[str, object]) -> None:
    assert_steps_equal(digits, [config(**{"batch_size": 300} | each | choices) for each in DIFFERING])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_members_with_dropout_rates_of_their_own_draw_the_masks_of_lone_runs(
    digits: MaterialisedDataset, optimizer: str
) -> None:
    configs = [
        config(architecture={"name": "lenet5-moon", "parameters": {"dropout": rate}}, optimizer=optimizer, **each)
        for rate, each in zip((0.5, 0.2, 0.7), DIFFERING, strict=True)
    ]
    assert_steps_equal(digits, configs, num_steps=4)


def test_momenta_of_their_own_and_none_at_all(digits: MaterialisedDataset) -> None:
    assert_steps_equal(digits, [config(momentum=momentum) for momentum in (0.9, 0.0, 0.5)], num_steps=4)


def test_residuals_and_dropout_on_maps_and_every_activation(digits: MaterialisedDataset) -> None:
    layers = LAYERS.validate_python(EVERY_LAYER)
    configs = [config(seed=seed, batch_size=300) for seed in (0, 1)]
    stack = Stack(configs, [layers, layers], stacked_splits_of(digits, configs, CPU), CPU)
    trainings = [Training(each, layers, splits_of(digits, each, CPU)) for each in configs]
    for _ in stack.steps(1):
        pass
    for row, training in enumerate(trainings):
        training._train_epoch(1, ignore)
        assert_equal(training.tensors(), stack.tensors(row), relative=0.01)


def test_bf16_is_near_the_lone_runs(digits: MaterialisedDataset) -> None:
    configs = [config(precision="bf16", epochs=1, **each) for each in DIFFERING]
    [figures] = list(stacked(digits, configs).epochs(ignore))
    for member, each in enumerate(configs):
        [lone] = alone(digits, each).epochs(ignore)
        assert trained(figures[member]).train_loss == pytest.approx(lone.train_loss, rel=0.01)


def trained(news: TrainedEpoch | TrainingDiverged) -> TrainedEpoch:
    assert isinstance(news, TrainedEpoch)
    return news


def test_an_epochs_figures_are_those_of_lone_runs(digits: MaterialisedDataset) -> None:
    configs = [config(validation=150, schedule="cosine", **each) for each in DIFFERING]
    training = stacked(digits, configs)
    epochs = list(training.epochs(ignore))
    assert [list(epoch) for epoch in epochs] == [[0, 1, 2]] * 2
    for member, each in enumerate(configs):
        lone = alone(digits, each)
        for theirs, epoch in zip(lone.epochs(ignore), epochs, strict=True):
            ours = trained(epoch[member])
            assert (ours.epoch, ours.learning_rate) == (theirs.epoch, theirs.learning_rate)
            for what in ("train", "val", "test"):
                assert getattr(ours, f"{what}_loss") == pytest.approx(getattr(theirs, f"{what}_loss"), rel=1e-4)
                assert getattr(ours, f"{what}_accuracy") == pytest.approx(getattr(theirs, f"{what}_accuracy"), abs=0.01)
            assert ours.test_accuracy * 360 == pytest.approx(round(ours.test_accuracy * 360), abs=1e-12)
            assert ours.train_seconds > 0
            assert ours.peak_memory_bytes > 0
        assert_equal(lone.tensors(), training.tensors(member))
        assert_equal(lone.model.state_dict(), training.model_state(member))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_run_goes_on_in_a_stack_from_a_lone_checkpoint_and_back(digits: MaterialisedDataset, optimizer: str) -> None:
    configs = [config(epochs=3, optimizer=optimizer, learning_rate=0.002, seed=seed) for seed in (0, 1)]
    lone = [alone(digits, each) for each in configs]
    lone_epochs = [each.epochs(ignore) for each in lone]
    resumed = stacked(digits, configs)
    for member, (training, epochs) in enumerate(zip(lone, lone_epochs, strict=True)):
        next(epochs)
        resumed.restore(member, cloned(training.tensors()), 1)
        next(epochs)
    stacked_epochs = resumed.epochs(ignore)
    assert trained(next(stacked_epochs)[0]).epoch == 2
    back = alone(digits, configs[1])
    back.restore(cloned(resumed.tensors(1)), 2)
    for training, epochs in zip((*lone, back), (*lone_epochs, back.epochs(ignore)), strict=True):
        assert [epoch.epoch for epoch in epochs] == [3]
        member = 0 if training is lone[0] else 1
        if member not in resumed.members or resumed.epochs_done < 3:
            list(stacked_epochs)
        assert_equal(training.tensors(), resumed.tensors(member), relative=0.01)


def cloned(tensors: Tensors) -> Tensors:
    return {name: tensor.clone() for name, tensor in tensors.items()}


def test_one_that_is_dropped_leaves_the_others_as_they_were(digits: MaterialisedDataset) -> None:
    configs = [config(**each) for each in DIFFERING]
    whole, smaller = stacked(digits, configs), stacked(digits, configs)

    def cancel(_: dict[int, StepReport]) -> None:
        if 1 in smaller.members:
            smaller.drop(1)

    undisturbed, disturbed = whole.epochs(ignore), smaller.epochs(cancel)
    next(undisturbed)
    assert list(next(disturbed)) == [0, 2]
    for member in (0, 1, 2):  # that of one dropped in this epoch can still be read
        assert_equal(whole.tensors(member), smaller.tensors(member), relative=0, absolute=0)
    next(undisturbed)
    assert list(next(disturbed)) == [0, 2]
    for member in (0, 2):  # a smaller stack now
        assert_equal(whole.tensors(member), smaller.tensors(member))
    assert list(disturbed) == []


def test_one_that_diverges_is_handed_over_and_leaves_the_others_as_they_were(digits: MaterialisedDataset) -> None:
    configs = [config(seed=0), config(seed=1, learning_rate=100, weight_decay=1), config(seed=2)]
    training, said = stacked(digits, configs), list[dict[int, StepReport]]()
    news = list(training.epochs(said.append))
    diverged = news[0][1]
    assert isinstance(diverged, TrainingDiverged)
    assert "NaN or infinite in epoch 1" in str(diverged)
    assert [list(each) for each in news[1:]] == [[0, 2], [0, 2]]
    assert {member for each in said for member in each} == {0, 2}
    lone = alone(digits, configs[2])
    list(lone.epochs(ignore))
    assert_equal(lone.tensors(), training.tensors(2))


def test_a_stack_without_members_ends(digits: MaterialisedDataset) -> None:
    training = stacked(digits, [config(learning_rate=100, weight_decay=1, seed=seed) for seed in (0, 1)])
    [news] = list(training.epochs(ignore))
    assert all(isinstance(each, TrainingDiverged) for each in news.values())
    assert training.members == []
    cancelled = stacked(digits, [config()])
    assert list(cancelled.epochs(lambda _: cancelled.drop(0))) == []


def test_what_a_report_raises_ends_the_stack(digits: MaterialisedDataset) -> None:
    said = list[dict[int, StepReport]]()

    def stop_while_evaluating(reports: dict[int, StepReport]) -> None:
        said.append(reports)
        if reports[0].phase == "evaluating":
            raise InterruptedError

    training = stacked(digits, [config(seed=seed) for seed in (0, 1)])
    with pytest.raises(InterruptedError):
        next(training.epochs(stop_while_evaluating))
    assert training.epochs_done == 0
    assert {(each.phase, each.step, each.steps_per_epoch) for each in said[-2].values()} == {("training", 23, 23)}
    assert said[-2][1].loss == pytest.approx(2.3, abs=0.2)  # ln 10: nothing learnt yet


def test_holding_out_every_image_is_refused(digits: MaterialisedDataset) -> None:
    with pytest.raises(TooFewImages, match=r"1,437 validation images leave none"):
        StackedTraining([config(validation=1_437)], [resolve_run(config()).layers], digits, CPU)


def test_a_stack_of_one_is_what_a_lone_run_on_a_gpu_is(digits: MaterialisedDataset) -> None:
    run_config = config(validation=150, architecture={"name": "lenet5-1998"})
    layers = resolve_run(run_config).layers
    assert isinstance(training_of(run_config, layers, digits, CPU), Training)
    ours, lone = StackOfOne(run_config, layers, digits, CPU), alone(digits, run_config)
    assert_equal(lone.tensors(), ours.tensors())
    for epoch, theirs in zip(ours.epochs(ignore), lone.epochs(ignore), strict=True):
        assert epoch.val_loss == pytest.approx(theirs.val_loss, rel=1e-4)
        assert ours.epochs_done == epoch.epoch
        assert_equal(lone.tensors(), ours.tensors())
        assert_equal(lone.model.state_dict(), dict(ours.model.state_dict()))
    resumed = StackOfOne(run_config, layers, digits, CPU)
    resumed.restore(ours.tensors(), 2)
    assert_equal(ours.tensors(), resumed.tensors(), 0, 0)
    assert list(resumed.epochs(ignore)) == []


def test_a_stack_of_one_starts_from_weights_and_diverges_as_a_lone_run_does(digits: MaterialisedDataset) -> None:
    run_config = config(learning_rate=100, weight_decay=1)
    layers = resolve_run(run_config).layers
    ours, weights = StackOfOne(run_config, layers, digits, CPU), alone(digits, config(seed=5)).model.state_dict()
    ours.start_from(weights)
    assert_equal(weights, dict(ours.model.state_dict()), 0, 0)
    assert_equal(weights, ours.tensors(), 0, 0)
    with pytest.raises(TrainingDiverged, match="in epoch 1"):
        next(ours.epochs(ignore))


def test_images_lie_on_the_device_once(digits: MaterialisedDataset) -> None:
    splits = stacked_splits_of(digits, [config(validation=100, seed=seed) for seed in range(8)], CPU)
    assert len(splits.splits.train) == 1_437
    assert splits.kept.shape == (8, 1_337)
