"""Imports: what somebody else's tool makes becomes a dataset, and what an attacker makes becomes nothing."""

import gzip
import io
import resource
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.import_wishes import ImportWishes
from tests.worker.archives_from_outside import HOSTILE, foldered, good, idx, picture, tarred, zipped
from worker.imports.canvas import Images
from worker.imports.reading import read_import
from worker.imports.refusals import ImportRefused
from worker.imports.sources import files

MAX_GROWTH_BYTES = 256 * 2**20  # of the child, which ends; the server, which reads nothing of it, is measured elsewhere


def imported(path: Path, **wishes: Any) -> Images:
    return read_import(path, ImportWishes.model_validate({"name": "mine"} | wishes), lambda what, fraction: None)


def refused(path: Path, **wishes: Any) -> ImportRefused:
    with pytest.raises(ImportRefused) as caught:
        imported(path, **wishes)
    return caught.value


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_with_a_reason_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    assert len(HOSTILE) >= 60
    path = HOSTILE[name](tmp_path)
    before, peak = sorted(tmp_path.rglob("*")), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusal = refused(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < MAX_GROWTH_BYTES / 1024
    assert sorted(tmp_path.rglob("*")) == before
    told = [refusal.reason, refusal.suggestion, *(part for pair in refusal.bad.named for part in pair)]
    assert refusal.reason
    assert all(text.isprintable() for text in told), told


def test_what_hostile_archives_are_made_from_is_itself_imported(tmp_path: Path) -> None:
    for make in (zipped, tarred, foldered):
        assert imported(make(tmp_path, good())).classes == ("a", "b")


@pytest.mark.parametrize("make", [zipped, tarred, foldered])
def test_class_folders_in_a_folder_are_split_by_seed_alone(make: Any, tmp_path: Path) -> None:
    content = {f"top/{name}": inside for name, inside in good(10).items()}
    first = imported(make(tmp_path, content | {"top/README.md": b"words", "__MACOSX/._x": b""}))
    again = imported(make(tmp_path, dict(reversed(content.items())) | {"top/README.md": b"words"}))
    other = imported(make(tmp_path, content), seed=1)
    assert first.arrays.train_images.shape == (16, 3, 8, 8)
    assert np.bincount(first.arrays.test_labels).tolist() == [2, 2]
    assert (first.arrays.test_images == again.arrays.test_images).all(), "the order in the archive decides nothing"
    assert not (first.arrays.test_images == other.arrays.test_images).all()
    passed_over = "Passed over: 1 text file beside the images."
    assert first.notes == ("Split by seed 0: 20 % of each class to test.", passed_over)


def test_train_and_test_folders_are_kept_as_they_are(tmp_path: Path) -> None:
    content = {f"{split}/{name}": inside for split in ("train", "Test") for name, inside in good(2).items()}
    images = imported(zipped(tmp_path, content | {"val/a/9.png": picture(9)}))
    assert (len(images.arrays.train_images), len(images.arrays.test_images)) == (5, 4)
    assert "4 images are both in train and in test" in " ".join(images.notes)
    assert "no image to train on" in refused(zipped(tmp_path, content | {"test/c/9.png": picture(9)})).reason


def test_the_reports_form_is_read_from_one_folder_or_from_two_archives(tmp_path: Path) -> None:
    numbered = {f"{number}_{label}.png": picture(number, mode="L") for number, label in enumerate([3, 7, 3, 7, 10, 10])}
    images = imported(zipped(tmp_path, {f"digits/{name}": inside for name, inside in numbered.items()}))
    assert images.classes == ("3", "7", "10")
    assert images.arrays.train_images.shape == (3, 1, 8, 8)
    named = imported(zipped(tmp_path, numbered), class_names=["three", "seven", "ten"])
    assert named.classes == ("three", "seven", "ten")
    assert "3 classes" in refused(zipped(tmp_path, numbered), class_names=["one"]).reason
    pair = tmp_path / "pair"
    pair.mkdir()
    zipped(tmp_path, numbered).rename(pair / "train.zip")
    tarred(tmp_path, numbered).rename(pair / "test.tar.gz")
    assert len(imported(pair).arrays.test_images) == 6


@pytest.mark.parametrize("is_packed", [False, True])
def test_idx_files_bring_their_own_split_or_are_split(is_packed: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    content = {
        "train-images-idx3-ubyte": idx(random.integers(0, 255, (40, 9, 7), dtype=np.uint8)),
        "train-labels-idx1-ubyte": idx(np.arange(40, dtype=np.uint8) % 4 + 1),
    }
    test = {
        "t10k-images-idx3-ubyte": idx(random.integers(0, 255, (8, 9, 7), dtype=np.uint8)),
        "t10k-labels-idx1-ubyte": idx(np.arange(8, dtype=np.uint8) % 4 + 1),
    }
    if is_packed:
        content, test = ({f"raw/{n}.gz": gzip.compress(c) for n, c in files.items()} for files in (content, test))
    whole, alone = imported(zipped(tmp_path, content | test)), imported(zipped(tmp_path, content))
    assert whole.classes == alone.classes == ("1", "2", "3", "4")
    assert (whole.arrays.train_images.shape, len(whole.arrays.test_images)) == ((40, 1, 9, 7), 8)
    assert whole.arrays.train_labels[:5].tolist() == [0, 1, 2, 3, 0]
    assert (len(alone.arrays.train_images), len(alone.arrays.test_images)) == (32, 8)


def test_every_kind_of_image_is_read_as_it_looks(tmp_path: Path) -> None:
    grey16 = np.full((8, 8), 0x80FF, np.uint16)
    grey16[0, 0] = 0

    def saved(image: Image.Image, suffix: str, **more: Any) -> bytes:
        image.save(tmp_path / f"x{suffix}", **more)
        return (tmp_path / f"x{suffix}").read_bytes()

    half = Image.new("RGBA", (8, 8), (200, 100, 50, 0))
    half.putpixel((1, 0), (200, 100, 50, 255))
    turned = Image.new("RGB", (6, 8), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    content = {
        "a/16.png": saved(Image.fromarray(grey16), ".png"), "a/alpha.png": saved(half, ".png"),
        "a/palette.gif": picture(kind="GIF", mode="P"), "a/webp.webp": picture(kind="WEBP"),
        "b/cmyk.jpg": picture(kind="JPEG", mode="CMYK"), "b/1.bmp": picture(kind="BMP", mode="1"),
        "b/la.png": picture(mode="LA"),
        "b/turned.jpg": saved(turned, ".jpg", exif=exif),
    }  # fmt: skip
    images = imported(foldered(tmp_path, content), size=8, test_fraction=0.01)
    everything = np.concatenate([images.arrays.train_images, images.arrays.test_images])
    assert everything.shape == (8, 3, 8, 8)
    assert any((image[:, 1:] == 0x80).all() and image[0, 0, 0] == 0 for image in everything), "16 bits become 8"
    assert any(image[:, 0, 1].tolist() == [200, 100, 50] and image.sum() == 350 for image in everything), "on black"
    assert any((image[0, 0] < 20).all() and (image[0, 4] > 200).all() for image in everything), "turned, then padded"


def test_sizes_are_kept_where_alike_else_fitted_and_grey_is_found(tmp_path: Path) -> None:
    mixed = good() | {"a/9.png": picture(9, (20, 10)), "b/9.png": picture(9, (200, 300), mode="L")}
    shapes: dict[tuple[int, int, int], dict[str, Any]] = {
        (3, 8, 8): {}, (3, 40, 40): {"size": 40}, (1, 12, 12): {"size": 12, "colour": "grey", "fit": "stretch"}
    }  # fmt: skip
    for shape, wishes in shapes.items():
        assert imported(zipped(tmp_path, mixed), **wishes).arrays.train_images.shape[1:] == shape
    tall = {f"{kind}/{n}.png": picture(n, (100, 200)) for kind in "ab" for n in range(2)}
    assert imported(zipped(tmp_path, tall)).arrays.train_images.shape[1:] == (3, 96, 48)
    grey = {f"{kind}/{n}.png": picture(n, mode="L") for kind in "ab" for n in range(2)}
    assert imported(zipped(tmp_path, grey), colour="colour").arrays.train_images.shape[1:] == (3, 8, 8)
    as_rgb = {name: _rgb_of(inside) for name, inside in grey.items()}
    assert imported(zipped(tmp_path, as_rgb)).arrays.train_images.shape[1:] == (1, 8, 8), "RGB, but all of it grey"


def test_the_report_names_each_bad_file_and_counts_the_rest(tmp_path: Path) -> None:
    bad = {f"b/{number}x.png": b"no image" for number in range(150)}
    refusal = refused(zipped(tmp_path, good() | bad | {"b/<script>.exe": b"MZ"}))
    assert (len(refusal.bad.named), refusal.bad.num) == (100, 151)
    assert refusal.reason.startswith("151 files cannot be used")
    assert refusal.bad.named[0] == ("b/0x.png", "is no PNG, JPEG, WebP, BMP or GIF that can be read")


def test_the_zip_of_a_mac_is_read_with_its_names_and_without_what_the_mac_adds(tmp_path: Path) -> None:
    """Archive Utility writes UTF-8, decomposed, and does not say so; screenshots have a narrow space in their names."""
    content = dict[str, bytes]()
    for name, inside in good().items():
        of_a_mac = unicodedata.normalize("NFD", f"Meine Bilder/{name[0]} Äpfel/Foto{name[2]}\u202fPM.png")
        content |= {of_a_mac: inside, f"__MACOSX/{of_a_mac}": b"\0\5\x16\7"}
    content |= {"Meine Bilder/.DS_Store": b"\0", "Meine Bilder/Icon\r": b"", "__MACOSX/Meine Bilder/._Icon\r": b"\0"}
    file = zipped(tmp_path, content)
    with zipfile.ZipFile(file) as archive:
        said = {info.header_offset for info in archive.infolist() if info.flag_bits & 0x800}
        directory = archive.start_dir
    silent = bytearray(file.read_bytes())
    for at in said:
        silent[at + 7] &= ~8
    while (directory := silent.find(b"PK\x01\x02", directory)) >= 0:
        silent[directory + 9] &= ~8
        directory += 4
    for archived in (file.read_bytes(), bytes(silent)):
        file.write_bytes(archived)
        assert imported(file).classes == ("a Äpfel", "b Äpfel")


def test_one_folder_around_all_of_it_is_no_class_and_train_alone_is_split(tmp_path: Path) -> None:
    for around in ("train", "my pictures/train", "test"):
        images = imported(zipped(tmp_path, {f"{around}/{name}": inside for name, inside in good().items()}))
        assert (images.classes, len(images.arrays.test_images)) == (("a", "b"), 2)


def test_what_does_not_belong_is_named_and_how_it_must_be_is_said(tmp_path: Path) -> None:
    stray = {f"top/{name}": inside for name, inside in good().items()} | {"top/cover.png": picture(9)}
    told = refused(zipped(tmp_path, stray | {"top/a/list.xlsx": b"PK"})).bad.named
    assert told == [
        ("top/a/list.xlsx", "is no PNG, JPEG, WebP, BMP or GIF"),
        ("top/cover.png", "is in no class's folder"),
    ]
    numbered = {f"{number}_{number % 2}.png": picture(number) for number in range(4)} | {"cover.png": picture(9)}
    assert refused(zipped(tmp_path, numbered)).bad.named[0][0] == "cover.png"
    for unsorted in ({"IMG_1.png": picture(), "IMG_2.png": picture(1)}, {"a/1.png": picture(), "a/2.png": picture(1)}):
        assert "a folder of its own" in refused(zipped(tmp_path, unsorted)).suggestion
    (tmp_path / "labels.gz").write_bytes(gzip.compress(idx(np.zeros(9, np.uint8))))
    assert "belong together" in refused(tmp_path / "labels.gz").suggestion
    assert "spaces" in refused(zipped(tmp_path, good() | {"a /7.png": picture(7)})).reason


def test_a_photo_of_a_phone_is_read_though_it_has_a_small_copy_behind_it(tmp_path: Path) -> None:
    photo = picture(7, (16, 16), "MPO", save_all=True, append_images=[Image.new("RGB", (4, 4))])
    images = imported(zipped(tmp_path, good() | {"b/1.jpg": photo, "b/2.jpg": photo}), size=16)
    assert images.arrays.train_images.shape[1:] == (3, 16, 16)


def test_a_folder_that_changes_meanwhile_is_refused_and_not_half_read(tmp_path: Path) -> None:
    folder = foldered(tmp_path, good(50))

    def between_the_looks(what: str, fraction: float | None) -> None:
        if what == "looking at 100 images":
            (folder / "a/7.png").rename(folder / "a/new.png")

    with pytest.raises(ImportRefused) as caught:
        read_import(folder, ImportWishes(name="mine"), between_the_looks)
    assert caught.value.bad.named == [("a/7.png", "was there at the first look and is gone")]


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(tmp_path: Path) -> None:
    folder, secret = foldered(tmp_path, {"a/0.png": b"ours"}), tmp_path / "secret"
    secret.mkdir()
    (secret / "0.png").write_bytes(b"secret")
    for file in files(folder):
        (folder / "a").rename(tmp_path / "was")
        (folder / "a").symlink_to(secret)
        assert file.read() == b"ours"


def _rgb_of(content: bytes) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(content)).convert("RGB").save(file, "PNG")
    return file.getvalue()
