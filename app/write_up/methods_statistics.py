"""The statistics of the methods section, in the words of what was computed; each source stands where
its method was used."""

from app.compare_whole import Whole
from app.formatting import ordinal
from app.write_up.phrases import counted, listed, named
from core.comparison import LEAST_SEEDS
from core.statistics.several import ERROR, share_of_look
from core.verdicts import Judged, Side


def intervals(whole: Whole) -> str:
    groups = [group for group in whole.comparison.groups if group.measured]
    several, single = (
        any(len(group.measured) > 1 for group in groups),
        any(len(group.measured) == 1 for group in groups),
    )
    told = []
    if several:
        told.append(
            "Figures of several seeds are means; ± and bands of intervals are 95 % intervals of that mean over seeds "
            "(Student 1908), the test images taken as given."
        )
    sides = [Side(group, whole.verdicts.marks) for group in groups]
    if any(len(side.accuracies) >= LEAST_SEEDS for side in sides):
        told.append(
            "The interval of a mean test accuracy under Results takes in both sources of chance, seeds and test "
            "images, as crossed random effects (Dorfman, Berbaum & Metz 1992; Hillis, Berbaum & Metz 2008), with "
            "degrees of freedom by Satterthwaite 1946."
        )
    if any(side.missing for side in sides):
        told.append("Where predictions of every image are missing, the images' part of it is an upper bound.")
    if single:
        told.append(
            "Of a single seed the interval is that of its test images alone (Wilson 1927; Brown, Cai & DasGupta 2001): "
            "its seed noise is unknown."
        )
    return " ".join(told)


def verdicts(whole: Whole) -> str:
    """Nothing where nothing was judged and no two networks held against each other."""
    judged = _judged(whole)
    told = [_crossed(judged)] if judged else []
    if judged:
        names = dict.fromkeys(one.ranks.name for one in judged)
        sources = {"Wilcoxon": "Wilcoxon 1945", "Mann-Whitney": "Mann & Whitney 1947"}
        ranks = [f"{name}: {source}" for name in names for test, source in sources.items() if name.startswith(test)]
        told.append(f"Beside it stand, and decide nothing: seeds only, images only, and a rank test ({listed(ranks)}).")
    if any(one.of_classes for one in whole.verdicts.told):
        told.append(
            "Of each class the same is done on its own images; its p is Holm's over the classes (Holm 1979), within "
            "what the look may spend, for each group by itself."
        )
    if any(one.verdict.networks for one in whole.verdicts.told):
        told.append(
            "One run against one is McNemar's mid-p (Fagerland, Lydersen & Laake 2013): a statement about two trained "
            "networks, not about how they were trained."
        )
    few = [one.group.label for one in whole.verdicts.told if one.verdict.outcome == "too few seeds"]
    if few:
        told.append(f"A verdict needs {LEAST_SEEDS} completed seeds on each side; there is none on {named(few)}.")
    return " ".join(told)


def _crossed(judged: list[Judged]) -> str:
    paired, welch, bounded = (
        sum(holds(one) for one in judged)
        for holds in (
            lambda one: one.difference.is_paired, lambda one: not one.difference.is_paired, lambda one: one.is_bounded,
        )
    )  # fmt: skip
    images = listed(sorted({f"{one.difference.num_images:,}" for one in judged}), "or")
    told = (
        f"{counted(len(judged), 'difference')} in test accuracy {'was' if len(judged) == 1 else 'were'} judged with "
        f"seeds and the {images} test images both as chance, as readers and cases are (Dorfman, Berbaum & Metz 1992)."
    )
    if paired:
        told += (
            f" {_share(paired, judged)} equal seed sets, so seeds are pairs: with D the table of differences, S "
            "seeds by N images, the variance is s²(row means)/S + s²(column means)/N − s²(residual)/(S·N), at least "
            "the larger of the first two, with degrees of freedom by Satterthwaite 1946."
        )
    if welch:
        told += (
            f" {_share(welch, judged)} other seed sets: each side brings the variance of its own seeds and its own "
            "residual (Welch 1947), the images stay paired; degrees of freedom by Satterthwaite 1946."
        )
    if bounded:
        told += (
            f" {_share(bounded, judged)} no predictions of every image: the images' noise is an upper bound, of two "
            "independent proportions (Newcombe 1998)."
        )
    return told


def _share(number: int, judged: list[Judged]) -> str:
    if number == len(judged):
        return "It has" if number == 1 else "All have"
    return "One has" if number == 1 else f"{number} have"


def looks(whole: Whole) -> str:
    judged = [one for one in whole.verdicts.told if one.verdict.judged]
    if not judged:
        return ""
    told = []
    if len(judged) > 1:
        told.append(f"The {len(judged)} verdicts against one baseline share their error by Holm's rule (Holm 1979).")
    for look in sorted({one.verdict.look for one in judged}):
        of = [one.group.label for one in judged if one.verdict.look == look]
        whose = "every one of them" if len(of) == len(judged) and len(of) > 1 else named(of)
        told.append(
            f"This is the {ordinal(look)} look at {whose}, which may spend {100 * ERROR * share_of_look(look):.3g} "
            f"of the {100 * ERROR:g} % that all looks share."
        )
    told.append(
        "Look k spends 5 %/2ᵏ, parts fixed beforehand (Slud & Wei 1982; Lan & DeMets 1983); each time more seeds "
        "were asked for after a verdict was a further look."
    )
    levels = sorted({100 * (1 - one.verdict.judged.share.part) for one in judged if one.verdict.judged})
    up_to = f" to {levels[-1]:.4g} %" if levels[-1] - levels[0] > 0.005 else ""
    told.append(
        f"The interval beside a verdict has the level that its p was held against, {levels[0]:.4g} %"
        f"{up_to}, and leaves zero out exactly where a winner is named."
    )
    return " ".join(told)


def literature(whole: Whole) -> str:
    rows = whole.literature
    if not rows:
        return ""
    from_papers = any(row.told.published.kind for row in rows)
    kind = " of networks of the same kind by their layers (LeCun et al. 1998)" if from_papers else ""
    told = [
        f"{counted(len(rows), 'comparison')} with published figures{kind}: a published figure is one "
        "number, with Wilson's interval of its test images (Wilson 1927); ours is the mean with seeds and images. The "
        "interval of the difference joins both (Newcombe 1998; Zou & Donner 2008) as if they were independent, which "
        "on the same images is too wide.",
        "Each is a 95 % interval by itself, without correction for their number.",
    ]
    return " ".join(told)


def _judged(whole: Whole) -> list[Judged]:
    return [one.verdict.judged for one in whole.verdicts.told if one.verdict.judged]
