"""Materialised datasets: written whole, read back mapped, damage detected."""

from pathlib import Path

import numpy as np
import pytest

from core.dataset_store import Arrays, DatasetBroken, DatasetMissing, MaterialisedDataset, materialised
from core.dataset_writer import write

NUM_TRAIN, NUM_TEST = 12, 4


def some_arrays(seed: int = 0) -> Arrays:
    generator = np.random.default_rng(seed)

    def images(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return generator.integers(0, 256, (count, 1, 28, 28), np.uint8)

    def labels(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return np.arange(count, dtype=np.uint8) % 3

    return Arrays(images(NUM_TRAIN), labels(NUM_TRAIN), images(NUM_TEST), labels(NUM_TEST))


def written(folder: Path, arrays: Arrays) -> MaterialisedDataset:
    return write(folder, "tiny", arrays, classes=("a", "b", "c"), mean=0.5, std=0.25, source="a test")


def test_what_was_written_is_read_back_mapped_and_read_only(tmp_path: Path) -> None:
    arrays = some_arrays()
    written(tmp_path, arrays)
    found = materialised(tmp_path, "tiny")
    found.check()
    assert (found.images("train") == arrays.train_images).all()
    assert (found.labels("test") == arrays.test_labels).all()
    assert not found.images("train").flags.writeable
    assert (found.manifest.num_train, found.manifest.num_test) == (NUM_TRAIN, NUM_TEST)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_writing_again_replaces_the_whole(tmp_path: Path) -> None:
    written(tmp_path, some_arrays(seed=0))
    second = some_arrays(seed=1)
    found = written(tmp_path, second)
    assert (found.images("test") == second.test_images).all()
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_dataset_never_written_is_missing_not_broken(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match="tiny"):
        materialised(tmp_path, "tiny")


def test_a_truncated_array_is_detected_on_opening(tmp_path: Path) -> None:
    path = written(tmp_path, some_arrays()).folder / "train_images.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DatasetBroken, match=r"train_images\.npy"):
        materialised(tmp_path, "tiny")


def test_a_flipped_pixel_is_detected_by_the_check(tmp_path: Path) -> None:
    dataset = written(tmp_path, some_arrays())
    path = dataset.folder / "test_images.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatasetBroken, match=r"test_images\.npy"):
        materialised(tmp_path, "tiny").check()


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, some_arrays()).folder
    with (folder / "test_labels.npy").open("wb") as file:
        np.save(file, np.array([{"not": "a label"}] * NUM_TEST, object), allow_pickle=True)
    with pytest.raises(DatasetBroken, match=r"test_labels\.npy"):
        materialised(tmp_path, "tiny")


def test_a_damaged_manifest_is_broken(tmp_path: Path) -> None:
    (written(tmp_path, some_arrays()).folder / "manifest.json").write_text("{")
    with pytest.raises(DatasetBroken, match=r"manifest\.json"):
        materialised(tmp_path, "tiny")


def test_samples_show_each_class_and_black_where_it_has_too_few(tmp_path: Path) -> None:
    arrays = some_arrays()
    sheet = written(tmp_path, arrays).samples(per_class=5)  # each of the three classes has four
    assert sheet.shape == (3, 5, 1, 28, 28)
    assert (sheet[1, 0] == arrays.train_images[1]).all()
    assert not sheet[:, 4].any()
