"""How a verdict was worked out, as a person would say it: its methods, and what became of their p."""

from dataclasses import dataclass

from app.formatting import NOTHING, ordinal
from app.verdict_words import interval_words, p_words
from core.statistics.estimates import Estimate
from core.statistics.several import ERROR, share_of_look
from core.verdicts import Judged, Verdict


@dataclass(frozen=True)
class Method:
    """A line of "How this was worked out"."""

    name: str
    means: str
    estimate: Estimate | None
    p: float

    @property
    def interval_words(self) -> str:
        return interval_words(self.estimate.interval()) if self.estimate else NOTHING

    @property
    def p_words(self) -> str:
        return p_words(self.p).removeprefix("p = ").removeprefix("p ")


def methods(judged: Judged) -> list[Method]:
    told, floor = judged.difference, judged.ranks.floor
    seeds = "Student's t over pairs of seeds" if told.is_paired else "Welch's t"
    images = "upper bound from the accuracies (Wilson)" if judged.is_bounded else "t over the images"
    reach = f"; so few seeds can reach {floor:.2g} at best" if floor >= 0.0001 else ""
    reach += ", never 5 %" if floor > ERROR else ""
    crossed = "crossed random effects" if told.is_paired else "crossed random effects, Welch's analogue"
    return [
        Method("seeds and images", f"{crossed}; this one decides", told.both, told.both.p),
        Method("seeds only", f"the test images taken as given; {seeds}", told.seeds_only, told.seeds_only.p),
        Method("images only", f"the trained networks taken as given; {images}", told.images_only, told.images_only.p),
        Method("ranks", f"{judged.ranks.name}{reach}; decides nothing", None, judged.ranks.p),
    ]


def how_shared(verdict: Verdict, num_judged: int) -> str:
    """How the p of the method became the p of the verdict, and the level of its interval."""
    assert verdict.judged
    share, own = verdict.judged.share, verdict.judged.difference.both.p
    spent = 100 * ERROR * share_of_look(verdict.look)
    several = f", and of {num_judged} groups against one baseline each has its part of that by Holm's rule"
    return (
        f"By itself {p_words(own)}. This is the {ordinal(verdict.look)} look, which may spend {spent:.3g} of the 5 % "
        f"that all looks share{several if num_judged > 1 else ''}. So it is held against {share.part:.3g}: the same as "
        f"{p_words(share.p)} against 5 %. The interval above is that of {100 * (1 - share.part):.4g} %, which leaves "
        "zero out exactly where a winner is named."
    )
