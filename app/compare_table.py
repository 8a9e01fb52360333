"""The columns of a comparison's table: the figure that each shows of a group or of a seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from app.formatting import NOTHING, count, percent, size
from core.comparison import Group
from core.costs import Cost, CostRange, cost_range
from core.seeds import Measure, Seed, When
from core.spreads import Spread, spread

Words = Callable[[float | None], str]


def without_unit(fraction: float | None) -> str:
    """A percentage within a range, whose other end has the sign."""
    return percent(fraction).removesuffix(" %")


def three_digits(value: float | None) -> str:
    """With its zeros, so that a column lines up: "0.820"."""
    return NOTHING if value is None else f"{value:#.3g}".rstrip(".")


@dataclass(frozen=True)
class Column:
    """`of_group` and `of_seed` give the figure; `words` says it, `part` leaves its unit away, for a range's start.
    `middle`: which of a group's figures stands for it, and is sorted by. `heading`: what it stands below."""

    key: str
    title: str
    heading: str
    of_group: Callable[[Group], Spread | CostRange | None]
    of_seed: Callable[[Seed], float | None]
    words: Words
    part: Words
    is_better_high: bool = False
    when: When | None = None
    middle: Literal["mean", "median"] = "mean"
    is_field: bool = False  # of the config: compare_columns.py

    @property
    def first_order(self) -> str:
        """What a first click on the title asks for: the better ones first."""
        return f"-{self.key}" if self.is_better_high else self.key

    def told(self, group: Group) -> str:
        """In a word, for the question whether groups are alike in it."""
        return self.words(getattr(self.of_group(group), self.middle, None))

    def place(self, group: Group) -> float | None:
        """What the table is sorted by."""
        figure = self.of_group(group)
        return None if figure is None else float(getattr(figure, self.middle))


def _measured(when: When, measure: Measure, title: str) -> Column:
    is_accuracy = measure.endswith("accuracy")
    return Column(
        key=f"{when}_{measure}", title=title, heading=HEADINGS[when], when=when, is_better_high=is_accuracy,
        of_group=lambda group: group.spread_at(when, measure),
        of_seed=lambda seed: getattr(seed.at(when), measure, None),
        words=percent if is_accuracy else three_digits,
        part=without_unit if is_accuracy else three_digits,
    )  # fmt: skip


def _shared(key: str, title: str, heading: str, of_group: Callable[[Group], int]) -> Column:
    """A count that a group has, and not each of its seeds."""
    return Column(
        key=key, title=title, heading=heading, words=count, part=count,
        of_group=lambda group: spread([of_group(group)]),
        of_seed=lambda seed: None,
    )  # fmt: skip


def _cost(key: Cost, title: str, words: Words, is_better_high: bool = False) -> Column:
    """Of a group the median over its runs, repeats and all; so of a seed."""
    return Column(
        key=key, title=title, heading=COST, words=words, part=words, is_better_high=is_better_high, middle="median",
        of_group=lambda group: group.cost(key),
        of_seed=lambda seed: getattr(cost_range(getattr(run, key) for run in seed.repeats), "median", None),
    )  # fmt: skip


MEASURES: Mapping[Measure, str] = MappingProxyType(
    {
        "test_accuracy": "test accuracy",
        "test_loss": "test loss",
        "train_accuracy": "train accuracy",
        "train_loss": "train loss",
    }
)
HEADINGS: Mapping[When, str] = MappingProxyType({"last": "at the last epoch", "best": "at the best epoch"})
SIZE, COST = "size", "cost"
BEST_EPOCH = Column(
    key="best_epoch", title="epoch", heading=HEADINGS["best"], words=count, part=count, when="best",
    of_group=lambda group: spread(point.epoch for seed in group.measured if (point := seed.best)),
    of_seed=lambda seed: seed.best.epoch if seed.best else None,
)  # fmt: skip
COLUMNS: Mapping[str, Column] = MappingProxyType(
    {
        column.key: column
        for column in (
            _shared("n", "seeds", "", lambda group: len(group.seeds)),
            *(_measured("last", measure, title) for measure, title in MEASURES.items()),
            BEST_EPOCH,
            *(_measured("best", measure, title) for measure, title in MEASURES.items()),
            _shared("num_parameters", "parameters", SIZE, lambda group: group.run.num_parameters),
            _shared("num_multiply_adds", "multiply-adds", SIZE, lambda group: group.run.num_multiply_adds),
            _cost("seconds_per_epoch", "s per epoch", three_digits),
            _cost("images_per_second", "images/s", count, is_better_high=True),
            _cost("peak_memory_bytes", "peak memory", size),
        )
    }
)
