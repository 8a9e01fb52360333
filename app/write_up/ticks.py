"""Axes: round numbers between two figures, and where a figure lies on the paper."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """From the figures `low` to `high` onto the paper from `start` to `end`, in SVG's units."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """One that lies outside is put on the edge."""
        share = (self._scaled(value) - self._scaled(self.low)) / (self._scaled(self.high) - self._scaled(self.low))
        return round(self.start + min(1.0, max(0.0, share)) * (self.end - self.start), 1)

    def ticks(self, most: int = 6) -> list[float]:
        told = _decades(self.low, self.high, most) if self.is_log else []
        return told if len(told) > 1 else round_numbers(self.low, self.high, most)

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-12)) if self.is_log else value


def axis(values: Sequence[float], start: float, end: float, *, is_log: bool = False, most: float = math.inf) -> Axis:
    """Around all of the values, with a margin of a twentieth; up to `most`, which no figure can exceed."""
    if is_log:
        known = [value for value in values if value > 0] or [1.0]
        return Axis(min(known) / 1.1, max(known) * 1.1, start, end, is_log=True)
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = 0.05 * (high - low) or 0.01
    return Axis(max(0.0, low - margin), min(most, high + margin), start, end)


def round_numbers(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within, `most` at most (Heckbert 1990, Nice numbers for graph
    labels)."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (power * times for times in (1, 2, 5, 10, 20)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [round(number * step, 12) for number in range(first, last + 1)]
    raise AssertionError("a step of twenty times a tenth of the way leaves two ticks at most")


def _decades(low: float, high: float, most: int) -> list[float]:
    """1, 2 and 5 times the powers of ten within, or the powers alone where that is too many."""
    powers = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    every = [times * power for power in powers for times in (1, 2, 5) if low <= times * power <= high]
    return every if len(every) <= most + 2 else [power for power in powers if low <= power <= high]


def decimals(ticks: Sequence[float], most: int = 6) -> int:
    """As many as write each of them exactly."""
    return next((digits for digits in range(most) if all(abs(round(one, digits) - one) < 1e-9 for one in ticks)), most)
