"""Which classes a group reads better or worse than the baseline, ready to be said in a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.class_verdicts import ClassVerdict

MOST_UNTOLD = 2  # that the page names where none is told from chance. Guess, untuned

Named = tuple[int, str, ClassVerdict]  # number of the class, its name, and what is so


@dataclass(frozen=True)
class OfClasses:
    """`told`: by name, of the classes with enough test images, among `classes`, all of the dataset."""

    told: Mapping[str, ClassVerdict]
    classes: Sequence[str]

    @property
    def noun(self) -> str:
        return "digit" if set(self.classes) <= set("0123456789") else "class"

    def subject(self, named: Sequence[Named]) -> str:
        """Begins a sentence on them: "The digit read", "Digits read", "Every digit is read"."""
        if len(named) == len(self.told) > 1:
            return f"Every {self.noun} is read"
        if len(named) == 1:
            return f"The {self.noun} read"
        return "Digits read" if self.noun == "digit" else "Classes read"

    @property
    def better(self) -> list[Named]:
        """By more than chance, the largest difference first."""
        return [named for named in self._named if named[2].is_told and named[2].difference > 0]

    @property
    def worse(self) -> list[Named]:
        return [named for named in self._named if named[2].is_told and named[2].difference < 0]

    @property
    def largest(self) -> list[Named]:
        return [named for named in self._named if named[2].difference][:MOST_UNTOLD]

    @property
    def _named(self) -> list[Named]:
        numbers = {name: number for number, name in enumerate(self.classes)}
        named = [(numbers[name], name, verdict) for name, verdict in self.told.items()]
        return sorted(named, key=lambda one: -abs(one[2].difference))
