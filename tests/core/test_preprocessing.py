"""An image that is drawn or sent reaches a network as the images of its dataset do."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.preprocessing import Framing, framed, measured_framing, plain, resized
from core.settings import Settings
from tests.app.answering_runs import make_digits, stroke

AS_MNIST = Framing(ink_is_light=True, box=20, by_mass=True, centre=(14.0, 14.0))
SHAPE = (1, 28, 28)


def enlarged(image: NDArray[np.uint8], times: int = 10) -> NDArray[np.float32]:
    return np.kron(image, np.ones((times, times))).astype(np.float32)


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("dark_on_light", [False, True])
def test_an_image_of_the_dataset_that_is_enlarged_shifted_and_inverted_comes_back(
    number: int, dark_on_light: bool
) -> None:
    image = stroke(number)
    sent = np.pad(enlarged(image), ((90, 5), (13, 70)))
    prepared = framed(255 - sent[None] if dark_on_light else sent[None], AS_MNIST, SHAPE)
    assert prepared.inverted == dark_on_light
    assert np.abs(prepared.field[0].astype(int) - image).max() <= 1


def test_a_photograph_of_paper_loses_its_shade_and_noise() -> None:
    image = stroke(3)
    noise = np.random.default_rng(0).normal(0, 2, (300, 300))
    sent = np.clip(190 - 0.6 * np.pad(enlarged(image), 10) + noise, 0, 255).astype(np.float32)
    prepared = framed(sent[None], AS_MNIST, SHAPE)
    assert prepared.inverted
    assert np.abs(prepared.field[0].astype(int) - image).mean() < 6


def test_a_stroke_over_the_edge_is_still_ink() -> None:
    sent = np.zeros((280, 280), np.float32)
    sent[:, 130:150] = 255
    prepared = framed(sent[None], AS_MNIST, SHAPE)
    assert prepared.field[0].any(1).sum() == 20
    assert not prepared.inverted


@pytest.mark.parametrize("level", [0, 7, 128, 255])
def test_nothing_on_a_ground_is_blank_and_dark(level: int) -> None:
    prepared = framed(np.full((1, 50, 40), level, np.float32), AS_MNIST, SHAPE)
    assert prepared.is_blank
    assert not prepared.field.any()


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 2), (3, 5)])
def test_any_size_fits_into_the_field(size: tuple[int, int]) -> None:
    sent = np.pad(np.full(size, 255, np.float32), 1)
    prepared = framed(np.repeat(sent[None], 3, 0), AS_MNIST, SHAPE)
    rows, columns = np.nonzero(prepared.field[0])
    assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
    assert prepared.field.max() > 200 or min(size) < 3


def test_ink_on_light_ground_stays_so_for_a_dataset_that_has_it() -> None:
    letters = Framing(ink_is_light=False, box=24, by_mass=False, centre=(15.5, 15.5))
    sent = np.pad(enlarged(stroke(1)), 20)[None]
    for one, inverted in ((255 - sent, False), (sent, True)):
        prepared = framed(one, letters, (1, 32, 32))
        assert prepared.field[0, 0, 0] == 255
        assert prepared.field.min() < 60
        assert prepared.inverted == inverted


def test_how_images_lie_is_measured(tmp_path: Path) -> None:
    images = make_digits(Settings(data_dir=tmp_path)).images("test")
    assert measured_framing(images) == AS_MNIST
    assert measured_framing(np.repeat(images, 3, 1)) is None, "in colour"
    assert measured_framing(np.random.default_rng(0).integers(0, 256, (20, 1, 9, 9)).astype(np.uint8)) is None
    light = measured_framing(255 - images)
    assert light is not None
    assert not light.ink_is_light


def test_a_colour_image_is_scaled_to_another_shape() -> None:
    sent = np.zeros((3, 40, 60), np.float32)
    sent[0] = 200
    in_colour, in_grey = plain(sent, (3, 8, 12)), plain(sent, (1, 8, 12))
    assert in_colour.field.shape == (3, 8, 12)
    assert in_colour.field[:, 0, 0].tolist() == [200, 0, 0]
    assert in_grey.field[0, 0, 0] == 60  # 0.299 · 200
    assert plain(sent[:1], (3, 8, 12)).field[:, 0, 0].tolist() == [200, 200, 200]


def test_scaling_keeps_the_mean() -> None:
    image = np.random.default_rng(1).random((37, 91)).astype(np.float32)
    assert resized(image, 5, 7).mean() == pytest.approx(image.mean(), abs=1e-4)
    assert resized(image, 37, 91) == pytest.approx(image)
