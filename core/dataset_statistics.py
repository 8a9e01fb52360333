"""What a dataset looks like in figures: images and mean image of each class, pixels. Pure; a part at a time."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.dataset_store import Bytes, MaterialisedDataset, materialised

NUM_BINS = 32  # of the pixels' levels, eight to a bin
IMAGES_AT_ONCE = 500
MOST_KEPT = 8  # datasets: 256 mean images of 96×96 in colour are 7 MB


@dataclass(frozen=True)
class Statistics:
    """Of the train split, but for `num_test`."""

    num_train: tuple[int, ...]  # images of each class
    num_test: tuple[int, ...]
    mean_images: Bytes  # (classes, C, H, W)
    channel_means: tuple[float, ...]  # of pixels in [0, 1]
    channel_stds: tuple[float, ...]
    histogram: tuple[int, ...]  # of all channels together, NUM_BINS


def statistics_of(dataset: MaterialisedDataset) -> Statistics:
    """Worked out once for each content. Raises DatasetMissing, DatasetBroken."""
    digests = dataset.manifest.sha256
    return _statistics(dataset.folder, digests["train_images"], digests["train_labels"] + digests["test_labels"])


@lru_cache(MOST_KEPT)
def _statistics(folder: Path, _images: str, _labels: str) -> Statistics:
    dataset = materialised(folder.parent, folder.name)
    images, labels = dataset.images("train"), dataset.labels("train")
    num_classes, shape = len(dataset.manifest.classes), dataset.manifest.image_shape
    sums = np.zeros((num_classes, *shape), np.int64)
    counts = np.zeros((shape[0], 256), np.int64)  # of each level, by channel
    for start in range(0, len(images), IMAGES_AT_ONCE):
        part, own = images[start : start + IMAGES_AT_ONCE], labels[start : start + IMAGES_AT_ONCE]
        for label in np.unique(own):
            sums[label] += part[own == label].sum(0, dtype=np.int64)
        for channel in range(shape[0]):
            counts[channel] += np.bincount(part[:, channel].ravel(), minlength=256)
    num_train = np.bincount(labels, minlength=num_classes)
    means, stds = _moments(counts)
    return Statistics(
        num_train=tuple(num_train.tolist()),
        num_test=tuple(np.bincount(dataset.labels("test"), minlength=num_classes).tolist()),
        mean_images=(sums / np.maximum(num_train, 1)[:, None, None, None]).round().astype(np.uint8),
        channel_means=means,
        channel_stds=stds,
        histogram=tuple(counts.sum(0).reshape(NUM_BINS, -1).sum(1).tolist()),
    )


def _moments(counts: NDArray[np.int64]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(C, 256) counts of levels -> mean and standard deviation of each channel, of pixels in [0, 1]."""
    levels = np.arange(256) / 255
    weights = counts / counts.sum(1, keepdims=True)
    means = weights @ levels
    stds = np.sqrt(weights @ levels**2 - means**2)
    return tuple(means.tolist()), tuple(stds.tolist())
