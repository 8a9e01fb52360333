"""Datasets made ready: real digits, real MNIST by hand and from a mirror, own archives, and what goes wrong."""

import gzip
import io
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.dataset_store import MaterialisedDataset
from core.datasets import DATASETS, DatasetUnavailable, UnknownDataset
from core.png import png_bytes
from tests.full_disk import files_up_to
from worker.data import ensure

SHARED = Path(__file__).resolve().parents[3] / "shared"
PACKED_MNIST = SHARED / "data" / "MNIST" / "raw"
NOBODY_LISTENS = "http://127.0.0.1:9/"
FIRST_TEST_LABELS = [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]  # of MNIST

needs_mnist = pytest.mark.skipif(not PACKED_MNIST.exists(), reason="the real MNIST is not in ../shared/data")
Said = list[str]
Archive = dict[str, bytes]


def made(folder: Path, name: str, mirror: str | None = NOBODY_LISTENS, said: Said | None = None) -> MaterialisedDataset:
    report: Callable[[str], None] = (said if said is not None else []).append
    return ensure(name, datasets_dir=folder, materialised_dir=folder / "made", mirror=mirror, report=report)


def folder_for(folder: Path, name: str) -> Path:
    (folder / name).mkdir(parents=True)
    return folder / name


def test_digits_are_the_real_ones_and_need_no_network(tmp_path: Path) -> None:
    digits = made(tmp_path, "digits")
    digits.check()
    assert digits.images("train").shape == (1437, 1, 28, 28)
    assert digits.images("test").shape == (360, 1, 28, 28)
    every_class = np.bincount(digits.labels("test"))
    assert len(every_class) == 10
    assert every_class.min() >= 34  # stratified: 360 in ten nearly equal classes
    pixels = digits.images("train") / 255
    assert (digits.manifest.mean, digits.manifest.std) == pytest.approx((pixels.mean(), pixels.std()))


def test_digits_are_made_once_and_the_same_everywhere(tmp_path: Path) -> None:
    first, again, elsewhere = made(tmp_path, "digits"), made(tmp_path, "digits"), made(tmp_path / "b", "digits")
    assert again.manifest == first.manifest  # created_at included
    assert elsewhere.manifest.sha256 == first.manifest.sha256


def test_a_full_disk_is_told_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    with files_up_to(500_000), pytest.raises(DatasetUnavailable) as refused:  # the images of train take 1.1 MB
        made(tmp_path, "digits")
    assert refused.value.reason == f"digits could not be made ready in {tmp_path / 'made'}: File too large."
    assert "Free disk space" in refused.value.suggestion
    assert [path.name for path in (tmp_path / "made").iterdir()] == [".digits.lock"]
    made(tmp_path, "digits").check()


def test_truncated_arrays_are_noticed_and_made_again(tmp_path: Path) -> None:
    digits = made(tmp_path, "digits")
    path = digits.folder / "train_images.npy"
    path.write_bytes(path.read_bytes()[:1000])
    said: Said = []
    made(tmp_path, "digits", said=said).check()
    assert "broken" in said[0]


def test_an_unknown_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownDataset, match="cifar"):
        made(tmp_path, "cifar")


@needs_mnist
def test_mnist_unpacked_by_hand_is_used_without_a_download(tmp_path: Path) -> None:
    subprocess.run([SHARED / "tools" / "unpack-mnist", tmp_path], check=True, capture_output=True)
    mnist = made(tmp_path, "mnist")
    assert (mnist.images("train").shape, mnist.images("test").shape) == ((60_000, 1, 28, 28), (10_000, 1, 28, 28))
    assert mnist.labels("test")[:10].tolist() == FIRST_TEST_LABELS
    assert mnist.images("train").mean() / 255 == pytest.approx(mnist.manifest.mean, abs=1e-4)


@needs_mnist
def test_compressed_mnist_put_there_by_hand_is_used_without_a_download(tmp_path: Path) -> None:
    folder = folder_for(tmp_path, "MNIST/raw")
    for path in PACKED_MNIST.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    assert made(tmp_path, "mnist").labels("test")[:10].tolist() == FIRST_TEST_LABELS


@needs_mnist
def test_mnist_is_fetched_from_a_file_mirror_with_progress(tmp_path: Path) -> None:
    said: Said = []
    mnist = made(tmp_path, "mnist", mirror=f"file://{SHARED / 'data'}", said=said)
    assert mnist.labels("test")[:10].tolist() == FIRST_TEST_LABELS
    assert said[0] == "fetching train-images"


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
def test_an_unreachable_mirror_fails_within_seconds_and_offers_digits(tmp_path: Path, name: str) -> None:
    start = time.monotonic()
    with pytest.raises(DatasetUnavailable) as refused:
        made(tmp_path, name)
    assert time.monotonic() - start < 10
    assert DATASETS[name].title in refused.value.reason
    assert "127.0.0.1:9" in refused.value.reason
    assert "digits" in refused.value.suggestion


def test_a_corrupted_file_of_a_mirror_is_refused_and_not_kept(tmp_path: Path) -> None:
    mirror = folder_for(tmp_path, "mirror/KMNIST/raw")
    (mirror / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"\0" * 1000))
    with pytest.raises(DatasetUnavailable, match="damaged"):
        made(tmp_path / "data", "kmnist", mirror=f"file://{tmp_path / 'mirror'}")
    assert not list((tmp_path / "data" / "KMNIST" / "raw").iterdir())


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_corrupted_file_put_there_by_hand_is_named(tmp_path: Path, suffix: str) -> None:
    path = folder_for(tmp_path, "KMNIST/raw") / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(gzip.compress(b"\0" * 1000)[:-9])
    with pytest.raises(DatasetUnavailable, match="damaged") as refused:
        made(tmp_path, "kmnist")
    assert str(path) in refused.value.reason


def some_images(count: int) -> Archive:
    """PNGs of `count` different images; the label is the number modulo ten."""
    return {
        f"{number}_{number % 10}.png": png_bytes(np.full((28, 28), number + 1, np.uint8)) for number in range(count)
    }


def write_archive(path: Path, files: Archive) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as packed:
            for name, content in files.items():
                packed.writestr(name, content)
    elif path.suffix:
        with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    else:
        path.mkdir()
        for name, content in files.items():
            (path / name).write_bytes(content)


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip", ""])
def test_own_archives_are_read_in_the_order_of_their_numbers(tmp_path: Path, suffix: str) -> None:
    backwards = dict(reversed(some_images(12).items()))
    write_archive(tmp_path / "archive" / f"train{suffix}", backwards)
    write_archive(tmp_path / "archive" / f"test{suffix}", some_images(3))
    archive = made(tmp_path, "archive")
    assert archive.labels("train").tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert archive.images("train")[:, 0, 0, 0].tolist() == list(range(1, 13))
    assert archive.images("test").shape == (3, 1, 28, 28)


def test_a_changed_archive_is_read_again(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_archive(tmp_path / "archive" / f"{split}.zip", some_images(4))
    assert made(tmp_path, "archive").manifest.num_train == 4
    write_archive(tmp_path / "archive" / "train.zip", some_images(6))
    assert made(tmp_path, "archive").manifest.num_train == 6


def test_without_archives_the_page_says_where_to_put_them(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable) as refused:
        made(tmp_path, "archive")
    assert str(tmp_path / "archive") in refused.value.reason
    assert "train.tar" in refused.value.suggestion


HUGE_HEADER = png_bytes(np.zeros((28, 28), np.uint8)).replace(b"\0\0\0\x1c\0\0\0\x1c", b"\0\1\0\0\0\1\0\0")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("../../99_1.png", png_bytes(np.zeros((28, 28), np.uint8)), "is not named"),
        ("/tmp/99_1.png", png_bytes(np.zeros((28, 28), np.uint8)), "is not named"),
        ("99_77.png", png_bytes(np.zeros((28, 28), np.uint8)), "label 77"),
        ("99_1.png", HUGE_HEADER, "65536×65536 pixels"),
        ("99_1.png", b"GIF89a", "not a PNG"),
        ("99_1.png", bytes(1024**2), "too many"),
        ("99_1.exe", b"MZ", "is not named"),
    ],
)
@pytest.mark.parametrize("suffix", [".tar", ".zip"])
def test_a_hostile_member_is_refused_and_nothing_is_unpacked(
    tmp_path: Path, suffix: str, name: str, content: bytes, reason: str
) -> None:
    for split in ("train", "test"):
        write_archive(tmp_path / "archive" / f"{split}{suffix}", some_images(4) | {name: content})
    with pytest.raises(DatasetUnavailable) as refused:
        made(tmp_path, "archive")
    assert reason in refused.value.reason
    assert not list(tmp_path.rglob("*.png"))


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "archive" / "train.tar"
    write_archive(path, some_images(4))
    with tarfile.open(path, "a") as tar:
        link = tarfile.TarInfo("99_1.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(DatasetUnavailable, match="link"):
        made(tmp_path, "archive")


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_a_truncated_archive_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "archive" / f"train{suffix}"
    write_archive(path, some_images(40))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DatasetUnavailable, match=r"train\..* cannot be read"):
        made(tmp_path, "archive")
