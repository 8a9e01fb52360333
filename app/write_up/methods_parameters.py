"""The methods section on effects of parameters, on prices, and on the course report's figures."""

from app.compare_sheets import unlike_the_report
from app.tradeoff_charts import PRICE_WORDS
from app.write_up.phrases import listed
from app.write_up.shown import Shown
from core.architectures.catalogue import REPORT
from core.effects import Effect

BY_SEED = (
    "Configs that are averaged have the same seeds, so the mean of each seed is one value of a sample, whose interval "
    "is Student's (Student 1908; summary measures: Matthews et al. 1990)."
)
CELL_BY_CELL = (
    "Where configs have other seeds each brings a variance of its own, as if they were independent (Welch 1947), with "
    "degrees of freedom by Satterthwaite 1946."
)


def effects(shown: Shown) -> str:
    """Nothing where no effect can be told."""
    told = [effect for effect in shown.effects.told if effect.means] if shown.effects else []
    if shown.effects is None or not told:
        return ""
    parameters, figure = listed([effect.factor.axis.words for effect in told]), shown.effects.words.title
    is_time = shown.effects.outcome == "seconds_per_epoch"
    at = "" if is_time else ", at the epoch whose weights were kept"
    words = [f"Of each value of {parameters} the mean {figure} over completed runs was taken{at}{_balance(told)}."]
    ways = {mean.contrast.method for effect in told for mean in effect.means}
    words += [BY_SEED] if "by seed" in ways else []
    words += [CELL_BY_CELL] if "cell by cell" in ways else []
    words += ["A config with one seed gives its value no interval."] if "none" in ways else []
    if ways != {"none"}:
        images = "" if is_time else " and take the test images as given"
        words.append(f"These intervals are of 95 % each, without correction{images}.")
    return " ".join(words)


def _balance(told: list[Effect]) -> str:
    if all(effect.of_blocks == 1 for effect in told):
        return ""
    return (
        ", over the same combinations of all else with equal weight, without a model (Yates 1934; Searle, Speed & "
        "Milliken 1980)"
    )


def prices(shown: Shown) -> str:
    if not shown.fronts:
        return ""
    against = listed([PRICE_WORDS[front.price].title.lower() for front in shown.fronts])
    return (
        f"Mean test accuracy was held against {against}. On the Pareto front are the groups that no other beats for "
        "less or the same (Pareto 1906; Kung, Luccio & Preparata 1975), judged by the means alone."
    )


def beside_published(shown: Shown) -> str:
    if not shown.published:
        return ""
    names = dict.fromkeys(group.published.name for group in shown.published if group.published)
    unlike = unlike_the_report(shown.published)
    other = f" Not as there: {'; '.join(unlike)}." if unlike else " The configs are the same as there."
    return (
        f"The published curves of {listed(list(names))} are those of the {REPORT}: one seed each on MNIST, test images "
        f"called validation, losses as means over batches; ours are means over images.{other}"
    )
