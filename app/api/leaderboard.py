"""The leaderboard of a dataset."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.compare import BASELINE
from app.api.leaderboard_schemas import LeaderboardOut, standing_out
from app.api.predictions import Offset
from app.dependencies import LARGEST_ID, CurrentSettings, Reading
from app.leaderboard_view import LeaderboardView
from core.invalid_run_config import InvalidRunConfig
from core.marks import num_images
from core.seed_results import datasets_with_results
from core.tags import MAX_TAG_LENGTH

router = APIRouter(tags=["compare"])

Name = Annotated[str, Query(max_length=64)]
DATASET = Query(max_length=64, description="Without it the one with most completed runs.", examples=["mnist"])


@router.get("/leaderboard")
def get_leaderboard(
    session: Reading, settings: CurrentSettings,
    dataset: Annotated[str, DATASET] = "",
    architecture: Name = "",
    experiment: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    tag: Annotated[str, Query(max_length=MAX_TAG_LENGTH)] = "",
    min_seeds: Annotated[int, Query(ge=1, le=1000, description="Fewer are left out.")] = 1,
    baseline: Annotated[str, BASELINE] = "",
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> LeaderboardOut:  # fmt: skip
    """Groups that differ in nothing but the seed, by their mean test accuracy, the best first: with its interval, the
    ranks that a group may have, and its verdict against the leader or a pinned group, all by the seeds alone. What
    takes in the test images' noise too is the comparison."""
    from app import leaderboard_face as face  # with the first leaderboard: it brings SciPy along
    from core.leaderboard import read_board

    view = LeaderboardView(architecture=architecture, experiment=experiment, tag=tag)
    on = dataset or next(iter(datasets_with_results(session)), "")
    board = read_board(
        session, view.filter_on(on), least_seeds=min_seeds, baseline=baseline,
        num_images=num_images(on, "test", settings) if on else None,
    )  # fmt: skip
    if baseline and board.pinned is None:
        raise InvalidRunConfig({"baseline": "is not the beginning of one ranked group of this board"})
    rows = face.rows_of(session, board, board.standings(offset, offset + limit))
    held_against = board.pinned or board.leader
    return LeaderboardOut(
        dataset=on or None, groups=tuple(map(standing_out, rows)), num_groups=len(board),
        num_ranked=board.num_ranked, num_without_result=board.states_without_result()[0], num_tied=board.num_tied,
        gain_of_leading=board.gain_of_leading, baseline=held_against.config_hash if held_against else None,
        is_pinned=board.pinned is not None, method=face.METHOD,
        next_offset=offset + limit if offset + limit < len(board) else None,
    )  # fmt: skip
