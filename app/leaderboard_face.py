"""The leaderboard as page and API show it. Imported with the first one: it brings SciPy along."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from app.formatting import points as with_unit
from app.verdict_words import p_words, points
from core.config_differences import config_fields, label_of
from core.leaderboard import Board, Judgement
from core.run_state import RunState
from core.seed_results import Standing
from core.spreads import Interval
from core.statistics.estimates import wilson
from core.tables import Run

OF_SEEDS = "Student's t over seeds"
OF_IMAGES = "Wilson's, of the test images alone: seed noise is unknown"
METHOD = (
    "Welch's t test over seeds, on these very test images. Against the leader, whom these figures chose, p is corrected"
    " as if each group had been held against all others (Bonferroni), so the best group is one of those that are not"
    " told from the leader, but for 5 %; against a pinned group by Holm over all ranked groups. That other test images"
    " would have given other figures is not in it: Compare takes in both. The full verdict there is on two groups"
    " alone, so it does not allow for the leader having been picked from all."
)


@dataclass(frozen=True)
class BoardRow:
    """A group as it is shown: `run` is any of its runs, `judgement` None where it is not ranked."""

    standing: Standing
    run: Run
    label: str
    judgement: Judgement | None
    interval: Interval | None

    @property
    def interval_method(self) -> str:
        return OF_IMAGES if self.standing.accuracy.n == 1 else OF_SEEDS

    @property
    def lost_words(self) -> str:
        """Which of its runs have no result: "2 failed, 1 to come"; a mean over what is left flatters the config."""
        states = self.standing.states
        to_come = states[RunState.QUEUED] + states[RunState.RUNNING]
        told = [(states[state], state.value) for state in (RunState.FAILED, RunState.CANCELLED)] + [
            (to_come, "to come")
        ]
        return ", ".join(f"{number} {word}" for number, word in told if number)

    @property
    def verdict_words(self) -> tuple[str, str]:
        """What is so, and its figures."""
        told = self.judgement
        if told is None:
            return "not ranked", "seed noise unknown" if self.standing.accuracy.n == 1 else "two seeds decide nothing"
        size = points(abs(told.difference))
        match told.outcome:
            case "baseline":
                return "leads" if self.standing.place == 1 else "the baseline", ""
            case "undecided":
                return "cannot be told from it", f"{with_unit(told.difference)}, {p_words(told.p)}"
        return f"{size} pp {'ahead' if told.outcome == 'better' else 'behind'}", p_words(told.p)


def rows_of(session: Session, board: Board, standings: Sequence[Standing]) -> list[BoardRow]:
    """In their order."""
    listed = select(Run).where(col(Run.id).in_([standing.seeds[0].run_id for standing in standings]))
    runs = {run.id: run for run in session.exec(listed)}
    judged = board.judged(standings)
    return [
        BoardRow(
            standing, run, label_of(config_fields(run)), judged.get(standing.config_hash),
            interval_of(standing, board.num_images),
        )
        for standing in standings
        for run in [runs[standing.seeds[0].run_id]]
    ]  # fmt: skip


def interval_of(standing: Standing, num_images: int | None) -> Interval | None:
    """Of the mean over seeds; of a single seed what its test images alone give, where their number is known."""
    told = standing.accuracy
    if told.n > 1 or num_images is None:
        return told.interval
    return wilson(told.mean * num_images, num_images)


def name_of(session: Session, standing: Standing | None) -> str:
    """Of a group that may stand on another page."""
    return label_of(config_fields(session.get_one(Run, standing.seeds[0].run_id))) if standing else ""


@dataclass(frozen=True)
class Scale:
    """Of the picture of a page's intervals: what its left and its right end are."""

    low: float
    high: float

    def place(self, accuracy: float) -> float:
        """In percent of the width, cut off at the ends."""
        return round(min(100.0, max(0.0, 100 * (accuracy - self.low) / (self.high - self.low))), 2)


def scale_of(rows: Sequence[BoardRow]) -> Scale:
    """From the lowest to the highest seed and a little more, within 0 and 1: intervals of two seeds may reach far."""
    low = min((row.standing.accuracy.low for row in rows), default=0.0)
    high = max((row.standing.accuracy.high for row in rows), default=1.0)
    margin = 0.08 * (high - low) or 0.005
    return Scale(max(0.0, low - margin), min(1.0, high + margin))
