"""Figures of single points as SVG on paper: what each value of a parameter gives, and what accuracy costs."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.write_up.curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Mark, Ticks
from app.write_up.ticks import Axis
from core.spreads import Interval

SQUARE = "M-4-4h8v8h-8z"  # as the page's marker of a mean


@dataclass(frozen=True)
class Spot:
    """A mean with its interval from `low` to `high`, which are its own place where it has none. `outline` is SVG's,
    around (0, 0)."""

    x: float
    y: float
    low: float
    high: float
    colour: str
    outline: str
    said: str


@dataclass(frozen=True)
class Plot:
    """`path` joins spots; `dots` are configs; `numbers` (x, y, words) stand beside spots."""

    key: str
    title: str
    described: str
    x_title: str
    x_ticks: Ticks
    y_ticks: Ticks
    path: str
    dots: Sequence[Mark]
    spots: Sequence[Spot]
    numbers: Sequence[tuple[float, float, str]] = ()
    drop: float = 0  # how far below the x axis its labels reach where they are long, and slanted


def across(low: float, high: float, *, is_log: bool = False) -> Axis:
    return Axis(low, high, LEFT, WIDTH - RIGHT, is_log)


def upright(low: float, high: float) -> Axis:
    return Axis(low, high, HEIGHT - BOTTOM, TOP)


def spot(x: float, y: Axis, value: float, interval: Interval | None, look: tuple[str, str], said: str) -> Spot:
    """`look`: colour and outline."""
    ends = interval or Interval(value, value)
    return Spot(x, y.place(value), y.place(ends.low), y.place(ends.high), *look, said)
