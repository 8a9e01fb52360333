"""Whether groups agree with what was published of networks of their kind.

A published figure is one number on so many images, of one training as far as its source says. A group's mean has the
noise of its seeds and of the images; the published one has Wilson's interval, and a seed noise that nobody knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, stdev
from typing import Literal

from core.comparison import LEAST_SEEDS, Group
from core.literature import DATASET, Published, of_report, published_like
from core.spreads import Interval
from core.statistics.estimates import LEVEL, Estimate, t_quantile, wilson
from core.statistics.single import apart, bounded_mean, mean_accuracy
from core.verdicts import LEAST_IMAGES, MarksOfRuns, Side

Agreement = Literal["agrees", "better", "worse", "waiting", "too few seeds"]


@dataclass(frozen=True)
class Ours:
    """A group's own figure: the mean test accuracy over its completed seeds, at the epoch whose weights were kept."""

    side: Side
    num_images: int

    @property
    def group(self) -> Group:
        return self.side.group

    @property
    def num_seeds(self) -> int:
        return len(self.side.accuracies)

    @property
    def mean(self) -> float:
        return fmean(self.side.accuracies.values())

    @property
    def deviation(self) -> float | None:
        """s over seeds."""
        return stdev(self.side.accuracies.values()) if self.num_seeds > 1 else None

    @cached_property
    def estimate(self) -> Estimate | None:
        """None of fewer seeds or images than a verdict needs."""
        if self.num_seeds < LEAST_SEEDS or self.num_images < LEAST_IMAGES:
            return None
        if self.side.missing:
            return bounded_mean(list(self.side.accuracies.values()), self.num_images)
        return mean_accuracy(self.side.stacked)

    @property
    def interval(self) -> Interval | None:
        """Of seeds and images; of a single seed that of its images alone, and so where every seed reads every image
        alike: that nothing varied is no proof that nothing can."""
        if self.estimate and self.estimate.variance:
            return self.estimate.interval().within(0.0, 1.0)
        return wilson(self.mean * self.num_images, self.num_images) if self.estimate or self.num_seeds == 1 else None

    @property
    def epoch(self) -> int | None:
        """Whose weights were kept, where that is the same for all."""
        epochs = {seed.run.selected_epoch for seed in self.group.seeds if seed.run.seed in self.side.accuracies}
        return epochs.pop() if len(epochs) == 1 else None


@dataclass(frozen=True)
class AgainstPublished:
    """A group beside one published figure. `difference`: ours less theirs."""

    ours: Ours
    published: Published

    @property
    def theirs(self) -> Interval:
        told = self.published
        return wilson(told.accuracy * told.num_images, told.num_images)

    @property
    def difference(self) -> float:
        return self.ours.mean - self.published.accuracy

    @property
    def interval(self) -> Interval | None:
        """Of the difference: our seeds and images, their images."""
        return self._apart(self.theirs)

    @property
    def interval_with_their_seeds(self) -> Interval | None:
        """The same if their one training varied as ours do: a guess, beside the verdict."""
        if self.ours.deviation is None:
            return None
        at, reach = self.published.accuracy, t_quantile((1 + LEVEL) / 2, self.ours.num_seeds - 1) * self.ours.deviation
        low, high = (((at - end) ** 2 + reach**2) ** 0.5 for end in self.theirs)
        return self._apart(Interval(at - low, at + high))

    @property
    def outcome(self) -> Agreement:
        if self.ours.side.num_open:
            return "waiting"
        if self.interval is None:
            return "too few seeds"
        if self.interval.low <= 0 <= self.interval.high:
            return "agrees"
        return "better" if self.difference > 0 else "worse"

    def _apart(self, theirs: Interval) -> Interval | None:
        own = self.ours.interval if self.ours.estimate else None
        return own and apart(self.ours.mean, own, self.published.accuracy, theirs)


def against_published(groups: Sequence[Group], marks: MarksOfRuns, num_images: int | None) -> list[AgainstPublished]:
    """Each group of MNIST beside what was published of its kind, and beside the report's own figure; none where nothing
    was, or where no run has completed."""
    told = []
    for group in groups:
        side = Side(group, marks)
        if group.run.dataset != DATASET or not side.accuracies or not num_images:
            continue
        ours = Ours(side, num_images)
        figures = published_like(group.run)
        figures += [of_report(group.published, ours.epoch)] if group.published else []
        told += [AgainstPublished(ours, figure) for figure in figures]
    return told
