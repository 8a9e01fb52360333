"""The sources that a text names, in full: those that occur in it, as "Wilson 1927"."""

import csv
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "references.csv"


@cache
def references() -> Mapping[str, str]:
    """In full, by name."""
    with FILE.open(newline="") as file:
        return {line["name"]: line["source"] for line in csv.DictReader(file)}


def cited(texts: Iterable[str]) -> list[str]:
    """In full, by name, of all that occur in any of the texts."""
    whole = "\n".join(texts)
    return [source for name, source in references().items() if name in whole]
