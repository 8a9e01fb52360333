"""Every figure in the report of a comparison is the one that GET /api/v1/compare has."""

import itertools
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.compare_table import three_digits
from app.formatting import architecture_title, count, percent, points, signed
from core.database import Database
from core.experiment_words import path_words, value_words
from core.tables import Run
from tests.app.trained_runs import fail, launch, started, trained
from tests.app.written_up import Table, markup, section, tables, words, written

NETWORKS: list[dict[str, Any]] = [
    {"name": "lenet5", "parameters": {"pool": "max"}}, {"name": "lenet5-moon2"}, {"name": "custom-mlp"},
]  # fmt: skip


@pytest.fixture
def grid(database: Database) -> str:
    """Three networks by two learning rates on MNIST, three seeds each, two epochs; the query that compares them."""
    runs = []
    for (place, network), rate, seed in itertools.product(enumerate(NETWORKS), (0.1, 0.01), range(3)):
        last = 0.98 - 0.004 * place + 0.003 * (rate == 0.1) + 0.0011 * seed * (1 + place)
        runs.append(trained(database, 0.9, last, dataset="mnist", architecture=network, learning_rate=rate, seed=seed))
    return f"runs={','.join(map(str, runs))}"


def told(client: TestClient, query: str) -> Any:
    answer = client.get(f"/api/v1/compare?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def table_of(text: str, name: str, place: int = 0) -> Table:
    return tables(markup(text, name))[place]


def spread(figure: Any, words: Any) -> str:
    """As the page writes it: mean, half of the interval, lowest and highest."""
    bare = [words(figure[end]).removesuffix(" %") for end in ("low", "high")]
    reach = words(figure["mean"] - figure["interval"]["low"]).removesuffix(" %")
    return f"{words(figure['mean'])} ±{reach} {bare[0]}–{bare[1]}"


def interval(span: Any, words: Any = percent) -> str:
    return f"[{words(span['low'])}, {words(span['high'])}]"


def test_the_table_has_the_figures_of_every_group(client: TestClient, grid: str) -> None:
    groups = told(client, grid)["groups"]
    rows = table_of(written(client, grid), "figures")[2:]
    assert [name for (name,) in rows[::2]] == [group["label"] for group in groups]
    for group, row in zip(groups, rows[1::2], strict=True):
        last, best = group["last"], group["best"]
        assert row[:5] == [
            "3", spread(last["test_accuracy"], percent), spread(last["test_loss"], three_digits),
            spread(last["train_accuracy"], percent), three_digits(last["train_loss"]["mean"]),
        ]  # fmt: skip
        assert row[5:9] == [
            "2 by test", spread(best["test_accuracy"], percent), count(group["num_parameters"]),
            count(group["num_multiply_adds"]),
        ]  # fmt: skip


def test_the_table_has_the_columns_and_the_order_of_the_view(client: TestClient, grid: str) -> None:
    view = f"{grid}&columns=config.learning_rate,best_test_loss,n&sort=-last_test_accuracy"
    groups = sorted(told(client, grid)["groups"], key=lambda group: -group["last"]["test_accuracy"]["mean"])
    rows = table_of(written(client, view), "figures")
    assert rows[1] == ["seeds", "learning rate", "test loss"]
    assert [name for (name,) in rows[2::2]] == [group["label"] for group in groups]
    assert [row[1] for row in rows[3::2]] == [value_words(group["config"]["learning_rate"]) for group in groups]
    differing = written(client, f"{grid}&columns=n,best_test_loss&table=differing")
    assert table_of(differing, "figures")[1] == ["test loss"]
    assert "The same in all, and left out: seeds." in section(differing, "figures")


@pytest.mark.parametrize("outcome", ["test_accuracy", "test_loss"])
def test_the_effects_of_parameters_are_told(client: TestClient, grid: str, outcome: str) -> None:
    effects = told(client, f"{grid}&effect={outcome}")["effects"]
    text = written(client, f"{grid}&effect={outcome}")
    figure, difference = (percent, points) if outcome == "test_accuracy" else (three_digits, signed)
    rows = iter(table_of(text, "effects")[1:])
    for factor in effects["factors"]:
        (head,) = next(rows)
        assert all(note in head for note in factor["notes"])
        for level in factor["levels"]:
            name = architecture_title(str(level["value"])) if factor["field"] == "architecture" else None
            apart = level["difference_interval"]
            assert next(rows) == [
                name or value_words(level["value"]),
                f"{figure(level['mean'])} {interval(level['interval'], figure)}",
                f"{difference(level['difference'])} {interval(apart, difference)}" if apart else "measured from here",
                str(len(level["groups"])), str(level["num_runs"]),
            ]  # fmt: skip
    assert [path_words(factor["field"]) for factor in effects["factors"]] == ["network", "learning rate"]
    assert "Each network has its own filters" in section(text, "effects")  # what cannot be told apart
    heat = table_of(text, "effects", 1)
    cells = [f"{figure(cell['mean'])} 3 seeds" for cell in effects["heat_map"]["cells"]]
    assert sorted(cell for row in heat[1:] for cell in row[1:]) == sorted(cells)
    titles = re.findall(r"<title>(.*?)</title>", markup(text, "effects"))
    assert [title for title in map(words, titles) if "[" in title] == [
        f"{row[0]}: {row[1]}" for row in table_of(text, "effects")[1:] if len(row) == 5
    ]


def test_what_accuracy_costs_is_told(client: TestClient, grid: str, database: Database) -> None:
    with database.writing() as session:
        for number, run in enumerate(session.get_one(Run, at) for at in range(1, 19)):
            run.run_memory_bytes = (number + 1) * 2**20
    fronts = told(client, grid)["pareto"]
    labels = {group["config_hash"]: group["label"] for group in told(client, grid)["groups"]}
    text = markup(written(client, grid), "tradeoffs")
    panels = text.split('<figure class="chart">')[1:]
    assert [front["price"] for front in fronts] == ["num_parameters", "num_multiply_adds", "run_memory_bytes"]
    assert "all have the same training time" in words(text)
    for front, panel in zip(fronts, panels, strict=True):
        titles = [words(title) for title in re.findall(r"<title>(.*?)</title>", panel)]
        for point, title in zip(front["points"], titles, strict=True):
            assert title.startswith(
                f"{labels[point['group']]}: {percent(point['accuracy'])} {interval(point['interval'])}, "
            )
            assert title.endswith(", on the front") is point["is_on_front"]
        listed = [words(entry) for entry in re.findall(r"<li>(.*?)</li>", panel)]
        best = [point for point in front["points"] if point["is_on_front"]]
        assert [entry.split(" :")[0] for entry in listed] == [labels[point["group"]] for point in best]
        assert len(re.findall(r'class="place"', panel)) == len(best)


def test_published_figures_stand_beside_ours(client: TestClient, grid: str) -> None:
    groups = [group for group in told(client, grid)["groups"] if group["published"]]
    text = written(client, f"{grid}&figure=test_loss")
    rows = table_of(text, "published")[2:]
    assert len(groups) == 4  # LeNet-5 and moon2, at two learning rates
    for place, group in enumerate(groups):
        curve = {point["epoch"]: point["test_loss"] for point in group["curve"]}
        for row, published in zip(rows, group["published"]["epochs"], strict=True):
            ours = curve.get(published["epoch"])
            assert row[0] == str(published["epoch"])
            assert row[1 + 3 * place] == f"{published['test_loss']:.4g}"
            told_ours = "–"
            if ours:
                told_ours = f"{ours['mean']:.4g}" + (f" {ours['low']:.4g}–{ours['high']:.4g}" if ours["n"] > 1 else "")
            assert row[2 + 3 * place] == told_ours
            assert row[3 + 3 * place] == (signed(ours["mean"] - published["test_loss"]) if ours else "–")
    assert "Not as there: learning rate 0.1 or 0.01, not 0.01" not in section(text, "methods")
    assert "epochs 2, not 10; learning rate 0.1, not 0.01" in section(text, "methods")


def test_verdicts_and_the_literature_are_told(client: TestClient, grid: str) -> None:
    page, text = told(client, grid), written(client, grid)
    for verdict in page["verdicts"]:
        assert verdict["sentence"].split(" Predictions")[0].split(". ")[0] in section(text, "verdicts")
    by_method = table_of(text, "methods")[1:]
    ranks = [row for row in by_method if "ranks" in row]
    assert len(ranks) == len(page["verdicts"])
    literature = section(text, "literature")
    assert page["literature"]
    for row in page["literature"]:
        assert f"{percent(row['published']['accuracy'])} {percent(row['published']['interval']['low'])[:-2]}" in (
            literature.replace("[", "")
        )
        assert f"{percent(row['mean'])} [" in literature
        assert points(row["difference"]).removesuffix(" pp") in literature


@pytest.mark.parametrize(("along", "lines"), [("epoch", "interval"), ("step", "mean"), ("seconds", "seeds")])
def test_every_point_of_the_curves_says_its_figure(client: TestClient, grid: str, along: str, lines: str) -> None:
    text = markup(written(client, f"{grid}&x={along}&lines={lines}"), "curves")
    panel = words(" ".join(re.findall(r"<title>.*?</title>", text.split('id="title-test_accuracy"')[1])))
    for group in told(client, grid)["groups"]:
        for point in group["curve"]:
            where = {
                "epoch": "", "step": f", step {point['epoch'] * group['steps_per_epoch']:,}",
                "seconds": f", {point['seconds']:.4g} s",
            }[along]  # fmt: skip
            figure = point["test_accuracy"]
            span = figure["interval"] if lines == "interval" else figure
            band = f" ({percent(span['low'])} to {percent(span['high'])})"
            name = f"{group['label']}, seed 2" if lines == "seeds" else group["label"]
            mean = group["seeds"][2]["last"]["test_accuracy"] if lines == "seeds" else figure["mean"]
            if lines != "seeds" or point["epoch"] == 2:
                assert f"{name}, epoch {point['epoch']}{where}: {percent(mean)}" in panel
            assert lines == "seeds" or band in panel
    is_published = 'class="published"' in text
    assert is_published is (along != "seconds")
    assert ("published no times" in words(text)) is not is_published


def test_what_does_not_apply_has_neither_section_nor_entry_nor_method(client: TestClient, database: Database) -> None:
    trained(database, 0.9)
    text = written(client, "runs=1")
    for name in ("effects", "tradeoffs", "published", "literature", "verdicts"):
        assert f'id="{name}"' not in text
        assert f'href="#{name}"' not in text
    for title in ("Effects of parameters", "What accuracy costs", "Beside the course report"):
        assert title not in words(text)
    entries = re.findall(r'<a href="#(\w+)">', text)
    assert entries == re.findall(r'<section aria-labelledby="(\w+)">', text)
    waits = launch(database, learning_rate=0.5)
    assert 'id="effects"' not in written(client, f"runs={waits},{launch(database, learning_rate=0.6)}")


def test_methods_tell_of_effects_prices_and_the_course_report(client: TestClient, grid: str) -> None:
    text = written(client, grid)
    methods = section(text, "methods")
    assert "Of each value of network and learning rate the mean test accuracy over completed runs was taken" in methods
    assert "over the same combinations of all else with equal weight" in methods
    assert "Configs that are averaged have the same seeds" in methods
    assert "Welch 1947), with degrees of freedom" not in methods
    assert "The published curves of LeNet5 and LeNet5moon2 are those of the NN4DL course report" in methods
    assert "Mean test accuracy was held against parameters and multiply-adds." in methods
    assert "S. R. Searle" in section(text, "references")
    times = section(written(client, f"{grid}&effect=seconds_per_epoch"), "methods")
    assert "the mean seconds per epoch over completed runs was taken, over the same combinations" in times
    single = written(client, f"{grid.split(',')[0]},4")  # two configs, a seed each
    assert "A config with one seed gives its value no interval." in section(single, "methods")
    assert "Searle" not in section(single, "references")


def test_runs_under_way_are_told_as_of_when(client: TestClient, database: Database) -> None:
    trained(database, 0.9, learning_rate=0.1)
    trained(database, 0.9, learning_rate=0.2, done=False)
    text = words(written(client, "runs=1,2"))
    assert re.search(
        r"As of \d{4}-\d\d-\d\d, \d\d:\d\d UTC, 1 of 2 runs has not ended: these figures are interim", text
    )
    assert "As of" not in words(written(client, "runs=1"))


def test_losses_that_are_not_finite_are_said_as_on_the_page(client: TestClient, database: Database) -> None:
    trained(database, 0.5, 0.0, learning_rate=0.1)  # its last test loss is NaN
    trained(database, 0.5, 0.6, learning_rate=0.2)
    fail(database, started(database, learning_rate=0.3), "NaN", "less")
    text = written(client, "runs=1,2,3")
    assert [row[2] for row in table_of(text, "figures")[3::2]] == ["not finite", "0.400", "–"]
    assert "its line has a gap" in section(text, "curves")
    losses = written(client, "runs=1,2,3&effect=test_loss")
    assert "1 run failed or was cancelled and is not in it" in section(losses, "effects")


def test_names_of_any_kind_stay_text(client: TestClient, database: Database) -> None:
    runs = [trained(database, accuracy, learning_rate=rate) for accuracy, rate in ((0.9, 0.1), (0.8, 0.1), (0.7, 0.2))]
    name = ("""<img src=x>&amp;"'`""" * 20)[:200]
    with database.writing() as session:
        run = session.get_one(Run, runs[0])
        run.config = run.config | {"architecture": {"name": name, "parameters": {}}}
        run.config_hash, run.architecture, run.num_parameters = "0" * 64, name, 1000
    text = written(client, f"runs={','.join(map(str, runs))}")
    assert "<img" not in text
    assert name in words(text)
    label = told(client, f"runs={','.join(map(str, runs))}")["groups"][0]["label"]
    assert table_of(text, "figures")[2] == [label]
