"""The splits on the device as uint8, and batches of them: order, augmentation, normalisation as tensor operations."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.nn import functional

from core.dataset_store import MaterialisedDataset
from core.run_config import RunConfig
from worker.randomness import generator

MAX_SHIFT_PIXELS = 2  # LeCun et al. 1998 and after: digits stay whole within two pixels
MAX_ROTATION_DEGREES = 10.0  # with shift and scale, the usual affine set for MNIST (Simard et al. 2003)
MAX_SCALE = 0.1


class TooFewImages(ValueError):
    """More images are held out for validation than leave any to train on."""


@dataclass(frozen=True)
class Split:
    """Images (N, C, H, W) uint8 and labels (N,) int64, on the device."""

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Splits:
    """What one run trains, validates and is tested on. `val` is None where nothing is held out."""

    train: Split
    val: Split | None
    test: Split
    mean: float
    std: float

    def normalised(self, images: torch.Tensor) -> torch.Tensor:
        """uint8, or float in [0, 1], to what the network sees."""
        scaled = images.float().div_(255) if images.dtype == torch.uint8 else images
        return scaled.sub_(self.mean).div_(self.std)


def splits_of(dataset: MaterialisedDataset, config: RunConfig, device: torch.device) -> Splits:
    """Copies the arrays to the device and holds validation images out of train by seed; raises TooFewImages."""
    train = split_of(dataset, "train", device)
    val = None
    if config.num_validation_images:
        held_out, kept = (chosen.to(device) for chosen in held_out_and_kept(config, len(train)))
        val = Split(train.images[held_out], train.labels[held_out])
        train = Split(train.images[kept], train.labels[kept])
    return Splits(train, val, split_of(dataset, "test", device), dataset.manifest.mean, dataset.manifest.std)


def held_out_and_kept(config: RunConfig, num_train: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions of the images to validate on and to train on, by seed, on the CPU; raises TooFewImages."""
    num_held_out = config.num_validation_images
    if not num_held_out:
        return torch.arange(0), torch.arange(num_train)
    if num_held_out >= num_train:
        raise TooFewImages(f"{num_held_out:,} validation images leave none of {num_train:,}.")
    order = torch.randperm(num_train, generator=generator(config.seed, "validation"))
    return order[:num_held_out], order[num_held_out:]


def test_split_of(dataset: MaterialisedDataset, device: torch.device) -> Splits:
    """The test split alone, for an evaluation; it stands in the place of train too."""
    test = split_of(dataset, "test", device)
    return Splits(test, None, test, dataset.manifest.mean, dataset.manifest.std)


def split_of(dataset: MaterialisedDataset, name: str, device: torch.device) -> Split:
    """All images of `train`, or of `test`."""
    assert name in ("train", "test")
    images = torch.tensor(dataset.images("train" if name == "train" else "test"), device=device)
    labels = torch.tensor(dataset.labels("train" if name == "train" else "test"), dtype=torch.int64, device=device)
    return Split(images, labels)


def train_batches(splits: Splits, config: RunConfig, epoch: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The epoch's batches in its own order; the last may be smaller. (B, C, H, W) float32, (B,) int64."""
    device = splits.train.labels.device
    order = shuffled(len(splits.train), config, epoch).to(device)
    for step, chosen in enumerate(torch.split(order, config.batch_size), start=1):
        images = splits.train.images.index_select(0, chosen)  # whole rows: ten times as fast as images[chosen]
        if config.augmentation != "none":
            maps = augmentation_maps(augmentation_draws(config, epoch, step, len(chosen)), config, images.shape)
            images = moved(images, maps.to(device), config)
        yield splits.normalised(images), splits.train.labels[chosen]


def shuffled(num_images: int, config: RunConfig, epoch: int) -> torch.Tensor:
    """(N,) The epoch's order, on the CPU."""
    return torch.randperm(num_images, generator=generator(config.seed, "order", epoch))


def augmentation_draws(config: RunConfig, epoch: int, step: int, count: int) -> torch.Tensor:
    """(count, 4) Numbers in [0, 1), on the CPU."""
    return torch.rand(count, 4, generator=generator(config.seed, "augmentation", epoch, step))


def augmentation_maps(draws: torch.Tensor, config: RunConfig, shape: torch.Size) -> torch.Tensor:
    """(B, 4) -> (B, 2, 3), the affine map of each image; `shape` is that of the images."""
    random = draws * 2 - 1
    count, (height, width) = len(random), shape[-2:]
    shift = (random[:, :2] * MAX_SHIFT_PIXELS).round()
    angle = random[:, 2] * math.radians(MAX_ROTATION_DEGREES) if config.augmentation == "affine" else torch.zeros(count)
    scale = 1 + random[:, 3] * MAX_SCALE if config.augmentation == "affine" else torch.ones(count)
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    # Affine grids count from -1 to 1 over an axis, so a pixel is 2 / size.
    across, down = shift[:, 0] * 2 / width, shift[:, 1] * 2 / height
    return torch.stack([cosine, -sine, across, sine, cosine, down], dim=1).view(count, 2, 3)


def moved(images: torch.Tensor, maps: torch.Tensor, config: RunConfig) -> torch.Tensor:
    """(B, C, H, W) uint8 -> float in [0, 1], each image moved by its own affine map; what comes in is black."""
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    mode = "nearest" if config.augmentation == "shift" else "bilinear"
    return functional.grid_sample(images.float().div_(255), grid, mode=mode, align_corners=False)
