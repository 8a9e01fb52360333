"""Colours can be told from their ground, and architectures from each other."""

import re
from pathlib import Path

import pytest

from app.palette import LOOKS, look_of
from core.architectures.catalogue import FAMILIES

TOKENS = (Path(__file__).parents[2] / "static/tokens.css").read_text()
PAIRS = {
    name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", TOKENS)
}


def _luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    lower, higher = sorted((_luminance(one), _luminance(other)))
    return (higher + 0.05) / (lower + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("text", ["ink", "ink-2", "accent", "danger", "caution", "good"])
def test_text_can_be_read_on_every_ground(text: str, scheme: int) -> None:
    grounds = ["ground", "panel", "sunken"] + [f"{text}-soft"] * (f"{text}-soft" in PAIRS)
    for ground in grounds:
        assert _contrast(PAIRS[text][scheme], PAIRS[ground][scheme]) >= 4.5, ground


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("mark", ["line-strong", *(f"arch-{number}" for number in range(1, 9))])
def test_marks_can_be_seen_on_page_and_panel(mark: str, scheme: int) -> None:
    for ground in ("ground", "panel"):
        assert _contrast(PAIRS[mark][scheme], PAIRS[ground][scheme]) >= 3, ground


def test_text_on_the_accent_and_on_every_notice_can_be_read() -> None:
    for scheme in (0, 1):
        assert _contrast(PAIRS["on-accent"][scheme], PAIRS["accent"][scheme]) >= 4.5
        for ground in ("accent-soft", "danger-soft", "caution-soft", "good-soft"):
            assert _contrast(PAIRS["ink-2"][scheme], PAIRS[ground][scheme]) >= 4.5, ground


def test_every_family_of_the_catalogue_has_a_colour_and_a_dash_of_its_own() -> None:
    assert set(LOOKS) == set(FAMILIES)
    assert len({look.colour for look in LOOKS.values()}) == len({look.dash for look in LOOKS.values()}) == len(FAMILIES)


def test_an_unknown_architecture_keeps_its_look() -> None:
    assert look_of("mine") == look_of("mine")
    assert look_of("mine").number not in {look.number for look in LOOKS.values()}


def test_versions_of_a_network_look_different() -> None:
    assert len({(look.number, look.dash) for look in (look_of(f"mine@{version}") for version in range(1, 13))}) == 12
    assert look_of("mine") == look_of("mine@1")
