"""Published figures of MNIST: which belong beside which network, and when ours agree with them."""

import pytest
from pydantic import JsonValue
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from app.compare_literature import Beside, literature_sheet
from app.compare_verdicts import judge
from app.literature_words import percent_interval
from core.architectures.catalogue import resolve
from core.architectures.layers import LAYERS
from core.chosen_runs import Choice, choose_runs
from core.comparison import compare
from core.database import Database
from core.literature import kind_of, published_figures
from core.literature_verdicts import Ours
from core.settings import Settings
from core.spreads import Interval
from core.statistics.estimates import wilson
from core.statistics.single import apart, bounded_mean
from core.verdicts import Side
from tests.app.judged_runs import NUM_IMAGES, judged, materialise
from tests.app.trained_runs import launch, trained

HOW = ("", "-distorted")
LENET = {"name": "lenet5", "parameters": {"pool": "max"}}


def beside(database: Database, settings: Settings) -> list[Beside]:
    with database.reading() as session:
        comparison = compare(session, choose_runs(session, Choice(runs=tuple(range(1, 20)))).runs)
        return literature_sheet(comparison, judge(session, settings, comparison, comparison.groups[0]))


@pytest.mark.parametrize(
    ("network", "parameters", "expected"),
    [
        ("lenet5", {}, {"lenet-5", "lenet-5-distorted"}),
        ("lenet5-moon2", {}, {"lenet-5", "lenet-5-distorted"}),
        ("lenet5", {"hidden": [120]}, {"lenet-4"}),
        ("lenet5", {"hidden": []}, {"lenet-1"}),
        ("lenet5", {"filters": [6, 16, 32]}, set()),
        ("custom-mlp", {}, {f"three-layer-{size}{how}" for size in (300, 500) for how in HOW}),
        ("custom-mlp", {"hidden": [300]}, {f"two-layer-{size}{how}" for size in (300, 1000) for how in HOW}),
        ("custom-mlp", {"hidden": []}, {"linear"}),
        ("custom-mlp", {"hidden": [9, 9, 9]}, set()),
    ],
)  # fmt: skip
def test_layers_decide_what_is_of_the_same_kind(
    network: str, parameters: dict[str, object], expected: set[str]
) -> None:
    layers = LAYERS.dump_python(resolve(network, parameters, (1, 28, 28), 10), mode="json")
    assert {told.key for told in published_figures() if told.kind == kind_of(layers)} == expected


def test_what_is_built_otherwise_has_no_kind() -> None:
    head: list[JsonValue] = [{"type": "Flatten"}, {"type": "Linear", "out_features": 10}]
    conv: dict[str, JsonValue] = {"type": "Conv2d", "out_channels": 6, "kernel_size": 5}
    pool: dict[str, JsonValue] = {"type": "MaxPool2d", "kernel_size": 2}
    assert kind_of([conv, pool, *head]) == (1, 0)
    assert kind_of([conv, *head]) is None
    assert kind_of([conv | {"kernel_size": 3}, pool, *head]) is None
    assert kind_of([{"type": "Residual", "layers": [{"type": "ReLU"}]}, *head]) is None


def test_ours_agree_or_differ_or_cannot_tell(database: Database, settings: Settings) -> None:
    for seed in range(4):
        trained(database, 0.5, 0.990 + seed / 2000, dataset="mnist", architecture=LENET, seed=seed)
        trained(database, 0.5, 0.9755 + seed / 600, dataset="mnist", architecture={"name": "custom-mlp"}, seed=seed)
    trained(database, 0.5, 0.7, dataset="mnist", architecture={"name": "custom-mlp", "parameters": {"hidden": []}})
    told = {(row.group.label.split(",")[0], row.told.published.key): row for row in beside(database, settings)}
    assert told["LeNet-5", "lenet-5"].told.outcome == "agrees"
    mlp = told["Custom MLP", "three-layer-300"]
    assert (mlp.told.outcome, mlp.verdict) == ("better", "better than published by 0.85 pp")
    report = told["LeNet-5", "report-LeNet5"]
    assert report.told.published.title == "the report's LeNet5, epoch 2"
    assert (report.told.outcome, report.told.published.accuracy) == ("better", 0.9849)
    assert (
        "Theirs is one training: if it varied as ours do (s = 0.22 pp), the interval would be ["
        in told["Custom MLP", "three-layer-500"].caveat
    )
    alone = told["Custom MLP", "linear"]
    assert (alone.told.outcome, alone.told.interval) == ("too few seeds", None)
    assert alone.verdict == "cannot tell: one seed, and a verdict needs 3"
    assert (
        percent_interval(Interval(-0.0056, -0.00004)) == "[−0.560, −0.004]"
    )  # what excludes zero does not read as zero
    assert alone.told.ours.interval == wilson(7000, 10_000)


def test_a_group_without_a_single_error_is_not_known_to_be_perfect(database: Database, settings: Settings) -> None:
    materialise(settings)
    for seed in range(3):
        judged(database, settings, set(), seed=seed)
    with database.reading() as session:
        comparison = compare(session, choose_runs(session, Choice(runs=(1, 2, 3))).runs)
        marks = judge(session, settings, comparison, comparison.groups[0]).marks
    assert Ours(Side(comparison.groups[0], marks), NUM_IMAGES).interval == wilson(NUM_IMAGES, NUM_IMAGES)


def test_other_images_or_distorted_ones_are_not_held_against_each_other(database: Database, settings: Settings) -> None:
    trained(database, 0.5, 0.98, architecture=LENET)  # digits
    trained(database, 0.5, 0.98, dataset="mnist", augmentation="affine", architecture={"name": "lenet5-1998"})
    launch(database, dataset="mnist", architecture=LENET)
    assert [row.told.published.key for row in beside(database, settings)] == ["lenet-5-distorted"]


def test_the_interval_of_two_figures_is_newcombes_and_of_one_mean_holds_seeds_and_images() -> None:
    told = apart(0.99, wilson(9900, 10_000), 0.9905, wilson(9905, 10_000))
    low, high = confint_proportions_2indep(9900, 10_000, 9905, 10_000, method="newcomb", compare="diff")
    assert told == pytest.approx((low, high), abs=1e-12)
    assert apart(0.5, Interval(0.4, 0.7), 0.2, Interval(0.2, 0.2)) == pytest.approx((0.2, 0.5))
    own = bounded_mean([0.98, 0.99, 1.0], 10_000)
    images = (stats.norm.ppf(0.975) ** -1 * (wilson(9900, 10_000).high - wilson(9900, 10_000).low) / 2) ** 2
    assert own.variance == pytest.approx(0.01**2 / 3 + images)
