"""Several questions and several looks share one 5 %."""

from collections.abc import Sequence
from typing import NamedTuple

ERROR = 0.05  # that a winner is named where there is none, over all groups and all looks


class Share(NamedTuple):
    """A corrected p, to be held against ERROR, and of ERROR the part against which the p was held as it was: an
    interval at level 1 − part leaves zero out exactly where the corrected p is at most ERROR."""

    p: float
    part: float


def share_of_look(look: int) -> float:
    """Of the error that all looks share, the part that the look may spend: half of what is left, so ½, ¼, ⅛, ...

    Parts fixed beforehand that add up to the whole spend no more than that, whatever the looks have in common and
    whenever one stops (Slud & Wei 1982, JASA 77:862; Lan & DeMets 1983, Biometrika 70:659; the bound is
    Bonferroni's). O'Brien and Fleming's spend more evenly and need the last look to be known, which here it is not.
    """
    assert look >= 1
    return 0.5**look


def shared(ps: Sequence[float], looks: Sequence[int]) -> list[Share]:
    """Of each question its share, by Holm (1979, Scandinavian Journal of Statistics 6:65) after its look's part."""
    factors = [1 / share_of_look(look) for look in looks]
    spent = [p * factor for p, factor in zip(ps, factors, strict=True)]
    shares: dict[int, Share] = {}
    highest, times = 0.0, len(ps)
    for rank, place in enumerate(sorted(range(len(ps)), key=spent.__getitem__)):
        if highest <= ERROR:  # after the first that is not decided none is, and all are held against its part
            times = len(ps) - rank
        highest = max(highest, (len(ps) - rank) * spent[place])
        shares[place] = Share(min(1.0, highest), ERROR / factors[place] / times)
    return [shares[place] for place in range(len(ps))]
