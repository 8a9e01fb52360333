"""Figures on a line: every seed of a group as a dot, its mean with the interval; and a difference beside zero."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.compare_whole import Whole
from app.formatting import percent
from app.write_up.ticks import Axis, axis, decimals
from core.comparison import Group
from core.literature_verdicts import Ours
from core.spreads import Interval
from core.verdicts import Side

WIDTH = 240  # SVG's units
EDGE = 16


@dataclass(frozen=True)
class Result:
    """A group's test accuracy at the epochs whose weights were kept. `dots`, `low`, `high` and `at` are places on the
    strip; the interval is of seeds and test images, of a single seed of its images alone."""

    group: Group
    ours: Ours
    dots: list[float]
    at: float
    low: float | None
    high: float | None

    @property
    def interval(self) -> Interval | None:
        return self.ours.interval


@dataclass(frozen=True)
class Results:
    rows: list[Result]
    without: list[Group]  # of which no run has completed
    ticks: list[tuple[float, str]]


def results(whole: Whole) -> Results:
    """Of all groups on one scale."""
    told = [_ours(whole, group) for group in whole.comparison.groups]
    judged = [ours for ours in told if ours is not None]
    values = [value for ours in judged for value in (*ours.side.accuracies.values(), *(ours.interval or ()))]
    scale = axis(values, EDGE, WIDTH - EDGE, most=1.0)
    ticks = scale.ticks(4) if judged else []
    digits = decimals([100 * tick for tick in ticks])
    without = [group for group, ours in zip(whole.comparison.groups, told, strict=True) if ours is None]
    return Results(
        [_result(ours, scale) for ours in judged], without, [(scale.place(at), percent(at, digits)) for at in ticks]
    )


def _ours(whole: Whole, group: Group) -> Ours | None:
    side, num_images = Side(group, whole.verdicts.marks), whole.verdicts.sizes.get(group.run.dataset)
    return Ours(side, num_images) if side.accuracies and num_images else None


def _result(ours: Ours, scale: Axis) -> Result:
    low, high = (scale.place(end) for end in ours.interval) if ours.interval else (None, None)
    dots = [scale.place(accuracy) for accuracy in ours.side.accuracies.values()]
    return Result(ours.group, ours, dots, scale.place(ours.mean), low, high)


@dataclass(frozen=True)
class Forest:
    """A difference with its interval beside zero, as places on the strip."""

    low: float
    high: float
    at: float
    is_beyond: bool
    zero: float = WIDTH / 2


def forest(whole: Whole, interval: Interval, difference: float) -> Forest:
    """On the scale that all of the verdicts share."""
    reach = whole.verdicts.reach
    scale = Axis(-reach, reach, 0, WIDTH)
    low, high, at = (scale.place(value) for value in (interval.low, interval.high, difference))
    return Forest(low, high, at, whole.verdicts.is_beyond(difference))


def forest_ends(whole: Whole) -> Sequence[str]:
    return (f"−{whole.verdicts.reach_words}", "0", f"+{whole.verdicts.reach_words}")
