"""Which of the Compare page's further parts these runs have: effects of parameters, prices, the course report's
figures. What does not apply is empty, and then the write-up says nothing of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.compare_effects import ToldEffects, fronts_of, gain_of_highest, tell_effects
from app.compare_sheets import ReportCell, report_sheet
from app.compare_view import CompareView
from app.compare_whole import Whole
from app.tradeoff_charts import PRICE_WORDS
from core.comparison import Group
from core.pareto import Front
from core.run_state import RunState
from core.seeds import Measure

BESIDE_EACH_OTHER = 4  # groups of three columns each, that a page of A4 has room for


@dataclass(frozen=True)
class Shown:
    """`effects` is None where no field differs or nothing has completed; `same_prices` are those that all groups share,
    in words; `gain_of_highest` is what the highest accuracy owes to being picked, where its noise is known;
    `num_unlike` runs failed or were cancelled."""

    effects: ToldEffects | None
    fronts: Sequence[Front]
    same_prices: Sequence[str]
    gain_of_highest: float | None
    published: Sequence[Group]
    num_unlike: int

    def beside_published(self, measure: Measure) -> list[tuple[Sequence[Group], list[tuple[int, list[ReportCell]]]]]:
        """(groups, a line for each epoch) of each table."""
        starts = range(0, len(self.published), BESIDE_EACH_OTHER)
        told = [self.published[start : start + BESIDE_EACH_OTHER] for start in starts]
        return [(groups, report_sheet(groups, measure)) for groups in told]


def shown_of(whole: Whole, view: CompareView) -> Shown:
    comparison = whole.comparison
    effects = tell_effects(comparison, view, whole.baseline)
    fronts, same = fronts_of(comparison)
    return Shown(
        effects if effects and effects.has_results else None,
        fronts,
        [PRICE_WORDS[price].title.lower() for price in same],
        gain_of_highest(comparison.groups, whole.verdicts.sizes[whole.baseline.run.dataset]) if fronts else None,
        [group for group in comparison.groups if group.published is not None],
        sum(run.state in (RunState.FAILED, RunState.CANCELLED) for run in comparison.runs),
    )
