"""What the effects of parameters are in words: titles, figures, and what cannot be told from what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from app.compare_table import three_digits
from app.formatting import NOTHING, percent, points, signed
from core.config_differences import NETWORK
from core.effects import Effect, LevelMean, Outcome
from core.experiment_words import PARAMETER, path_words
from core.factors import Factor
from core.heat_map import HeatMap
from core.spreads import Interval

MOST_NAMED = 6  # values in a sentence. Guess, untuned


@dataclass(frozen=True)
class OutcomeWords:
    """`figure` says a value, `difference` one value less another."""

    title: str
    figure: Callable[[float | None], str]
    difference: Callable[[float], str]

    def with_interval(self, mean: LevelMean) -> str:
        """ "95.10 % [94.20 %, 96.00 %]"; without where there is none."""
        return _with(self.figure, mean.contrast.value, mean.interval)

    def difference_with_interval(self, mean: LevelMean) -> str:
        """ "+0.31 pp [+0.20 pp, +0.42 pp]"; of the level that others are held against, nothing."""
        told = mean.difference
        interval = told.estimate.interval() if told and told.estimate else None
        return _with(self.difference, told.value, interval) if told else ""


def _with(words: Callable[[float], str], value: float, interval: Interval | None) -> str:
    return f"{words(value)} [{words(interval.low)}, {words(interval.high)}]" if interval else words(value)


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{three_digits(value)} s"


OUTCOME_WORDS: Mapping[Outcome, OutcomeWords] = MappingProxyType(
    {
        "test_accuracy": OutcomeWords("test accuracy", percent, points),
        "test_loss": OutcomeWords("test loss", three_digits, signed),
        "seconds_per_epoch": OutcomeWords("seconds per epoch", _seconds, lambda value: f"{signed(value, 3)} s"),
    }
)


def listed(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def factor_title(factor: Factor) -> str:
    """ "learning rate", or "learning rate with batch size" where nobody can tell whose effect it is."""
    others = [path_words(path) for path in (*factor.together, *factor.followers) if not _is_own(factor, path)]
    told = others if len(others) <= 2 else [others[0], f"{len(others) - 1} more"]
    return f"{factor.axis.words} with {listed(told)}" if others else factor.axis.words


def _is_own(factor: Factor, path: str) -> bool:
    """A parameter of the networks that are compared."""
    return factor.axis.path == NETWORK and path.startswith(PARAMETER)


def effect_notes(effect: Effect) -> list[str]:
    """What one has to know of an effect before believing it; a sentence each."""
    return [*_confounded(effect.factor), *_company(effect), *_left_out(effect), *_noise(effect)]


def _confounded(factor: Factor) -> list[str]:
    told, own = [], factor.axis.words
    parts = [path_words(path) for path in (*factor.together, *factor.followers) if _is_own(factor, path)]
    together, followers = (
        [path_words(path) for path in paths if not _is_own(factor, path)]
        for paths in (factor.together, factor.followers)
    )
    if parts:
        told.append(f"Each network has its own {listed(parts)}: what these do is in this, and cannot be told apart.")
    if together:
        names = listed([own, *together])
        told.append(f"{names} always change together here, so this is what they do at once: of none it is the effect.")
    if followers:
        names, one = listed(followers), len(followers) == 1
        told.append(
            f"{names} {'changes' if one else 'change'} only when {own} does, so what {'it does' if one else 'they do'} "
            f"is in this too."
        )
    return told


def _company(effect: Effect) -> list[str]:
    if not effect.means:
        return ["It cannot be told: no two values have completed runs beside the same values of all else."]
    told, num, of = [], effect.num_blocks, effect.of_blocks
    if num < of:
        told.append(
            f"Each value is a mean over {num} of {of} combinations of all else: those in which every value has a "
            "completed run."
        )
    elif of > 1:
        told.append(f"Each value is a mean over the same {of} combinations of all else, equally weighted.")
    if effect.nested:
        told.append(
            f"Where a value has its own {listed(list(map(path_words, effect.nested)))}, it is the mean over them."
        )
    return told


def _left_out(effect: Effect) -> list[str]:
    untrained, apart = (_levels(effect.factor, levels) for levels in (effect.untrained, effect.apart))
    told = [f"Nothing has completed yet with {untrained}."] if untrained else []
    if apart and effect.means:
        verb = "was" if len(effect.apart) == 1 else "were"
        told.append(f"{apart} {verb} not trained beside the same values of all else, and {verb} left out.")
    return told


def _levels(factor: Factor, levels: Sequence[int]) -> str:
    told = [factor.axis.level_words(level) for level in levels[:MOST_NAMED]]
    return listed([*told, f"{len(levels) - MOST_NAMED} more"] if len(levels) > MOST_NAMED else told)


def _noise(effect: Effect) -> list[str]:
    methods = {mean.contrast.method for mean in effect.means}
    told = []
    if "none" in methods:
        told.append("Where a config has one seed nobody knows what another would have given, so there is no interval.")
    if "cell by cell" in methods:
        told.append("The configs have other seeds, so their noise is added up as if each were by itself.")
    return told


def shade_words(outcome: Outcome) -> str:
    return {
        "test_accuracy": "the stronger the shade, the fewer errors, by ratios",
        "test_loss": "the stronger the shade, the lower the loss, by ratios",
        "seconds_per_epoch": "the stronger the shade, the faster, by ratios",
    }[outcome]


def heat_notes(heat: HeatMap) -> list[str]:
    told = []
    if any(len(cell.groups) > 1 for cell in heat.cells):
        told.append(
            "A cell is a mean over its configs, each with equal weight."
            if heat.is_even
            else "A cell is a mean over its configs, which are not the same combinations of all else in every cell: "
            "cells differ for that reason too."
        )
    if heat.num_outside:
        lacking = " or ".join(f"no {axis.words}" for axis in (heat.across, heat.down) if None in axis.level_of)
        told.append(f"Configs with {lacking} are not in it: {heat.num_outside}.")
    return told
