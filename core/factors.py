"""What varies among run configs, field by field, and which of it can be told apart from the rest."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from core.config_differences import NETWORK, Fields, network_title
from core.experiment_words import path_words, value_words

Scale = Literal["linear", "log", "steps"]  # steps: as far apart as any two, in their order
A_DECADE = 10.0  # from the least to the greatest: then the values were chosen by ratios. Guess, untuned

Column = tuple[str | None, ...]  # of each config the value as JSON; None where it has no such field


@dataclass(frozen=True)
class Axis:
    """A field of several values. `level_of`: which of them each config has; None where the field means nothing."""

    path: str
    levels: tuple[JsonValue, ...]
    level_of: tuple[int | None, ...]
    scale: Scale
    is_number: bool

    @property
    def words(self) -> str:
        return "network" if self.path == NETWORK else path_words(self.path)

    def level_words(self, level: int) -> str:
        value = self.levels[level]
        return network_title({NETWORK: value}) if self.path == NETWORK else value_words(value)

    def place(self, level: int) -> float:
        """Where a level lies between the first, 0, and the last, 1."""
        if self.scale == "steps":
            return level / max(1, len(self.levels) - 1)
        low, value, high = (self._measured(self.levels[at]) for at in (0, level, -1))
        return (value - low) / (high - low)

    def _measured(self, value: JsonValue) -> float:
        assert isinstance(value, int | float)
        return math.log10(value) if self.scale == "log" else value


@dataclass(frozen=True)
class Factor:
    """An axis whose effect can be asked for. `together`: the other fields that change exactly when it does;
    `followers`: those that change only when it does. Their effects cannot be told from its own."""

    axis: Axis
    together: tuple[str, ...] = ()
    followers: tuple[str, ...] = ()


def axes_of(configs: Sequence[Fields]) -> list[Axis]:
    """Every field with several values among the configs that have it; one that only some have is told by another."""
    paths = dict.fromkeys(path for fields in configs for path in fields)
    columns = {path: _column(configs, path) for path in paths}
    return [_axis(path, column) for path, column in columns.items() if len(set(column) - {None}) > 1]


def factors_of(axes: Sequence[Axis]) -> list[Factor]:
    """The axes that follow from no other. Of those that always change together the first stands for all."""
    leads: dict[str, list[Axis]] = {}
    for axis in axes:
        twin = next((one for one, *_ in leads.values() if _follows(axis, one) and _follows(one, axis)), None)
        leads.setdefault((twin or axis).path, []).append(axis)
    hosts = {path: [one.path for one, *_ in leads.values() if one.path != path and _follows(bundle[0], one)]
             for path, bundle in leads.items()}  # fmt: skip
    return [
        Factor(
            axis,
            tuple(one.path for one in same),
            tuple(one.path for path, bundle in leads.items() if axis.path in hosts[path] for one in bundle),
        )
        for axis, *same in leads.values()
        if not hosts[axis.path]
    ]


def is_nested(inner: Axis, outer: Axis) -> bool:
    """Whether the outer one's value decides if there is an inner one, as the network does of its own parameters."""
    present = {(own, level is not None) for own, level in zip(outer.level_of, inner.level_of, strict=True)}
    return None in inner.level_of and len(present) == len({own for own, _ in present})


def _follows(one: Axis, other: Axis) -> bool:
    """Whether, wherever there is the one, the other decides its value."""
    pairs = {(own, level) for level, own in zip(one.level_of, other.level_of, strict=True) if level is not None}
    return len(pairs) == len({own for own, _ in pairs}) and all(own is not None for own, _ in pairs)


def _column(configs: Sequence[Fields], path: str) -> Column:
    return tuple(json.dumps(fields[path], sort_keys=True) if path in fields else None for fields in configs)


def _axis(path: str, column: Column) -> Axis:
    told = [text for text in dict.fromkeys(column) if text is not None]
    values: dict[str, JsonValue] = {text: json.loads(text) for text in told}
    is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.values())
    if is_number or all(isinstance(value, bool) for value in values.values()):
        told.sort(key=lambda text: float(json.loads(text)))
    levels = tuple(values[text] for text in told)
    level_of = tuple(told.index(text) if text is not None else None for text in column)
    return Axis(path, levels, level_of, _scale(levels) if is_number else "steps", is_number)


def _scale(levels: Sequence[JsonValue]) -> Scale:
    """Of sorted numbers; zero beside values that are decades apart has no place on either axis."""
    numbers = [float(value) for value in levels if isinstance(value, int | float)]
    above = [number for number in numbers if number > 0]
    is_by_ratios = numbers[0] >= 0 and len(above) > 1 and above[-1] / above[0] >= A_DECADE
    return ("log" if numbers[0] > 0 else "steps") if is_by_ratios else "linear"
