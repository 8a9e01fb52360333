"""The shapes of verdicts, and how a verdict becomes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from app.api.schemas import Shape
from core.more_seeds import MOST_AT_ONCE
from core.spreads import Interval

if TYPE_CHECKING:  # they bring SciPy along, which the server imports with the first comparison
    from app.compare_verdicts import Told, Verdicts
    from app.verdict_methods import Method
    from core.statistics.pairs import Disagreement


class IntervalOut(Shape):
    low: float
    high: float
    level: float = Field(examples=[0.95])
    method: str


class MethodOut(Shape):
    """One way to work it out; `seeds and images` is the one that decides."""

    name: str
    means: str
    p: float
    difference: float | None
    standard_error: float | None
    degrees_of_freedom: float | None
    interval: IntervalOut | None


class TwoNetworksOut(Shape):
    """One trained network against one, McNemar's mid-p: it says nothing of how they were trained."""

    right_only_here: int = Field(description="test images that the group's network reads right and the baseline's not")
    right_only_in_baseline: int
    difference: float
    p: float


class ClassVerdictOut(Shape):
    difference: float
    interval: tuple[float, float] = Field(description="leaves zero out exactly where p is 0.05 at most")
    p: float = Field(description="seeds and images both, corrected for several classes (Holm) and for looks")


class VerdictOut(Shape):
    """A group against the baseline, in fractions; the difference is the group's accuracy less the baseline's."""

    group: str = Field(description="config hash")
    baseline: str
    outcome: str = Field(description="better, worse, undecided, waiting, too few seeds, other images")
    sentence: str
    num_seeds: tuple[int, int] = Field(description="of the group and of the baseline")
    difference: float | None
    interval: IntervalOut | None = Field(description="leaves zero out exactly where the outcome is better or worse")
    p: float | None = Field(description="corrected for looks and for several groups (Holm): to be held against 0.05")
    look: int = Field(description="the how-manieth; look k spends 0.05 / 2^k")
    image_noise_is_bounded: bool = Field(description="from the accuracies, since predictions are missing")
    more_seeds: int | None = Field(description="of each side, about as many as would decide")
    methods: tuple[MethodOut, ...]
    of_classes: dict[str, ClassVerdictOut] = Field(
        description="by name: recall less the baseline's; empty without a verdict or predictions"
    )
    two_networks: TwoNetworksOut | None


class MoreSeedsIn(Shape):
    group: str = Field(description="config hash, whole", pattern="^[0-9a-f]{64}$")
    baseline: str = Field(pattern="^[0-9a-f]{64}$")
    seeds: int = Field(ge=1, le=MOST_AT_ONCE, description="of each of both")


class MoreSeedsOut(Shape):
    runs: tuple[int, ...] = Field(description="ids, queued")
    look: int = Field(description="the how-manieth the next verdict is")


def verdicts_out(verdicts: Verdicts) -> tuple[VerdictOut, ...]:
    return tuple(_verdict(told, verdicts.baseline.config_hash) for told in verdicts.told)


def _verdict(told: Told, baseline: str) -> VerdictOut:
    verdict, judged, networks = told.verdict, told.verdict.judged, told.verdict.networks
    return VerdictOut(
        group=told.group.config_hash, baseline=baseline, outcome=verdict.outcome, sentence=told.sentence,
        num_seeds=(len(verdict.side.accuracies), len(verdict.baseline.accuracies)),
        difference=judged.difference.both.value if judged else None,
        interval=interval_out(judged.interval, 1 - judged.share.part, told.methods[0].means) if judged else None,
        p=judged.share.p if judged else None, look=verdict.look,
        image_noise_is_bounded=judged is not None and judged.is_bounded, more_seeds=verdict.more,
        methods=tuple(map(_method, told.methods)), of_classes=_of_classes(told),
        two_networks=_two_networks(networks) if networks else None,
    )  # fmt: skip


def _two_networks(told: Disagreement) -> TwoNetworksOut:
    return TwoNetworksOut(
        right_only_here=told.only_one, right_only_in_baseline=told.only_other, difference=told.difference.value,
        p=told.p,
    )  # fmt: skip


def _of_classes(told: Told) -> dict[str, ClassVerdictOut]:
    known = told.of_classes.told if told.of_classes else {}
    return {
        name: ClassVerdictOut(difference=one.difference, interval=(one.interval.low, one.interval.high), p=one.p)
        for name, one in known.items()
    }


def _method(method: Method) -> MethodOut:
    told = method.estimate
    return MethodOut(
        name=method.name, means=method.means, p=method.p, difference=told.value if told else None,
        standard_error=float(told.variance**0.5) if told else None, degrees_of_freedom=told.degrees if told else None,
        interval=interval_out(told.interval(), 0.95, method.means) if told else None,
    )  # fmt: skip


def interval_out(interval: Interval, level: float, method: str) -> IntervalOut:
    return IntervalOut(low=interval.low, high=interval.high, level=level, method=method)
