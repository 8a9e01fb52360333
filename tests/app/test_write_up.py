"""The report of a comparison as one file: it says what was done, and something else where something else was done."""

import re
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from app.write_up.phrases import listed, named, seeds
from app.write_up.ticks import axis, decimals, round_numbers
from core.database import Database
from core.experiment_plan import plan_experiment
from core.experiments import launch_experiment
from core.settings import Settings
from core.tables import Experiment, Run
from tests.app.judged_runs import two_groups
from tests.app.trained_runs import BASE, fail, launch, record_epochs, record_weights, started, trained
from tests.app.written_up import section, words, written

FOUR_EACH = "runs=1,2,3,4,5,6,7,8"


class Outside(HTMLParser):
    """Collects whatever a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            is_address = name in ("src", "href", "action", "data", "srcset") and not (value or "").startswith(
                ("#", "data:")
            )
            if is_address or name.startswith("on") or tag in ("script", "iframe", "object", "embed"):
                self.found.append(f"{tag} {name}={value}")


def test_the_file_stands_by_itself_and_says_what_was_found(
    client: TestClient, database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=4, more_wrong=12)
    text = written(client, FOUR_EACH)
    parser = Outside()
    parser.feed(text)
    assert parser.found == []
    assert not re.search(r"url\(|@import|//[a-z]", re.findall(r"<style>(.*?)</style>", text, re.S)[0])
    assert "default-src 'none'" in text
    assert re.search(
        r"Custom MLP loses to LeNet-5 by 3\.\d\d pp \[\d\.\d\d, \d\.\d\d\], p = 0\.00\d+, 4 seeds each\.", words(text)
    )
    page = client.get(f"/api/v1/compare?{FOUR_EACH}").json()
    assert page["verdicts"][0]["sentence"] in words(text)  # the same words as everywhere
    assert len(re.findall(r'class="line"', text)) == 8  # two groups in four panels
    assert len(re.findall(r'class="dot"', text)) == 8
    assert "LeNet-5, epoch 2: " in text  # told by a point
    assert "batch size 64" in section(text, "configs")
    assert "Conv2d 6 filters 5×5 → ReLU → AvgPool2d 2×2" in section(text, "configs")
    assert (
        client.get(f"/api/v1/compare/report.html?{FOUR_EACH}").headers["content-disposition"].startswith("attachment")
    )
    assert client.get("/compare/report.html?runs=99").status_code == 404
    assert client.get("/api/v1/compare/report.html").status_code == 404


def test_methods_are_told_from_what_was_done(client: TestClient, database: Database, settings: Settings) -> None:
    two_groups(database, settings, num_seeds=4, more_wrong=12)
    equal = section(written(client, FOUR_EACH), "methods")
    assert "Digits has 400 train and 400 test images of 28×28 pixels in 1 channel and 10 classes." in equal
    assert "Every config was trained with seeds 0 to 3, the same for all." in equal
    assert "Of 8 runs: 8 completed." in equal
    assert "for 2 epochs in batches of 64 by stochastic gradient descent with learning rate 0.01, momentum 0.9" in equal
    assert "It has equal seed sets, so seeds are pairs" in equal
    assert "This is the first look at Custom MLP, which may spend 2.5 of the 5 % that all looks share." in equal
    assert "has the level that its p was held against, 97.5 %, and" in equal
    assert "share their error" not in equal
    for absent in ("Welch", "McNemar", "Wilson", "upper bound", "literature"):
        assert absent not in equal
    other = written(client, "runs=1,2,3,4,5,6,7,8,9&")  # run 9 is not there
    assert "Run 9 was not found." in section(other, "cautions")
    unequal = written(client, "runs=1,2,3,4,6,7,8")
    assert "It has other seed sets" in section(unequal, "methods")
    assert "The configs have other seeds: LeNet-5 with seeds 0, 1 and 3 and Custom MLP with seeds 0 to 3." in words(
        unequal
    )
    assert "B. L. Welch" in section(unequal, "references")
    assert "Fagerland" not in section(unequal, "references")
    networks = section(written(client, "runs=1,2"), "methods")
    assert "McNemar's mid-p (Fagerland, Lydersen & Laake 2013)" in networks
    assert "A verdict needs 3 completed seeds on each side; there is none on Custom MLP." in networks


def test_several_groups_looks_and_missing_predictions_are_told(
    client: TestClient, database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=3, more_wrong=2)
    for seed in range(3):
        trained(database, 0.5, 0.6 + seed / 100, seed=seed, learning_rate=0.5)  # without predictions
    client.post(
        "/api/v1/compare/more-seeds",
        json={"group": _hash(client, 1), "baseline": _hash(client, 0), "seeds": 1},
    ).raise_for_status()
    with database.writing() as session:
        for run_id in (10, 11):
            session.delete(session.get_one(Run, run_id))
    text = written(client, "runs=1,2,3,4,5,6,7,8,9")
    told = section(text, "methods")
    assert "The 2 verdicts against one baseline share their error by Holm's rule (Holm 1979)." in told
    assert "This is the second look at " in told
    assert "1.25 of the 5 %" in told
    assert "One has no predictions of every image" in told
    assert "so the noise of the test images is an upper bound" in section(text, "cautions")
    assert "learning rate 0.01 or 0.5" in told
    assert "Where several values stand, the table of configs says whose is whose." in told


def test_selection_by_validation_is_told_and_nothing_is_said_of_the_best_by_test(
    client: TestClient, database: Database
) -> None:
    for seed in range(2):
        trained(database, 0.5, 0.9, val=(0.6, 0.7), validation=100, selection="best_val", seed=seed)
    text = written(client, "runs=1,2")
    assert "Of the train images 100 were held out for validation, chosen by the run's seed." in section(text, "methods")
    assert "that of the epoch with the best validation accuracy, whose weights were kept" in section(text, "methods")
    assert "its images no longer lie here, so their hashes are not known" in section(text, "methods")
    assert "chosen by the very test images" not in words(text)
    trained(database, 0.5, 0.9, seed=5)
    assert "chosen by the very test images that judge it" in section(written(client, "runs=1,2,3"), "cautions")


def test_runs_are_listed_with_seed_and_hash_and_what_failed_or_is_open_is_said(
    client: TestClient, database: Database
) -> None:
    lease = started(database, seed=7)
    record_epochs(database, lease, 1)
    record_weights(database, lease)
    lost = started(database, seed=8)
    fail(database, lost, "<b>diverged</b>", "another rate")
    launch(database, seed=9)
    text = written(client, "runs=1,2,3")
    assert re.search(r"1 LeNet-5 7 running 1 of 4 1 91\.00 % . 0{64}", section(text, "runs"))
    assert "&lt;b&gt;diverged" in text
    assert "1 run failed or was cancelled and counts in no verdict (LeNet-5); what epochs there are" in section(
        text, "cautions"
    )
    assert "2 of 3 runs have not ended: these are interim figures" in section(text, "cautions")
    empty = written(client, "runs=3")
    assert "no run has completed" in section(empty, "results")
    assert "No epoch is recorded." in section(empty, "curves")


def test_what_was_typed_is_escaped(client: TestClient, database: Database) -> None:
    with database.writing() as session:
        launch_experiment(session, plan_experiment(base=BASE, grid={}, seeds=1))
        experiment = session.get_one(Experiment, 1)
        experiment.name, experiment.notes = "</title></script><b>", "<img src=x onerror=alert(1)>"
    text = written(client, "experiment=1")
    assert "<title>&lt;/title&gt;&lt;/script&gt;&lt;b&gt;</title>" in text
    assert "&lt;img src=x" in text
    assert "<b>" not in text.split("<body>")[1].split("<section")[0]


def test_a_gap_is_a_gap_and_many_lines_have_no_points(
    client: TestClient, database: Database, settings: Settings
) -> None:
    trained(database, 0.5, 0.0, 0.7)  # the second loss is not finite
    text = written(client, "runs=1")
    path = re.findall(r'aria-describedby="told-test_loss">.*?class="line" d="([^"]+)"', text, re.S)[0]
    assert path.count("M") == 2
    assert "was not finite" in section(text, "cautions")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.981, 0.993, [0.982, 0.984, 0.986, 0.988, 0.99, 0.992]),
        (3, 17, [5, 10, 15]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert round_numbers(low, high, 6) == pytest.approx(expected)


def test_axes_hold_all_values_and_nothing_beyond_what_can_be() -> None:
    told = axis([0.5, 1.0], 200, 0, most=1.0)
    assert (told.high, told.place(1.0), told.place(2.0)) == (1.0, 0, 0)
    assert axis([], 0, 1).place(0.5) == 0.5
    logarithmic = axis([0.01, 1.0], 100, 0, is_log=True)
    assert logarithmic.place(0.1) == pytest.approx(50, abs=0.1)
    assert len(axis([0.31, 0.42], 100, 0, is_log=True).ticks()) > 2  # though no 1, 2 or 5 lies between
    assert axis([1e-6, 1e3], 100, 0, is_log=True).ticks(6) == pytest.approx([10.0**power for power in range(-6, 4)])
    assert decimals([98.5, 99, 99.5]) == 1
    same = axis([0.9, 0.9], 0, 10)
    assert 0 < same.place(0.9) < 10


def test_parts_of_sentences() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert named([str(number) for number in range(9)]) == "0, 1, 2, 3, 4, 5 and 3 more"
    assert [seeds(told) for told in ([3], [0, 1], [2, 0, 1], [0, 2, 5])] == [
        "seed 3", "seeds 0 and 1", "seeds 0 to 2", "seeds 0, 2 and 5",
    ]  # fmt: skip


def _hash(client: TestClient, place: int) -> str:
    groups = client.get("/api/v1/compare?runs=1,2").json()["groups"]
    return str(groups[place]["config_hash"])
