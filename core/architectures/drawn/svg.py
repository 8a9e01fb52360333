"""Marks of a drawing as SVG. Coordinates are rounded to a tenth of a pixel: the same layers make the same bytes."""

from collections.abc import Iterable
from functools import lru_cache
from html import escape

Point = tuple[float, float]


def number(value: float) -> str:
    """A tenth of a pixel; none is "-0"."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


@lru_cache(4096)  # the same few words come again and again
def said(words: str) -> str:
    """A text as content or attribute; what XML has no character for is left out."""
    return escape("".join(filter(_is_xml, words)))


def line(start: Point, end: Point) -> str:
    return f'<path class="net-line" d="M{points((start, end))}"/>'


def polygon(corners: Iterable[Point], kind: str) -> str:
    return f'<path class="net-{kind}" d="M{points(corners)}z"/>'


def rectangle(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<path class="net-{kind}" d="M{points(((x, y),))}h{number(width)}v{number(height)}h{number(-width)}z"/>'


def text(x: float, y: float, words: str, kind: str, *, name: str = "", size: float, anchor: str = "middle") -> str:
    """`name` in bold before the words."""
    bold = f'<tspan font-weight="600">{said(name)}</tspan>' if name else ""
    at = f'x="{number(x)}" y="{number(y)}" font-size="{number(size)}"'
    return f'<text class="net-{kind}" {at} text-anchor="{anchor}">{bold}{said(words)}</text>'


def points(corners: Iterable[Point]) -> str:
    return " ".join(f"{number(x)} {number(y)}" for x, y in corners)


def _is_xml(character: str) -> bool:
    return " " <= character < "\ud800" or "\ue000" <= character <= "\ufffd" or character >= "\U00010000"
