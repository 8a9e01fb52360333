"""The shapes of a leaderboard, and how a row becomes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from app.api.schemas import Shape
from app.api.verdict_schemas import IntervalOut, interval_out
from core.run_state import RunState

if TYPE_CHECKING:  # they bring SciPy along, which the server imports with the first comparison
    from app.leaderboard_face import BoardRow
    from core.leaderboard import Judgement


class RanksOut(Shape):
    """With 95 % confidence for this group."""

    best: int
    worst: int


class BoardVerdictOut(Shape):
    """Against the baseline, by the seeds alone, in fractions."""

    outcome: str = Field(description="baseline, better, worse, undecided")
    difference: float = Field(description="the group's mean less the baseline's")
    p: float = Field(description="corrected: to be held against 0.05")


class BoardSeedOut(Shape):
    seed: int
    run: int = Field(description="the run's id")
    test_accuracy: float


class StandingOut(Shape):
    config_hash: str
    label: str = Field(description="its network, and what is not as by default", examples=["LeNet-5, pool max"])
    architecture: str
    n: int = Field(description="seeds with a completed run")
    mean: float
    low: float = Field(description="of the lowest seed")
    high: float
    interval: IntervalOut | None = Field(description="of the mean; of a single seed that of its test images alone")
    rank: int | None = Field(description="by the mean; null with fewer than three seeds")
    ranks: RanksOut | None
    verdict: BoardVerdictOut | None
    states: dict[RunState, int] = Field(description="of all runs of the group that match")
    seeds: tuple[BoardSeedOut, ...]


class LeaderboardOut(Shape):
    dataset: str | None = Field(description="null where no run has completed")
    groups: tuple[StandingOut, ...]
    num_groups: int = Field(description="with a completed run, of as many seeds as asked for")
    num_ranked: int
    num_without_result: int = Field(description="groups that match and have no completed run")
    num_tied: int = Field(description="ranked groups not told from the leader, itself among them: the best is one")
    gain_of_leading: float = Field(description="by how much the leader's mean lies too high by choice alone, about")
    baseline: str | None = Field(description="config hash of what the ranked groups are held against")
    is_pinned: bool = Field(description="whether that was asked for; else it is the leader")
    method: str
    next_offset: int | None


def standing_out(row: BoardRow) -> StandingOut:
    standing, told, judged = row.standing, row.standing.accuracy, row.judgement
    return StandingOut(
        config_hash=standing.config_hash, label=row.label, architecture=row.run.architecture,
        n=told.n, mean=told.mean, low=told.low, high=told.high,
        interval=row.interval and interval_out(row.interval, 0.95, row.interval_method),
        rank=standing.place, ranks=RanksOut(best=judged.ranks[0], worst=judged.ranks[1]) if judged else None,
        verdict=_verdict(judged) if judged else None, states=dict(standing.states),
        seeds=tuple(
            BoardSeedOut(seed=one.seed, run=one.run_id, test_accuracy=one.accuracy) for one in standing.seeds
        ),
    )  # fmt: skip


def _verdict(judged: Judgement) -> BoardVerdictOut:
    return BoardVerdictOut(outcome=judged.outcome, difference=judged.difference, p=judged.p)
