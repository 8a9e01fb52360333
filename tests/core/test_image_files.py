"""What people send is decoded or refused with a reason; what it costs is bounded before it is looked at."""

import io

import numpy as np
import pytest
from PIL import Image

from core.image_files import MOST_BYTES, ImageRefused, decoded
from tests.core.hostile_images import DECODED, GREY, LARGE, REFUSED, saved

KINDS: dict[str, dict[str, object]] = {"PNG": {}, "JPEG": {"quality": 100}, "WEBP": {"lossless": True}}


@pytest.mark.parametrize("kind", KINDS)
def test_greys_and_colours_come_as_they_are(kind: str) -> None:
    image = decoded(saved(Image.fromarray(GREY), kind, **KINDS[kind]))
    assert image.pixels[0] == pytest.approx(GREY.astype(np.float32), abs=2)
    red = decoded(saved(Image.new("RGB", (20, 10), (200, 0, 0)), kind, **KINDS[kind]))
    assert red.pixels.shape == (3, 10, 20)
    assert red.pixels[:, 5, 5] == pytest.approx([200, 0, 0], abs=2)
    assert red.notes == ()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_broken_lies_or_bursts_is_refused(name: str) -> None:
    with pytest.raises(ImageRefused) as refusal:
        decoded(REFUSED[name]())
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("name", DECODED)
def test_what_cameras_and_programs_write_is_decoded(name: str) -> None:
    image = decoded(DECODED[name]())
    told = " ".join(image.notes)
    grey = np.rot90(GREY, -1) if "turned" in name else GREY
    assert image.pixels.mean(0) == pytest.approx(grey.astype(np.float32), abs=8)
    assert ("first" in told) == ("animated" in name)
    assert ("upright" in told) == ("turned" in name)


def test_what_is_transparent_gets_a_ground_against_which_the_rest_stands_out() -> None:
    for ink in (0, 255):
        drawn = np.zeros((20, 20, 4), np.uint8)
        drawn[5:15, 5:15] = (ink, ink, ink, 255)
        image = decoded(saved(Image.fromarray(drawn), "PNG"))
        assert image.pixels[0, 10, 10] == ink
        assert image.pixels[0, 0, 0] == 255 - ink
        assert image.notes


def test_palettes_and_bits_are_greys_or_colours() -> None:
    for mode in ("1", "P", "LA", "PA"):
        content = io.BytesIO()
        Image.fromarray(GREY).convert(mode if mode != "PA" else "P").save(content, "PNG")
        assert decoded(content.getvalue()).pixels.mean() == pytest.approx(GREY.mean(), abs=10)


def test_a_large_one_is_made_smaller_and_more_bytes_than_a_body_has_are_refused() -> None:
    large = decoded(saved(Image.new("L", (2048, 1024), 99), "PNG"))
    assert large.pixels.shape == (1, 512, 1024)
    assert large.pixels.max() == large.pixels.min() == 99
    for make in LARGE.values():
        assert max(decoded(make()).pixels.shape) == 1024
    with pytest.raises(ImageRefused, match="scans"):
        decoded(REFUSED["JPEG of a thousand scans"]())
    with pytest.raises(ImageRefused, match="bytes"):
        decoded(bytes(MOST_BYTES + 1))
