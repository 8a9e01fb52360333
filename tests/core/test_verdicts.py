"""Verdicts over real predictions in a real database, and the seeds that are asked for after them."""

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlmodel import select

from app.compare_verdicts import Told, judge
from app.verdict_words import interval_words, p_words
from core import queue
from core.bin import move_to_bin
from core.chosen_runs import Choice, choose_runs
from core.comparison import compare
from core.database import Database
from core.experiment_plan import plan_experiment
from core.experiments import launch_experiment
from core.invalid_run_config import InvalidRunConfig
from core.more_seeds import MOST_AT_ONCE, GroupNotFound, StillOpen, ask_for_more_seeds, looks_at
from core.queue_order import is_trained_alone
from core.run_state import RunState
from core.runs import RunFilter, list_runs
from core.settings import Settings
from core.spreads import Interval
from core.statistics.power import MOST_SEEDS
from core.tables import Experiment, Look, Run
from core.verdicts import verdicts
from tests.app.judged_runs import LABELS, judged, materialise, two_groups
from tests.app.trained_runs import BASE, launch, trained


def told(database: Database, settings: Settings) -> list[Told]:
    """Of all runs, the first group as the baseline."""
    with database.reading() as session:
        runs = list_runs(session, RunFilter(sort="id", descending=False), limit=200).runs
        comparison = compare(session, choose_runs(session, Choice(runs=tuple(run.id or 0 for run in runs))).runs)
        return judge(session, settings, comparison, comparison.groups[0]).told


def hashes(database: Database) -> list[str]:
    with database.reading() as session:
        runs = list_runs(session, RunFilter(sort="id", descending=False), limit=200).runs
        return list(dict.fromkeys(run.config_hash for run in runs))


def finish(database: Database) -> None:
    """Everything that waits is done, without predictions."""
    with database.reading() as session:
        waiting = list_runs(session, RunFilter(states=(RunState.QUEUED,)), limit=200).runs
    with database.writing() as session:
        for run in waiting:
            own = session.get_one(Run, run.id)
            own.state, own.test_accuracy = RunState.COMPLETED, 0.9 + own.seed / 1000


def test_a_clear_difference_gets_a_winner_with_interval_and_p(database: Database, settings: Settings) -> None:
    two_groups(database, settings, num_seeds=5, more_wrong=12)
    (verdict,) = told(database, settings)
    judged_ = verdict.verdict.judged
    assert judged_
    assert verdict.verdict.outcome == "worse"
    assert judged_.difference.is_paired
    assert not judged_.is_bounded
    assert judged_.interval.high < 0
    assert verdict.headline == "Custom MLP loses to LeNet-5 by 3.30 pp"
    assert verdict.figures[-1] == "5 seeds each"
    assert verdict.verdict.more is None
    assert [method.name for method in verdict.methods] == ["seeds and images", "seeds only", "images only", "ranks"]
    assert "never 5 %" in verdict.methods[3].means
    assert "first look, which may spend 2.5 of the 5 %" in verdict.how_shared


def test_a_small_difference_says_how_many_more_seeds_would_decide(database: Database, settings: Settings) -> None:
    two_groups(database, settings, num_seeds=3, more_wrong=2)
    (verdict,) = told(database, settings)
    assert verdict.verdict.outcome == "undecided"
    assert verdict.verdict.more
    assert verdict.headline == "Cannot tell Custom MLP from LeNet-5 yet:"
    assert f"About {verdict.verdict.more} more seeds each would decide." in verdict.sentence
    assert "second look at this question, which may spend 1.25 of the 5\u00a0%" in verdict.what_follows


def test_groups_that_read_all_images_alike_are_not_sent_for_more_seeds(database: Database, settings: Settings) -> None:
    materialise(settings)
    for seed in range(3):
        for differences in ({}, {"architecture": {"name": "custom-mlp"}}):
            judged(database, settings, {1, 2, 3 + seed}, seed=seed, **differences)
    (verdict,) = told(database, settings)
    assert (verdict.verdict.outcome, verdict.verdict.more) == ("undecided", None)
    assert verdict.what_next.startswith("Both read each test image right equally often")


def test_seeds_that_are_not_compared_are_told(database: Database, settings: Settings) -> None:
    two_groups(database, settings, num_seeds=5, more_wrong=12)
    with database.writing() as session:
        move_to_bin(session, 1)
    launch(database, epochs=2, seed=9, architecture={"name": "custom-mlp"})
    with database.reading() as session:
        comparison = compare(session, choose_runs(session, Choice(runs=tuple(range(2, 9)))).runs)
        (verdict,) = judge(session, settings, comparison, comparison.groups[1]).told
    assert [note.split(", and")[0] for note in verdict.notes] == [
        "2 further seeds of Custom MLP have a result, or one to come",
        "2 further seeds of LeNet-5 have a result, or one to come",
    ]
    assert "a verdict holds only where seeds are not chosen by their results." in verdict.sentence


def test_one_test_image_gives_no_verdict(database: Database, settings: Settings) -> None:
    two_groups(database, settings, num_seeds=3, more_wrong=12)
    with database.reading() as session:
        base, other = compare(session, choose_runs(session, Choice(runs=tuple(range(1, 7)))).runs).groups
    (verdict,) = verdicts(base, [other], {}, 1, {other.config_hash: 1}, {})
    assert verdict.outcome == "other images"


def test_no_end_of_an_interval_that_leaves_zero_out_reads_as_zero() -> None:
    assert interval_words(Interval(0.0000321, 0.0042)) == "[0.003, 0.420]"
    assert interval_words(Interval(-0.0031, -0.0000004)) == "[−0.31000, −0.00004]"
    assert interval_words(Interval(-0.0, 0.5)) == "[0.00, 50.00]"
    assert (p_words(0.04996), p_words(0.0504), p_words(0.05)) == ("p = 0.05", "p = 0.0504", "p = 0.05")


def test_where_seed_sets_differ_welchs_analogue_judges(database: Database, settings: Settings) -> None:
    two_groups(database, settings, num_seeds=4, more_wrong=12)
    judged(database, settings, set(range(15)), seed=17)
    (verdict,) = told(database, settings)
    assert verdict.verdict.judged
    assert not verdict.verdict.judged.difference.is_paired
    assert verdict.figures[-1] == "4 and 5 seeds"


def test_without_predictions_the_verdict_says_that_the_images_noise_is_a_bound(
    database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=4, more_wrong=12)
    exact = told(database, settings)[0].verdict.judged
    trained(database, 0.5, 0.95, seed=4)
    trained(database, 0.5, 0.91, seed=4, architecture={"name": "custom-mlp"})
    (verdict,) = told(database, settings)
    assert exact
    assert verdict.verdict.judged
    assert verdict.verdict.judged.is_bounded
    assert "Run 10 has completed; its predictions are still to be written. So it is with 1 more." in verdict.sentence
    assert verdict.verdict.judged.difference.images_only.variance > exact.difference.images_only.variance
    materialise(settings, labels=(LABELS + 1) % 10)  # other images under the same name
    assert "The test images of digits are not those that run 2 was tested on." in told(database, settings)[0].sentence


def test_one_run_against_one_speaks_of_two_networks_only(database: Database, settings: Settings) -> None:
    two_groups(database, settings, num_seeds=1, more_wrong=12)
    (verdict,) = told(database, settings)
    assert verdict.verdict.outcome == "too few seeds"
    assert verdict.sentence.startswith("Too few seeds to judge Custom MLP and LeNet-5: 1 seed each. A verdict needs 3")
    assert "of two trained networks and not of how they were trained" in verdict.sentence
    assert "McNemar" in verdict.sentence
    assert verdict.verdict.more == 2
    assert not verdict.methods


def test_the_verdict_waits_for_what_is_under_way_and_tells_what_was_lost(
    database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=3, more_wrong=12)
    waiting = launch(database, epochs=2, seed=7)
    (verdict,) = told(database, settings)
    assert verdict.verdict.outcome == "waiting"
    assert verdict.sentence.startswith("Custom MLP and LeNet-5 are not judged yet. 1 run has not ended.")
    with database.writing() as session:
        queue.cancel(session, waiting)
    (verdict,) = told(database, settings)
    assert verdict.verdict.outcome == "worse"
    assert "1 seed of LeNet-5 failed or was cancelled." in verdict.sentence


def test_groups_on_other_images_are_not_judged(database: Database, settings: Settings) -> None:
    materialise(settings)
    judged(database, settings, {1})
    trained(database, 0.5, dataset="mnist")
    assert told(database, settings)[0].what_next == "They were tested on other images: MNIST and Digits."


def test_several_groups_share_the_error(database: Database, settings: Settings) -> None:
    two_groups(database, settings, num_seeds=4, more_wrong=12)
    alone = told(database, settings)[0].verdict.judged
    for seed in range(4):
        judged(database, settings, set(range(seed, 14 + 2 * seed)), seed=seed, learning_rate=0.5)
    both = told(database, settings)[0]
    assert alone
    assert both.verdict.judged
    assert both.verdict.judged.share.p == pytest.approx(2 * alone.share.p)
    assert both.verdict.judged.interval.low < alone.interval.low
    assert "of 2 groups against one baseline" in both.how_shared


def test_more_seeds_are_the_next_unused_of_both_groups_and_the_next_look(
    database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=3, more_wrong=2)
    base, other = hashes(database)
    with database.writing() as session:
        runs = ask_for_more_seeds(session, base, other, 2)
        assert [(run.seed, run.architecture) for run in runs] == [
            (3, "lenet5"), (3, "custom-mlp"), (4, "lenet5"), (4, "custom-mlp"),
        ]  # fmt: skip
        assert looks_at(session, base, [other]) == {other: 2}
        with pytest.raises(StillOpen, match="4 runs"):  # a second click
            ask_for_more_seeds(session, base, other, 2)
    finish(database)
    (verdict,) = told(database, settings)
    assert verdict.verdict.look == 2
    assert len(verdict.verdict.side.accuracies) == 5
    with database.reading() as session:
        assert looks_at(session, base, ["a third group"]) == {"a third group": 2}  # its baseline has other data now
        assert looks_at(session, "others", ["still others"]) == {"still others": 1}


def test_seeds_for_the_sake_of_a_group_too_small_to_be_judged_are_a_look_at_the_others(
    database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=3, more_wrong=2)
    judged(database, settings, {1, 2}, seed=0, learning_rate=0.5)
    base, other, small = hashes(database)
    with database.writing() as session:
        ask_for_more_seeds(session, base, small, 2)
        (look,) = session.exec(select(Look)).all()
        assert (look.group_hash, look.baseline_hash, look.experiment_id) == (base, base, None)
    finish(database)
    judged(database, settings, {1, 2}, seed=0, learning_rate=0.25)
    later = hashes(database)[-1]
    with database.reading() as session:
        # of the second there was a verdict before; of what is small, or later, there was none
        assert looks_at(session, base, [other, small, later]) == {other: 2, small: 1, later: 1}
        assert looks_at(session, other, [base, small]) == {base: 2, small: 1}


def test_more_seeds_of_a_benchmark_are_repeated_in_turn_and_trained_alone(
    database: Database, settings: Settings
) -> None:
    plan = plan_experiment(base=BASE, grid={"learning_rate": [0.5, 0.25]}, seeds=1, repeats=2)
    with database.writing() as session:
        launch_experiment(session, plan)
    finish(database)
    with database.writing() as session:
        runs = ask_for_more_seeds(session, plan.runs[0].config_hash, plan.runs[1].config_hash, 1)
        assert [(run.config["learning_rate"], run.seed, run.repeat, run.experiment_id) for run in runs] == [
            (0.5, 1, 1, 1), (0.25, 1, 1, 1), (0.5, 1, 2, 1), (0.25, 1, 2, 1),
        ]  # fmt: skip
        assert runs[2].name == "learning rate 0.5, seed 1, repeat 2"
        assert all(is_trained_alone(run) for run in runs)


def test_seeds_for_a_first_verdict_are_no_further_look(database: Database, settings: Settings) -> None:
    two_groups(database, settings, num_seeds=1, more_wrong=2)
    base, other = hashes(database)
    with database.writing() as session:
        ask_for_more_seeds(session, base, other, 2)
        assert looks_at(session, base, [other]) == {other: 1}


def test_a_look_is_kept_with_the_experiment(database: Database, settings: Settings) -> None:
    with database.writing() as session:
        session.add(Experiment(name="which?", base={}, grid={}, seeds=[0], created_at=datetime.now(UTC)))
    two_groups(database, settings, num_seeds=3, more_wrong=2)
    base, other = hashes(database)
    with database.writing() as session:
        for run in list_runs(session, RunFilter(), limit=10).runs:
            session.get_one(Run, run.id).experiment_id = 1
    with database.writing() as session:
        runs = ask_for_more_seeds(session, base, other, 1)
        assert {run.experiment_id for run in runs} == {1}
        assert {run.name for run in runs} == {"lenet5 on digits, seed 3", "custom-mlp on digits, seed 3"}
        assert session.get_one(Look, 1).experiment_id == 1


def test_what_would_decide_is_never_more_than_one_press_queues() -> None:
    assert MOST_AT_ONCE == MOST_SEEDS


@pytest.mark.parametrize("number", [0, MOST_AT_ONCE + 1])
def test_what_cannot_be_asked_for_is_refused(database: Database, settings: Settings, number: int) -> None:
    two_groups(database, settings, num_seeds=1, more_wrong=2)
    base, other = hashes(database)
    with database.writing() as session:
        with pytest.raises(InvalidRunConfig):
            ask_for_more_seeds(session, base, other, number)
        with pytest.raises(InvalidRunConfig):
            ask_for_more_seeds(session, base, base, 1)
        for run_id in (2,):
            move_to_bin(session, run_id)
        with pytest.raises(GroupNotFound):
            ask_for_more_seeds(session, base, other, 1)


def test_many_groups_are_soon_judged(
    database: Database, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    materialise(settings)
    random = np.random.default_rng(0)
    for number in range(20):
        for seed in range(5):
            wrong: Any = random.choice(400, 20, replace=False).tolist()
            judged(database, settings, wrong, seed=seed, learning_rate=1 / (1 + number))
    told(database, settings)
    started = time.perf_counter()
    assert len(told(database, settings)) == 19
    with capsys.disabled():
        print(f"\n    19 verdicts on groups of 5 seeds: {1000 * (time.perf_counter() - started):.0f} ms")
