"""The verdicts of a comparison, ready for page and API. Imported with the first comparison: it brings SciPy along."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlmodel import Session

from app import verdict_words as words
from app.class_words import OfClasses
from app.verdict_methods import Method, how_shared, methods
from core.class_verdicts import verdicts_on_classes
from core.comparison import Comparison, Group, seeds_left_out
from core.dataset_store import DatasetBroken, DatasetMissing, MaterialisedDataset, materialised
from core.marks import num_images, read_marks
from core.more_seeds import looks_at
from core.settings import Settings
from core.spreads import Interval
from core.statistics.estimates import wilson
from core.verdicts import MarksOfRuns, Verdict, verdicts

FAR = 3  # times as far as the next: beyond the picture. A guess, untuned


@dataclass(frozen=True)
class Told:
    """A verdict and its words."""

    verdict: Verdict
    num_judged: int
    dataset: MaterialisedDataset | None = None  # where its test images are still there

    headline = property(lambda self: words.headline(self.verdict))
    figures = property(lambda self: words.figures(self.verdict))
    what_next = property(lambda self: words.what_next(self.verdict))
    networks = property(lambda self: words.two_networks(self.verdict))
    notes = property(lambda self: words.notes(self.verdict))
    what_follows = property(lambda self: words.what_follows(self.verdict))

    @property
    def group(self) -> Group:
        return self.verdict.side.group

    @cached_property
    def of_classes(self) -> OfClasses | None:
        """Where there is a verdict and every seed that it is on has predictions."""
        judged, sides = self.verdict.judged, (self.verdict.baseline, self.verdict.side)
        if judged is None or judged.is_bounded or self.dataset is None:
            return None
        first, second = (dict(zip(side.accuracies, side.stacked, strict=True)) for side in sides)
        classes = self.dataset.manifest.classes
        told = verdicts_on_classes(first, second, self.dataset.labels("test"), len(classes), self.verdict.look)
        return OfClasses({classes[number]: one for number, one in told.items()}, classes) if told else None

    @property
    def sentence(self) -> str:
        told = f"{self.headline} {', '.join(self.figures)}".strip()
        return " ".join(part for part in (f"{told}.", self.what_next, self.networks, *self.notes) if part)

    @property
    def methods(self) -> list[Method]:
        return methods(self.verdict.judged) if self.verdict.judged else []

    @property
    def how_shared(self) -> str:
        return how_shared(self.verdict, self.num_judged) if self.verdict.judged else ""


@dataclass(frozen=True)
class Verdicts:
    """Of all groups against the baseline, in their order; `images_only`: Wilson's interval of the test accuracy of
    groups with one seed, by config hash."""

    baseline: Group
    told: list[Told]
    images_only: dict[str, Interval]
    marks: MarksOfRuns
    sizes: dict[str, int | None]  # test images, by dataset

    @cached_property
    def reach(self) -> float:
        """Of the picture, to each side of zero."""
        return reach_of([told.verdict.judged.interval for told in self.told if told.verdict.judged])

    @property
    def reach_words(self) -> str:
        return f"{100 * self.reach:{'.0f' if self.reach >= 0.1 else '.2g'}} pp"

    def place(self, difference: float) -> float:
        """In percent of the picture's width; one beyond it is put on its edge."""
        return round(min(100.0, max(0.0, 50 + 50 * difference / self.reach)), 3)

    def is_beyond(self, difference: float) -> bool:
        return abs(difference) > self.reach

    @property
    def has_beyond(self) -> bool:
        judged = [told.verdict.judged for told in self.told if told.verdict.judged]
        return any(self.is_beyond(one.difference.both.value) for one in judged)


def reach_of(intervals: Sequence[Interval]) -> float:
    """As far as the furthest interval, but for those so far out that all the others would be dots on zero."""
    near = 0.0
    for low, high in sorted(intervals, key=lambda interval: max(map(abs, interval))):
        if near and low * high > 0 and min(abs(low), abs(high)) > FAR * near:
            break
        near = max(abs(low), abs(high))
    return min(1.0, near * 1.08) or 0.01


def baseline_of(groups: Sequence[Group], asked: str) -> Group | None:
    """The group whose config hash begins so; the first where none is asked for, None where none or several do."""
    if not asked:
        return groups[0]
    found = [group for group in groups if group.config_hash.startswith(asked)]
    return found[0] if len(found) == 1 else None


def judge(session: Session, settings: Settings, comparison: Comparison, baseline: Group) -> Verdicts:
    """Reads the predictions of all completed runs, those of before from memory."""
    others = [group for group in comparison.groups if group is not baseline]
    runs = [seed.run for group in comparison.groups for seed in group.seeds]
    sizes = {name: num_images(name, "test", settings) for name in {run.dataset for run in runs}}
    marks = read_marks(session, runs, settings)
    told = verdicts(
        baseline, others, marks, sizes[baseline.run.dataset],
        looks_at(session, baseline.config_hash, [group.config_hash for group in others]),
        seeds_left_out(session, comparison.groups),
    )  # fmt: skip
    num_judged = sum(verdict.judged is not None for verdict in told)
    images_only = {
        group.config_hash: wilson(last.test_accuracy * size, size)
        for group in comparison.groups
        if len(group.measured) == 1 and (size := sizes[group.run.dataset]) and (last := group.measured[0].last)
    }
    try:
        dataset = materialised(settings.materialised_dir, baseline.run.dataset)
    except (DatasetMissing, DatasetBroken):
        dataset = None
    return Verdicts(baseline, [Told(verdict, num_judged, dataset) for verdict in told], images_only, marks, sizes)
