"""Small parts of sentences: numbers with their nouns, lists, sets of seeds."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

SEVERAL_NAMED = 6  # of a list; what is longer is counted instead


def counted(number: int, noun: str) -> str:
    """ "1 run", "1,200 runs"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(parts: Sequence[str], last: str = "and") -> str:
    """ "a, b and c"."""
    return f" {last} ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def named(parts: Sequence[str]) -> str:
    """The first few and how many more there are."""
    more = len(parts) - SEVERAL_NAMED
    return listed([*parts[:SEVERAL_NAMED], *([f"{more:,} more"] if more > 0 else [])])


def seeds(numbers: Iterable[int]) -> str:
    """ "seed 3", "seeds 0 to 4", "seeds 0, 2 and 7"."""
    told = sorted(set(numbers))
    if len(told) == 1:
        return f"seed {told[0]}"
    if len(told) > 2 and all(after - before == 1 for before, after in pairwise(told)):
        return f"seeds {told[0]} to {told[-1]}"
    return f"seeds {named([str(number) for number in told])}"
