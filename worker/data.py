"""Datasets made ready for training: fetched or read once, materialised as arrays, then only mapped."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from core.dataset_store import Bytes, DatasetBroken, DatasetMissing, MaterialisedDataset, materialised
from core.dataset_writer import write
from core.datasets import DATASETS, Dataset, DatasetUnavailable, dataset_named
from worker.archive_dataset import archive_state, read_archives
from worker.digits import read_digits
from worker.fetching import read_fetched

Report = Callable[[str], None]


def opened(name: str, *, datasets_dir: Path, materialised_dir: Path, report: Report) -> MaterialisedDataset | None:
    """The dataset, or None where it must be made first: it is missing, broken or older than its archive. Raises
    DatasetUnavailable: it was imported, so that nothing here can make it again."""
    if name not in DATASETS:
        return _imported(name, materialised_dir)
    return _usable(DATASETS[name], materialised_dir, _made_from(name, datasets_dir), report)


def ensure(
    name: str, *, datasets_dir: Path, materialised_dir: Path, mirror: str | None, report: Report
) -> MaterialisedDataset:
    """Opens the dataset, making it first where it must be.

    `report` gets what is being done, at most twice a second; what it raises stops the work and leaves nothing half
    made. Raises UnknownDataset, DatasetUnavailable.
    """
    dataset = dataset_named(name)
    say = _at_most_twice_a_second(report)
    made_from = _made_from(name, datasets_dir)
    ready = _usable(dataset, materialised_dir, made_from, say)
    if ready is not None:
        return ready
    try:
        materialised_dir.mkdir(parents=True, exist_ok=True)
        with _alone(materialised_dir / f".{name}.lock", f"waiting for {name}: another slot is making it ready", say):
            ready = _usable(dataset, materialised_dir, made_from, say)
            return ready or _materialise(dataset, datasets_dir, materialised_dir, mirror, say)
    except OSError as error:  # of our own files: those of the network have become DatasetUnavailable
        reason = f"{name} could not be made ready in {materialised_dir}: {error.strerror or error}."
        raise DatasetUnavailable(reason, "Free disk space or check the data folder, then requeue the run.") from error


def _imported(name: str, materialised_dir: Path) -> MaterialisedDataset:
    try:
        return materialised(materialised_dir, name)
    except (DatasetMissing, DatasetBroken) as error:
        what = "are not here" if isinstance(error, DatasetMissing) else f"cannot be read: {error}"
        reason = f"The images of {name}, which was imported, {what}."
        raise DatasetUnavailable(reason, f"Import them again under the name {name}, then requeue the run.") from error


def _made_from(name: str, datasets_dir: Path) -> Mapping[str, str]:
    """What the files of a dataset that a person may exchange are like; of others nothing need be known."""
    return archive_state(datasets_dir / "archive") if name == "archive" else {}


def _usable(dataset: Dataset, folder: Path, made_from: Mapping[str, str], report: Report) -> MaterialisedDataset | None:
    try:
        found = materialised(folder, dataset.name)
    except DatasetMissing:
        return None
    except DatasetBroken as error:
        report(f"the stored copy of {dataset.name} is broken ({error}): making it again")
        return None
    if made_from and made_from != found.manifest.made_from:  # archives deleted since: the arrays still serve
        report(f"the files of {dataset.name} have changed: making it again")
        return None
    return found


def _materialise(
    dataset: Dataset, datasets_dir: Path, materialised_dir: Path, mirror: str | None, report: Report
) -> MaterialisedDataset:
    made_from = _made_from(dataset.name, datasets_dir)  # before reading: a change meanwhile is then noticed
    if dataset.name == "digits":
        arrays = read_digits()
    elif dataset.name == "archive":
        arrays = read_archives(datasets_dir / "archive", len(dataset.classes), report)
    else:
        arrays = read_fetched(dataset, datasets_dir, mirror, report)
    report(f"storing {dataset.name}")
    mean, std = mean_and_std(arrays.train_images)
    return write(
        materialised_dir,
        dataset.name,
        arrays,
        classes=dataset.classes,
        mean=mean if dataset.mean is None else dataset.mean,
        std=std if dataset.std is None else dataset.std,
        source=dataset.source,
        made_from=made_from,
    )


def mean_and_std(images: Bytes) -> tuple[float, float]:
    """Of pixels in [0, 1]. Counted per grey level, so exact and without a float copy of all images."""
    parts = np.array_split(images, -(-len(images) // 1_000))
    counts = sum(np.bincount(part.ravel(), minlength=256) for part in parts)
    greys = np.arange(256) / 255
    mean = np.average(greys, weights=counts)
    return float(mean), float(np.sqrt(np.average((greys - mean) ** 2, weights=counts)))


@contextmanager
def _alone(lock_file: Path, waiting: str, report: Report) -> Iterator[None]:
    """Held by one process at a time; the system drops it when that process dies."""
    lock = FileLock(lock_file)
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            report(waiting)
    try:
        yield
    finally:
        lock.release()


def _at_most_twice_a_second(report: Report) -> Report:
    last = -1.0

    def throttled(message: str) -> None:
        nonlocal last
        if last < 0 or time.monotonic() - last >= 0.5:
            last = time.monotonic()
            report(message)

    return throttled
