"""A comparison with all that is said of it, for whoever writes it down: groups, verdicts, literature."""

from dataclasses import dataclass

from sqlmodel import Session

from app.compare_literature import Beside, literature_sheet
from app.compare_verdicts import Told, Verdicts, baseline_of, judge
from core.chosen_runs import Choice, choose_runs
from core.comparison import Comparison, Group, compare
from core.invalid_run_config import InvalidRunConfig
from core.settings import Settings
from core.spreads import Interval


@dataclass(frozen=True)
class Whole:
    """Of one group at least."""

    comparison: Comparison
    verdicts: Verdicts
    literature: list[Beside]
    left_out: list[str]

    @property
    def baseline(self) -> Group:
        return self.verdicts.baseline

    def verdict_on(self, group: Group) -> Told | None:
        """None of the baseline."""
        return next((told for told in self.verdicts.told if told.group is group), None)

    def images_only(self, group: Group) -> Interval | None:
        """Of a group with one seed."""
        return self.verdicts.images_only.get(group.config_hash)


def whole_comparison(session: Session, settings: Settings, choice: Choice, baseline: str) -> Whole | None:
    """None where nothing that was asked for is there. Raises InvalidRunConfig where none or several groups begin with
    `baseline`."""
    chosen = choose_runs(session, choice)
    if not chosen.runs:
        return None
    comparison = compare(session, chosen.runs)
    held_against = baseline_of(comparison.groups, baseline)
    if held_against is None:
        raise InvalidRunConfig({"baseline": "is not the beginning of one group of this comparison"})
    verdicts = judge(session, settings, comparison, held_against)
    return Whole(comparison, verdicts, literature_sheet(comparison, verdicts), chosen.left_out)
