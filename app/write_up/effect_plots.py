"""The effects of parameters on paper: the figures of app/effect_charts.py, with their points and axes."""

from collections.abc import Sequence
from math import radians, sin

from app.charts import ACCURACY, LOSS
from app.compare_effects import ToldEffects
from app.effect_charts import (
    are_slanted,
    axis_title,
    colour_of,
    config_points,
    described,
    effect_span,
    labelled,
    shortened,
)
from app.effect_words import factor_title
from app.write_up.curves import Mark, y_ticks
from app.write_up.plots import SQUARE, Plot, Spot, across, spot, upright
from app.write_up.ticks import Axis
from core.effects import Effect


def effect_plots(shown: ToldEffects) -> list[Plot]:
    """One for each factor that has an effect to show, all with the same figures on their axes."""
    told = [(place, effect) for place, effect in enumerate(shown.told) if effect.means]
    y = upright(*effect_span(shown, [effect for _, effect in told]))
    return [_plot(f"effect-{place}", effect, shown, y) for place, effect in told]


def _plot(key: str, effect: Effect, shown: ToldEffects, y: Axis) -> Plot:
    own, x = effect.factor.axis, across(-0.12, 1.12)
    places = [own.place(level) for level in labelled(own)]
    labels = [(place, shortened(own.level_words(level))) for place, level in zip(places, labelled(own), strict=True)]
    spots = _spots(effect, shown, x, y)
    dots = [
        Mark(x.place(at), y.place(mean), f"{group.label}: {shown.words.figure(mean)}")
        for at, mean, group in config_points(effect, shown)
    ]
    return Plot(
        key, factor_title(effect.factor).capitalize(), described(effect, shown), axis_title(own),
        [(x.place(place), words) for place, words in labels],
        y_ticks(y, ACCURACY if shown.outcome == "test_accuracy" else LOSS),
        f"M{'L'.join(f'{one.x} {one.y}' for one in spots)}" if own.is_number else "", dots, spots,
        drop=_drop([words for _, words in labels]) if are_slanted([words for _, words in labels], places) else 0,
    )  # fmt: skip


def _drop(labels: Sequence[str]) -> float:
    """Of labels at 35°, a character being 7 units long."""
    return round(7 * sin(radians(35)) * max(map(len, labels)), 1)


def _spots(effect: Effect, shown: ToldEffects, x: Axis, y: Axis) -> Sequence[Spot]:
    own = effect.factor.axis
    return [
        spot(
            x.place(own.place(mean.level)), y, mean.contrast.value, mean.interval, (colour_of(own, mean), SQUARE),
            f"{own.level_words(mean.level)}: {shown.words.with_interval(mean)}",
        )
        for mean in effect.means
    ]  # fmt: skip
