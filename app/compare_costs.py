"""What groups cost, side by side: medians over their runs with ranges, and whether the conditions were the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.compare_table import three_digits
from app.formatting import NOTHING, count, size
from core.comparison import Group
from core.conditions import Conditions
from core.costs import Cost, CostRange


@dataclass(frozen=True)
class CostLine:
    """A cost in every group, in their order; None where it was not measured."""

    title: str
    ranges: list[CostRange | None]
    words: Callable[[float | None], str]
    part: Callable[[float | None], str]


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{three_digits(value)} s"


def _milliseconds(value: float | None) -> str:
    return NOTHING if value is None else f"{_without_ms(value)} ms"


def _without_ms(value: float | None) -> str:
    return NOTHING if value is None else three_digits(1000 * value)


def _cores(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


_LINES: tuple[tuple[Cost, str, Callable[[float | None], str], Callable[[float | None], str]], ...] = (
    ("seconds_per_epoch", "an epoch", _seconds, three_digits),
    ("train_seconds_per_epoch", "its training", _seconds, three_digits),
    ("evaluation_seconds_per_epoch", "its evaluation", _seconds, three_digits),
    ("checkpoint_seconds_per_epoch", "its checkpoint", _seconds, three_digits),
    ("images_per_second", "images/s while it trains", count, count),
    ("run_memory_bytes", "memory of the run", size, size),
    ("peak_memory_bytes", "memory of the trainer", size, size),
    ("checkpoint_bytes", "checkpoint's size", size, size),
    ("single_image_seconds", "answer, one image", _milliseconds, _without_ms),
    ("batch_seconds", "answer, a batch", _milliseconds, _without_ms),
    ("cores_busy_beside", "cores busy beside it", _cores, _cores),
)


def cost_sheet(groups: Sequence[Group]) -> list[CostLine]:
    """Every cost that was measured in any group."""
    lines = [CostLine(title, [group.cost(cost) for group in groups], *how) for cost, title, *how in _LINES]
    return [line for line in lines if any(line.ranges)]


def conditions_words(conditions: Conditions) -> str:
    """Whether times may be held against each other, and why not."""
    if conditions.are_same is None:
        return "Nothing is measured yet."
    shared = conditions.shared
    told = [str(shared.get("device_name") or shared.get("device") or "")]
    told += [f"torch {shared['torch_version']}"] if "torch_version" in shared else []
    threads = shared.get("threads")
    told += [f"{threads} {'thread' if threads == 1 else 'threads'}"] if threads else []
    with_what = ", ".join(filter(None, told))
    if conditions.num_runs == 1:
        alone = "It was trained alone" if conditions.are_same else f"Not alone: {'; '.join(conditions.differences)}"
        return f"{alone} ({with_what})."
    if conditions.are_same:
        return f"The conditions were the same: {with_what}; every run was trained alone, with nothing else under way."
    return (
        f"The conditions were not the same, so times differ for other reasons too: {'; '.join(conditions.differences)}."
    )
