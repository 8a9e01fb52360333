"""The recipe on real digits: repeatable bit for bit, resumable bit for bit, and honest about what it trains on."""

import itertools
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from core.architectures.catalogue import FAMILIES
from core.dataset_store import MaterialisedDataset
from core.diagnosis import DIVERGED
from core.records import TrainedEpoch
from core.run_config import RunConfig, parse_run_config, resolve_run
from core.schedules import learning_rate_at
from worker.batches import Split, TooFewImages, splits_of, train_batches
from worker.checkpoints import read_checkpoint, write_checkpoint
from worker.device import choose_algorithms, chosen_device
from worker.failures import explained
from worker.optimizers import build_optimizer
from worker.train import StepReport, Training, TrainingDiverged

torch.set_num_threads(1)

CPU = torch.device("cpu")
NUM_TRAIN = 1437  # of digits
PLAIN = {"architecture": {"name": "lenet5"}, "optimizer": "sgd"}
# Dropout, batch norm, adaptive moments, a schedule and augmentation: all that a resume could lose.
STATEFUL = {
    "architecture": {"name": "lenet5-moon"},
    "optimizer": "adam",
    "learning_rate": 0.002,
    "schedule": "cosine",
    "augmentation": "affine",
    "validation": 100,
}
Weights = dict[str, torch.Tensor]


def config(**choices: object) -> RunConfig:
    return parse_run_config({"dataset": "digits", "device": "cpu", "epochs": 2, **PLAIN, **choices})


def prepared(dataset: MaterialisedDataset, run_config: RunConfig) -> Training:
    return Training(run_config, resolve_run(run_config).layers, splits_of(dataset, run_config, CPU))


def trained(dataset: MaterialisedDataset, run_config: RunConfig) -> tuple[Weights, list[TrainedEpoch]]:
    training = prepared(dataset, run_config)
    epochs = list(training.epochs(ignore))
    return training.tensors(), epochs


def ignore(_: StepReport) -> None:
    """Nobody listens."""


def are_bit_equal(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(bits(tensor) == bits(other[name]) for name, tensor in one.items())


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().numpy().tobytes()


def pictures(split: Split) -> Counter[tuple[bytes, int]]:
    return Counter((bits(image), int(label)) for image, label in zip(split.images, split.labels, strict=True))


@pytest.mark.parametrize("choices", [PLAIN, STATEFUL], ids=["lenet5-sgd", "lenet5-moon-adam"])
def test_the_same_config_and_seed_give_the_same_weights_and_figures(
    digits: MaterialisedDataset, choices: dict[str, object]
) -> None:
    (first, first_epochs), (second, second_epochs) = (trained(digits, config(**choices)) for _ in range(2))
    assert are_bit_equal(first, second)
    assert [(epoch.train_loss, epoch.test_loss) for epoch in first_epochs] == [
        (epoch.train_loss, epoch.test_loss) for epoch in second_epochs
    ]


@pytest.mark.parametrize("choices", [PLAIN, STATEFUL], ids=["lenet5-sgd", "lenet5-moon-adam"])
def test_a_run_resumed_after_any_epoch_ends_with_the_same_weights(
    digits: MaterialisedDataset, tmp_path: Path, choices: dict[str, object]
) -> None:
    run_config = config(**choices, epochs=3)
    whole, files, figures = prepared(digits, run_config), [], []
    for epoch in whole.epochs(ignore):
        files.append(write_checkpoint(tmp_path, 1, epoch.epoch, whole.tensors(), []))
        figures.append((epoch.train_loss, epoch.test_loss, epoch.learning_rate))
    assert len(files) == 3
    for file in files:
        torch.manual_seed(4711)  # whatever the process did meanwhile
        torch.rand(17)
        resumed = prepared(digits, run_config)
        resumed.restore(read_checkpoint(tmp_path / file.file_name, file.sha256).tensors, file.epoch)
        again = [(epoch.train_loss, epoch.test_loss, epoch.learning_rate) for epoch in resumed.epochs(ignore)]
        assert again == figures[file.epoch :]
        assert are_bit_equal(resumed.tensors(), whole.tensors())


def test_a_checkpoint_holds_the_optimizers_state_too(digits: MaterialisedDataset) -> None:
    sgd, _ = trained(digits, config(epochs=1))
    adam, _ = trained(digits, config(**STATEFUL, epochs=1))
    assert "optimizer.0.momentum_buffer" in sgd
    assert {"optimizer.0.exp_avg", "optimizer.0.exp_avg_sq", "optimizer.0.step"} <= adam.keys()
    assert any(name.endswith("running_mean") for name in adam)


@pytest.mark.parametrize(
    ("choices", "theirs"),
    [
        (
            {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
            partial(torch.optim.SGD, momentum=0.9, nesterov=True),
        ),
        ({"optimizer": "adam", "weight_decay": 0.01}, torch.optim.Adam),
        ({"optimizer": "adamw", "weight_decay": 0.01}, torch.optim.AdamW),
    ],
    ids=["sgd", "adam", "adamw"],
)
def test_all_parameters_are_updated_by_one_call_as_torch_updates_each(
    choices: dict[str, object], theirs: Callable[..., torch.optim.Optimizer]
) -> None:
    models = [torch.nn.Linear(7, 5), torch.nn.Linear(7, 5)]
    models[1].load_state_dict(models[0].state_dict())
    optimizers = [
        build_optimizer(config(**choices), models[0]),
        theirs(models[1].parameters(), lr=0.01, weight_decay=0.01),
    ]
    assert optimizers[0].defaults["fused"]
    for step in range(5):
        for model, optimizer in zip(models, optimizers, strict=True):
            for number, parameter in enumerate(model.parameters()):
                parameter.grad = (parameter.detach() + number + step).sin()
            optimizer.step()
    for one, other in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(one, other)


def test_another_seed_begins_and_ends_elsewhere(digits: MaterialisedDataset) -> None:
    before = [prepared(digits, config(seed=seed)).tensors() for seed in (0, 1)]
    after = [trained(digits, config(seed=seed, epochs=1))[0] for seed in (0, 1)]
    assert not are_bit_equal(*before)
    assert not are_bit_equal(*after)


@pytest.mark.parametrize("network", FAMILIES)
def test_each_network_trains_by_algorithms_that_give_the_same_bits_each_time(
    digits: MaterialisedDataset, network: str
) -> None:
    """Torch raises at an operation that it knows to have none. On a GPU others may; they end the run with a reason."""
    torch.set_deterministic_debug_mode("error")
    try:
        trained(digits, config(architecture={"name": network}, augmentation="affine", epochs=1, label_smoothing=0.1))
    finally:
        torch.set_deterministic_debug_mode("warn")


@pytest.mark.parametrize(("device", "asked", "mode"), [("cpu", False, 1), ("cuda", False, 0), ("cuda", True, 2)])
def test_a_gpu_computes_deterministically_where_that_is_asked_for_and_a_cpu_always(
    device: str, asked: bool, mode: int
) -> None:
    try:
        choose_algorithms(torch.device(device), deterministic=asked)
        assert torch.get_deterministic_debug_mode() == mode
        assert torch.backends.cudnn.deterministic is asked
        assert not torch._C._get_deterministic_fill_uninitialized_memory()  # takes time, is to find mistakes
    finally:
        choose_algorithms(CPU, deterministic=False)


def test_a_network_learns_the_digits(digits: MaterialisedDataset) -> None:
    run_config = config(architecture={"name": "lenet5-moon"}, optimizer="adam", learning_rate=0.002, batch_size=32)
    _, [first, last] = trained(digits, run_config)
    assert last.train_loss < first.train_loss
    assert last.test_accuracy > 0.8
    assert (last.val_loss, last.val_accuracy) == (None, None)
    assert last.images_per_second > 0
    assert last.peak_memory_bytes > 0


def test_a_diverging_run_is_stopped_and_explained(digits: MaterialisedDataset) -> None:
    run_config = config(learning_rate=100, epochs=10, weight_decay=1)
    with pytest.raises(TrainingDiverged, match="NaN or infinite in epoch 1") as caught:
        trained(digits, run_config)
    reason, suggestion, _ = explained(caught.value, run_config, Path("runs/1"))
    assert DIVERGED in reason  # by which the diagnosis knows it
    assert "(it was 100), for example to 10" in suggestion


def test_validation_images_are_never_trained_on(digits: MaterialisedDataset) -> None:
    run_config = config(validation=300)
    splits, everything = splits_of(digits, run_config, CPU), splits_of(digits, config(), CPU).train
    assert splits.val is not None
    assert (len(splits.val), len(splits.train)) == (300, NUM_TRAIN - 300)
    assert pictures(splits.train) + pictures(splits.val) == pictures(everything)  # each image in exactly one
    for epoch in (1, 2):
        met = [images for images, _ in train_batches(splits, run_config, epoch)]
        kept = Counter(bits(image) for image in splits.normalised(splits.train.images))
        assert Counter(bits(image) for images in met for image in images) == kept


def test_which_images_are_held_out_is_the_seeds_choice(digits: MaterialisedDataset) -> None:
    held_out = [splits_of(digits, config(validation=300, seed=seed), CPU).val for seed in (0, 0, 1)]
    first, same, other = (pictures(split) for split in held_out if split is not None)
    assert first == same
    assert first != other


def test_holding_out_every_image_is_refused(digits: MaterialisedDataset) -> None:
    with pytest.raises(TooFewImages, match=r"1,437 validation images leave none"):
        splits_of(digits, config(validation=NUM_TRAIN), CPU)


def test_each_epoch_has_its_own_order_and_the_last_batch_is_kept(digits: MaterialisedDataset) -> None:
    run_config = config(batch_size=100)
    splits = splits_of(digits, run_config, CPU)
    first, again, second = (list(train_batches(splits, run_config, epoch)) for epoch in (1, 1, 2))
    assert [len(labels) for _, labels in first] == [100] * 14 + [37]
    assert all(torch.equal(one[0], other[0]) for one, other in zip(first, again, strict=True))
    assert not torch.equal(first[0][1], second[0][1])


@pytest.mark.parametrize("augmentation", ["shift", "affine"])
def test_augmentation_moves_images_and_leaves_the_stored_ones_alone(
    digits: MaterialisedDataset, augmentation: str
) -> None:
    plain, moved = config(batch_size=NUM_TRAIN), config(batch_size=NUM_TRAIN, augmentation=augmentation)
    splits = splits_of(digits, plain, CPU)
    stored = splits.train.images.clone()
    [(images, labels)], [(augmented, same_labels)] = (list(train_batches(splits, each, 1)) for each in (plain, moved))
    assert torch.equal(labels, same_labels)
    differing = (images != augmented).flatten(1).any(1).float().mean()
    assert 0.9 < differing <= 1
    grey, moved_grey = ((each * splits.std + splits.mean) for each in (images, augmented))
    assert moved_grey.min() >= -1e-5
    assert moved_grey.max() <= 1 + 1e-5
    assert moved_grey.mean() == pytest.approx(float(grey.mean()), rel=0.15)
    assert torch.equal(splits.train.images, stored)


@pytest.mark.parametrize(
    "choices",
    [
        {"label_smoothing": 0.1},
        {"precision": "bf16"},
        {"schedule": "one-cycle", "learning_rate": 0.1},
        {"optimizer": "adamw", "schedule": "step", "step_epochs": 1, "weight_decay": 0.1},
        {"nesterov": True, "schedule": "cosine", "warmup_epochs": 1},
    ],
    ids=["label-smoothing", "bf16", "one-cycle", "adamw-step", "nesterov-warmup"],
)
def test_every_choice_changes_the_result(digits: MaterialisedDataset, choices: dict[str, object]) -> None:
    weights, epochs = trained(digits, config(**choices))
    plain, _ = trained(digits, config())
    names = [name for name in plain if not name.startswith("optimizer.")]
    assert all(weights[name].dtype == plain[name].dtype and weights[name].isfinite().all() for name in names)
    assert any(bits(weights[name]) != bits(plain[name]) for name in names)
    assert all(0 <= epoch.test_accuracy <= 1 for epoch in epochs)


def test_tf32_is_a_gpus_and_on_a_cpu_gives_the_bits_of_fp32(digits: MaterialisedDataset) -> None:
    weights = list[Weights]()
    for precision, told in (("fp32", "ieee"), ("tf32", "tf32")):
        run_config = config(precision=precision, epochs=1)
        assert chosen_device(run_config) == CPU
        assert torch.backends.cuda.matmul.fp32_precision == told
        weights.append(trained(digits, run_config)[0])
    assert are_bit_equal(*weights)


def test_the_optimizer_takes_the_learning_rate_of_each_step(digits: MaterialisedDataset) -> None:
    run_config = config(schedule="one-cycle", batch_size=500, optimizer="sgd")
    training, taken = prepared(digits, run_config), list[float]()
    training.optimizer.register_step_pre_hook(lambda optimizer, *_: taken.append(optimizer.param_groups[0]["lr"]))
    reported = [epoch.learning_rate for epoch in training.epochs(ignore)]
    assert taken == [learning_rate_at(run_config, step, 3) for step in range(1, 7)]
    assert reported == [taken[2], taken[5]]


@pytest.mark.parametrize("step_seconds", [0.01, 0.09])
def test_training_reports_at_least_every_half_second(
    digits: MaterialisedDataset, monkeypatch: pytest.MonkeyPatch, step_seconds: float
) -> None:
    """A cancel is obeyed at a report. The recipe looks at the clock once a step."""
    looks, reported_at = [0.0], list[float]()

    def look() -> float:
        looks.append(looks[-1] + step_seconds)
        return looks[-1]

    monkeypatch.setattr(time, "perf_counter", look)
    next(prepared(digits, config(batch_size=16)).epochs(lambda _: reported_at.append(looks[-1])))
    gaps = [later - earlier for earlier, later in itertools.pairwise(reported_at)]
    assert len(gaps) > 2
    assert max(gaps) <= 0.5


def test_what_a_report_raises_ends_the_training(digits: MaterialisedDataset) -> None:
    said: list[StepReport] = []

    def stop_while_evaluating(report: StepReport) -> None:
        said.append(report)
        if report.phase == "evaluating":
            raise InterruptedError

    training = prepared(digits, config())
    with pytest.raises(InterruptedError):
        next(training.epochs(stop_while_evaluating))
    assert training.epochs_done == 0
    assert (said[-2].phase, said[-2].step, said[-2].steps_per_epoch) == ("training", 23, 23)
    assert said[-2].loss == pytest.approx(2.3, abs=0.2)  # ln 10: nothing learnt yet
