"""The leaderboard over a real database: which runs count, what is ranked, and against what."""

from typing import Any

import pytest

from core.bin import move_to_bin
from core.database import Database
from core.leaderboard import Board, read_board
from core.run_state import RunState
from core.runs import RunFilter
from core.seed_results import datasets_with_results
from core.spreads import spread
from core.tags import tag_run
from tests.app.trained_runs import fail, launch, started, trained

MLP: dict[str, Any] = {"architecture": {"name": "custom-mlp"}}
MOON: dict[str, Any] = {"architecture": {"name": "lenet5-moon"}}


def board_of(database: Database, **asked: Any) -> Board:
    how = {name: asked.pop(name) for name in ("least_seeds", "baseline") if name in asked}
    with database.reading() as session:
        return read_board(session, RunFilter(datasets=("digits",), **asked), num_images=360, **how)


@pytest.fixture
def three(database: Database) -> list[str]:
    """LeNet-5 with three seeds, the MLP, worse, with four, moon with one; their config hashes, in this order."""
    for seed, accuracy in enumerate((0.97, 0.975, 0.98)):
        trained(database, 0.5, accuracy, seed=seed)
    for seed, accuracy in enumerate((0.90, 0.905, 0.91, 0.905)):
        trained(database, 0.5, accuracy, seed=seed, **MLP)
    trained(database, 0.5, 0.99, **MOON)
    board = board_of(database)
    return [board.standings(0, 3)[place].config_hash for place in (1, 2, 0)]


def test_groups_stand_by_their_mean_and_three_seeds_make_a_rank(database: Database, three: list[str]) -> None:
    board = board_of(database)
    moon, lenet, mlp = board.standings(0, 10)
    assert [standing.place for standing in (moon, lenet, mlp)] == [None, 1, 2]
    assert lenet.accuracy == spread([0.97, 0.975, 0.98])
    assert [(seed.seed, seed.run_id) for seed in lenet.seeds] == [(0, 1), (1, 2), (2, 3)]
    judged = board.judged([moon, lenet, mlp])
    assert moon.config_hash not in judged
    assert (judged[lenet.config_hash].outcome, judged[mlp.config_hash].outcome) == ("baseline", "worse")
    assert (judged[lenet.config_hash].ranks, judged[mlp.config_hash].ranks) == ((1, 1), (2, 2))
    assert judged[mlp.config_hash].difference == pytest.approx(-0.07)
    assert (board.num_ranked, board.num_tied, board.gain_of_leading) == (2, 1, 0.0)


def test_a_pinned_group_is_what_the_others_are_held_against(database: Database, three: list[str]) -> None:
    lenet, mlp, moon = three
    board = board_of(database, baseline=mlp[:12])
    assert board.pinned
    assert board.pinned.config_hash == mlp
    assert board.judged(board.standings(0, 10))[lenet].outcome == "better"
    assert board_of(database, baseline=moon[:12]).pinned is None, "one seed decides nothing"
    assert board_of(database, baseline="f" * 12).pinned is None


def test_a_seed_counts_once_by_its_first_completed_run_and_what_did_not_complete_is_counted(
    database: Database, three: list[str]
) -> None:
    trained(database, 0.5, 0.5, seed=0)  # the same again
    fail(database, started(database, epochs=2, seed=7), "a reason", "a suggestion")
    launch(database, epochs=2, seed=8)
    move_to_bin_of(database, 2)
    (lenet,) = [one for one in board_of(database).standings(0, 9) if one.config_hash == three[0]]
    assert [(seed.seed, seed.run_id) for seed in lenet.seeds] == [(0, 1), (2, 3)]
    counted = {state: number for state, number in lenet.states.items() if number}
    assert counted == {RunState.COMPLETED: 3, RunState.FAILED: 1, RunState.QUEUED: 1}


def move_to_bin_of(database: Database, run_id: int) -> None:
    with database.writing() as session:
        move_to_bin(session, run_id)


def test_filters_choose_the_runs_that_count(database: Database, three: list[str]) -> None:
    with database.writing() as session:
        tag_run(session, 1, "paper")
    assert [len(one.seeds) for one in board_of(database, tags=("paper",)).standings(0, 9)] == [1]
    assert len(board_of(database, architectures=("custom-mlp",))) == 1
    assert [one.config_hash for one in board_of(database, least_seeds=4).standings(0, 9)] == [three[1]]


def test_groups_without_a_result_are_counted_apart(database: Database) -> None:
    fail(database, started(database, epochs=2), "a reason", "a suggestion")
    board = board_of(database)
    assert (len(board), board.leader, board.judged(board.standings(0, 9))) == (0, None, {})
    number, states = board.states_without_result()
    assert (number, states[RunState.FAILED]) == (1, 1)
    with database.reading() as session:
        assert datasets_with_results(session) == []
    trained(database, 0.9, seed=9)
    with database.reading() as session:
        assert datasets_with_results(session) == ["digits"]
