"""The Compare page over a real database: what it shows of groups and seeds, and how its URL is its view."""

import html
import json
import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.compare_overview import MANY
from app.formatting import roughly
from core.database import Database
from core.experiment_plan import plan_experiment
from core.experiments import launch_experiment
from core.report import reproduction
from core.run_tables import Epoch
from core.settings import Settings
from core.tables import Experiment
from core.workers import end, live_workers
from tests.app.judged_runs import judged, materialise, two_groups
from tests.app.trained_runs import BASE, launch, trained


def page(client: TestClient, query: str = "") -> str:
    answer = client.get(f"/compare{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def rows(text: str, kind: str) -> list[str]:
    """The words of each row of the table of figures: of the groups, or of their seeds."""
    return [words(row) for row in re.findall(rf'<tr[^>]*class="{kind}-row".*?</tr>', text, re.S)]


def traces(text: str, key: str = "test_accuracy") -> list[dict[str, Any]]:
    figure = re.search(rf'id="figure-{key}">(.*?)</script>', text, re.S)
    assert figure
    data: list[dict[str, Any]] = json.loads(figure[1])["data"]
    return data


def kinds(text: str) -> list[str]:
    return [trace["uid"].split("-")[0] for trace in traces(text)]


@pytest.fixture
def three_seeds(database: Database) -> list[int]:
    return [trained(database, 0.5, accuracy, seed=seed) for seed, accuracy in enumerate((0.8, 0.9, 1.0))]


def test_the_gain_of_the_best_seed_is_told_of_the_first_group_that_has_several(
    client: TestClient, database: Database
) -> None:
    trained(database, 0.5, 0.9, learning_rate=0.5)
    for seed, accuracy in enumerate((0.8, 0.9, 1.0)):
        trained(database, 0.5, accuracy, seed=seed)
    query = "?runs=1,2,3,4"
    assert "The best of 3 seeds is better than their mean by choice alone" in words(page(client, query))
    alone, several = client.get(f"/api/v1/compare{query}").json()["groups"]
    assert alone["gain_of_best_seed"] is None
    assert several["gain_of_best_seed"] == pytest.approx(0.0846, abs=1e-4)


def test_without_a_choice_the_page_says_how_to_choose_and_offers_what_there_is(
    client: TestClient, database: Database
) -> None:
    assert "Nothing to compare yet" in page(client)
    run = trained(database, 0.5, name="<script>")
    with database.writing() as session:
        launch_experiment(session, reproduction("digits", 1))
        session.get_one(Experiment, 1).name = "</script><b>"
    assert "&lt;/script&gt;&lt;b&gt;" in page(client, "?experiment=1")
    assert "<b>" not in page(client, "?experiment=1").split("<h1>")[1].split("</h1>")[0]
    text = page(client)
    assert f'name="runs" value="{run}"' in text
    assert "&lt;script&gt;" in text
    assert 'href="/compare?experiment=1"' in text
    assert "Compare" in words(page(client, f"?runs={run}&runs={run + 1}"))  # as the form of boxes asks


def test_seeds_are_a_row_and_a_line_with_its_band(client: TestClient, three_seeds: list[int]) -> None:
    text = page(client, "?runs=1,2,3")
    (row,) = rows(text, "group")
    assert row.startswith("LeNet-5 3 90.00 % ±24.84 80.00–100.00")
    assert row.endswith("44,426 281,640 10.0")
    assert "2 by test" in row
    assert "so too good, by about what stands beneath it" in words(text)
    assert "The best of 3 seeds is better than their mean by choice alone, of LeNet-5 by about +8.46 pp." in words(text)
    assert kinds(text) == ["band", "mean"]
    assert traces(text)[1]["y"] == [0.5, pytest.approx(0.9)]
    assert traces(text)[1]["customdata"] == [[0.5, 0.5, 3], [0.8, 1.0, 3]]
    assert traces(text)[0]["y"] == [0.5, 1.0, 0.8, 0.5, None]
    assert [seed.split()[:3] for seed in rows(text, "seed")] == [["seed", f"{n}", "completed"] for n in range(3)]
    assert len(re.findall(r'<tr class="seed-row"[^>]* hidden>', text)) == 3


def test_each_seed_is_a_line_where_that_is_asked(client: TestClient, three_seeds: list[int]) -> None:
    text = page(client, "?runs=1,2,3&lines=seeds")
    assert [trace["meta"]["run"] for trace in traces(text)] == [1, 2, 3]
    assert 'aria-current="true">each seed' in text
    assert not re.search(r'<tr class="seed-row"[^>]* hidden>', text)
    assert 'href="/compare?runs=1,2,3"' in text  # back to the mean, which is the default


def test_groups_of_one_architecture_are_told_apart(client: TestClient, database: Database) -> None:
    for rate in (0.1, 0.01, 0.001):
        trained(database, 0.5, learning_rate=rate)
    lines = [trace for trace in traces(page(client, "?runs=1,2,3")) if trace["uid"].startswith("mean")]
    assert [line["name"] for line in lines] == [f"LeNet-5, learning rate {rate}" for rate in ("0.1", "0.01", "0.001")]
    for look in ("color", "dash"):
        assert len({line["line"][look] for line in lines}) == 3
    assert len({line["marker"]["symbol"] for line in lines}) == 3


def test_the_table_sorts_by_every_column(client: TestClient, three_seeds: list[int], database: Database) -> None:
    trained(database, 0.5, 0.95, architecture={"name": "custom-mlp"})
    launch(database, architecture={"name": "report-mlp"})
    shown = "?runs=1,2,3,4,5"
    columns = re.findall(r'name="columns" id="[^"]+" value="([^"]+)"', page(client, shown))
    assert len(columns) == 15 + 7  # and what differs between an MLP and LeNet-5
    text = page(client, f"{shown}&columns={','.join(columns)}")
    orders = re.findall(r'id="sort-[\w.]+" data-view href="[^"]*&amp;sort=([\w.-]+)[&"]', text)
    assert len(orders) == 1 + len(columns)
    for order in orders:
        names = [row.split(" ")[0].rstrip(",") for row in rows(page(client, f"{shown}&sort={order}"), "group")]
        assert sorted(names) == ["Custom", "LeNet-5", "Report's"], order
        if order == "-last_test_accuracy":
            assert names == ["Custom", "LeNet-5", "Report's"]
    assert client.get("/compare?runs=1&sort=nothing").status_code == 422


def titles(text: str) -> list[str]:
    return [words(title) for title in re.findall(r'<a id="sort-[^>]+>(.*?)</a>', text, re.S)]


def test_the_columns_are_the_views_and_a_field_that_differs_can_be_one(client: TestClient, database: Database) -> None:
    for rate in (0.01, 0.1, 0.002):
        trained(database, 0.5, 0.5 + rate, learning_rate=rate)
    text = page(
        client, "?runs=1,2,3&sort=config.learning_rate&columns=config.learning_rate&columns=n,last_test_accuracy"
    )
    assert titles(text) == ["network", "seeds", "learning rate", "test accuracy"]
    assert [row.split()[4:6] for row in rows(text, "group")] == [
        ["make", "baseline"],
        ["baseline", "1"],
        ["make", "baseline"],
    ]
    assert [re.findall(r"0\.\d+", row)[1] for row in rows(text, "group")] == ["0.002", "0.01", "0.1"]
    assert "columns=config.learning_rate,n,last_test_accuracy" in text  # a link out of many boxes
    differing = page(client, "?runs=1,2,3&columns=n,num_parameters,last_test_accuracy&table=differing")
    assert titles(differing) == ["network", "test accuracy"]
    assert "(2 hidden: the same in every group)" in words(differing)
    assert titles(page(client, "?runs=1,2,3&columns=config.gone")) == ["network"]  # of another comparison
    assert len(titles(page(client, "?runs=1,2,3"))) == 11
    for wrong in ("columns=nothing", "columns=n,config.", f"columns={'n,' * 5000}", "table=some", "x=years"):
        assert client.get(f"/compare?runs=1&{wrong}").status_code == 422, wrong


def test_a_form_without_script_asks_for_the_same_view(client: TestClient, three_seeds: list[int]) -> None:
    text = page(client, "?runs=1,2,3&lines=interval&x=step&sort=-n&columns=n,last_test_loss")
    form = text.split('id="columns"')[1].split("</form>")[0]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    assert hidden == {"runs": "1,2,3", "lines": "interval", "x": "step", "sort": "-n"}
    assert re.findall(r'value="([\w.]+)" checked', form) == ["n", "last_test_loss"]
    assert 'href="/compare?runs=1,2,3&amp;lines=interval&amp;x=step&amp;sort=-n"' in form  # the usual columns again


def test_a_pinned_baseline_stays_on_top_of_every_order(client: TestClient, database: Database) -> None:
    for rate in (0.1, 0.01, 0.001):
        trained(database, 0.5, 0.5 + rate, learning_rate=rate)
    pins = re.findall(r'id="pin-\w+" data-view href="([^"]+)"', page(client, "?runs=1,2,3"))
    assert len(pins) == 2  # each but the baseline
    query = html.unescape(pins[1]).removeprefix("/compare")
    names = [row.split(" ")[3] for row in rows(page(client, f"{query}&sort=-last_test_accuracy"), "group")]
    assert names == ["0.001", "0.1", "0.01"]


def test_epochs_stand_at_steps_or_seconds(client: TestClient, database: Database) -> None:
    trained(database, 0.5, 0.8)
    trained(database, 0.5, 0.8, batch_size=128, validation=400)
    trained(database, 0.6, seed=1, done=False)
    with database.writing() as session:
        session.get_one(Epoch, (3, 1)).seconds = 30.0
    steps = {trace["name"]: trace["x"] for trace in traces(page(client, "?runs=1,2&x=step")) if "mean" in trace["uid"]}
    assert sorted(steps.values()) == [[9, 18], [23, 46]]  # ceil((1437 - 400) / 128), ceil(1437 / 64)
    text = page(client, "?runs=1,3&x=seconds")
    mean = traces(text)[-1]
    assert mean["x"] == [20, 30]  # seeds of 10 and 30 s, of which the slow one has no second yet: no step back
    assert mean["customdata"][1] == [0.8, 0.8, 1, 2]
    assert "without what a run waited" in words(text)
    assert [trace["x"] for trace in traces(page(client, "?runs=1,3&x=seconds&lines=seeds"))] == [[10, 20], [30]]
    for x, second_half in (("epoch", [0.75, 2.25]), ("step", [9.0, 46 * 1.02]), ("seconds", [10.0, 30 * 1.02])):
        shown = page(client, f"?runs=1,2,3&x={x}&span=end&lines=seeds")
        figure = json.loads(re.findall(r'id="figure-test_accuracy">(.*?)</script>', shown, re.S)[0])
        assert figure["layout"]["xaxis"]["range"] == pytest.approx(second_half), x  # no line is wholly before it
    told = client.get("/api/v1/compare?runs=1,3").json()["groups"][0]
    assert [point["seconds"] for point in told["curve"]] == [20, 30]
    assert told["steps_per_epoch"] == 23
    assert client.get("/api/v1/compare/curves.csv?runs=1").text.splitlines()[0].endswith(",seconds")


def test_what_is_not_there_is_named_and_the_rest_shown(client: TestClient, three_seeds: list[int]) -> None:
    text = words(page(client, "?runs=1,98,99"))
    assert "Runs 98, 99 were not found. The others are compared." in text
    assert "1 run, done" in text
    assert "Run 99 was not found." in words(page(client, "?runs=99"))
    assert client.get("/compare?runs=one").status_code == 422


def test_configs_show_what_differs_and_all_on_demand(client: TestClient, database: Database) -> None:
    launch(database, learning_rate=0.1)
    launch(database, learning_rate=0.5)
    sheet = re.compile(r'id="config-table">(.*?)</table>', re.S)
    differing, everything = (
        words(sheet.findall(page(client, f"?runs=1,2{more}"))[0]) for more in ("", "&config=all")
    )  # fmt: skip
    assert differing.endswith("learning rate 0.1 0.5")
    assert "batch size" not in differing
    assert "batch size 64 64" in everything


def test_the_reports_figures_stand_beside_ours_epoch_by_epoch(client: TestClient, database: Database) -> None:
    lenet = {"name": "lenet5", "parameters": {"pool": "max"}}
    trained(database, 0.9, 0.98, architecture=lenet)
    text = page(client, "?runs=1")
    sheet = words(re.findall(r'id="report-table">(.*?)</table>', text, re.S)[0])
    assert "1 97.90 % 90.00 % −7.90 pp 2 98.49 % 98.00 % −0.49 pp 3 98.87 % – –" in sheet
    assert "dataset Digits, not MNIST; epochs 2, not 10." in words(text)
    assert kinds(text)[0] == "published"
    assert "published" not in kinds(page(client, "?runs=1&report=off"))
    assert "0.0684" in words(page(client, "?runs=1&figure=test_loss"))
    trained(database, 0.9, architecture={"name": "custom-mlp"})
    assert "published figures" not in page(client, "?runs=2")


def test_published_figures_are_lines_and_rows_on_mnist_alone(client: TestClient, database: Database) -> None:
    for seed in range(3):
        trained(database, 0.5, 0.99 + seed / 1000, dataset="mnist", architecture={"name": "custom-mlp"}, seed=seed)
    trained(database, 0.5, 0.99, architecture={"name": "custom-mlp"})
    text = page(client, "?runs=1,2,3")
    assert "a: 3-layer network, 500+150 units, 1998, 97.05 %" in words(text)
    assert "better than published by 2.05 pp" in words(text)
    assert "Gradient-based learning applied to document recognition" in words(text)
    layout = json.loads(re.findall(r'id="figure-test_accuracy">(.*?)</script>', text, re.S)[0])["layout"]
    assert [line["y0"] for line in layout["shapes"]] == [0.9705, 0.9695]
    assert [label["text"] for label in layout["annotations"]] == ["a,b"]  # too near to each other for two labels
    end = json.loads(
        re.findall(r'id="figure-test_accuracy">(.*?)</script>', page(client, "?runs=1,2,3&span=end"), re.S)[0]
    )["layout"]["yaxis"]["range"]
    assert end[1] <= 1.0
    hidden = page(client, "?runs=1,2,3&literature=off")
    assert "a: 3-layer" not in words(hidden)
    assert "better than published" in words(hidden)
    assert "Against the literature" not in page(client, "?runs=4")


def test_verdicts_stand_on_the_page_against_the_baseline_of_the_address(
    client: TestClient, database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=4, more_wrong=12)
    text = page(client, "?runs=1,2,3,4,5,6,7,8")
    assert re.search(
        r"Custom MLP loses to LeNet-5 by 3\.\d\d pp \[\d\.\d\d, \d\.\d\d\], p = 0\.00\d+, 4 seeds each", words(text)
    )
    assert "How this was worked out" in words(text)
    to_images = re.search(r'href="(/compare/disagreements[^"]*)">Each digit with its interval', text)
    assert to_images
    assert "From LeNet-5 to Custom MLP" in words(client.get(html.unescape(to_images[1])).text)
    other = re.findall(r'id="baseline-(\w+)"', text)[1]
    turned = page(client, f"?runs=1,2,3,4,5,6,7,8&baseline={other[:12]}")
    assert "LeNet-5 beats Custom MLP by 3." in words(turned)
    assert re.search(rf'id="baseline-{other}"[^>]*aria-current="true"', turned)
    assert "No group of these begins with abcdef" in words(page(client, "?runs=1,2&baseline=abcdef"))
    assert "Which is better?" not in page(client, "?runs=1,3")  # one group alone


def test_a_difference_far_beyond_the_others_does_not_flatten_their_picture(
    client: TestClient, database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=4, more_wrong=2)
    runs = [judged(database, settings, range(100 + seed, 400, 2), seed=seed, learning_rate=0.5) for seed in range(4)]
    query = f"runs=1,2,3,4,5,6,7,8,{','.join(map(str, runs))}"
    text = page(client, f"?{query}")
    assert re.findall(r'class="forest"[^>]*?(?:data-beyond="(\w+)")? style', text) == ["", "low"]
    assert "An arrowhead: further than the picture reaches." in words(text)
    (near, far) = re.findall(r"--low: ([\d.]+)%; --high: ([\d.]+)%; --at: ([\d.]+)%", text)
    assert float(near[1]) - float(near[0]) > 30  # of the picture's width
    assert far == ("0.0", "0.0", "0.0")
    report = client.get(f"/compare/report.html?{query}").text
    assert report.count('class="beyond"') == 1
    assert "An arrowhead" in report
    assert "An arrowhead" not in page(client, "?runs=1,2,3,4,5,6,7,8")


def test_a_verdict_says_which_digits_it_is_of(client: TestClient, database: Database, settings: Settings) -> None:
    materialise(settings)
    for seed in range(4):
        judged(database, settings, range(100 + seed, 400, 97), seed=seed)
        wrong = {7 + 10 * image for image in range(seed, 30 + seed)} | {100 + seed}
        judged(database, settings, wrong, seed=seed, architecture={"name": "custom-mlp"})
    shown = "?runs=1,2,3,4,5,6,7,8"
    text = page(client, shown)
    assert re.search(r"The digit read worse: 7 −\d\d\.\d\d pp \. Of the others these runs cannot tell\.", words(text))
    to_images = re.search(r'href="(/compare/disagreements[^"]*label=7#gallery)"', text)
    assert to_images
    assert "Images on which they disagree: 7" in words(client.get(html.unescape(to_images[1])).text)
    (told,) = client.get(f"/api/v1/compare{shown}").json()["verdicts"]
    assert told["of_classes"]["7"]["interval"][1] < 0 < 0.05 > told["of_classes"]["7"]["p"]
    assert told["of_classes"]["3"]["p"] > 0.05
    turned = words(page(client, f"{shown}&baseline={told['group'][:12]}"))
    assert "The digit read better: 7 +" in turned


def test_of_many_groups_a_list_offers_the_baseline_and_the_last_are_folded(
    client: TestClient, database: Database
) -> None:
    for number in range(15):
        trained(database, 0.5, learning_rate=1 / (number + 1))
    text = page(client, f"?runs={','.join(map(str, range(1, 16)))}")
    assert re.search(r"Against LeNet-5, learning rate 1\S* ; choose another", words(text))
    assert len(re.findall(r'id="baseline-[0-9a-f]{64}', text)) == 15
    assert "2 more groups" in words(text)


def test_the_button_queues_more_seeds_and_the_address_has_them(
    client: TestClient, database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=3, more_wrong=2)
    text = page(client, "?runs=1,2,3,4,5,6&lines=interval")
    form = re.search(r'action="([^"]*more-seeds[^"]*)".*?</form>', text, re.S)
    assert form
    fields = dict(re.findall(r'name="(\w+)"(?: id="[^"]*")? value="([^"]*)"', form[0]))
    number = int(fields["seeds"])
    assert f"About {number} more seeds each would decide." in words(text)
    # each of the two groups takes 10 s per epoch, two epochs; six workers with a slot each claimed the runs
    assert f"About {roughly(2 * 20 * number / 6)} on 6 slots (a single one about 20 s)" in words(form[0])
    answer = client.post(html.unescape(form[1]), data=fields)
    assert answer.status_code == 303
    added = ",".join(str(run) for run in range(7, 7 + 2 * number))
    assert answer.headers["location"] == f"/compare?runs=1,2,3,4,5,6,{added}&lines=interval"
    assert f"{2 * number} runs have not ended" in words(client.get(answer.headers["location"]).text)
    assert client.post(html.unescape(form[1]), data=fields).headers["location"] == answer.headers["location"]


def test_what_a_name_leaves_out_and_stands_for_is_told(client: TestClient, database: Database) -> None:
    pool = {"name": "lenet5", "parameters": {"pool": "max"}}
    runs = [trained(database, 0.5, architecture=one) for one in (pool, {"name": "report-mlp"})]
    text = page(client, f"?runs={','.join(map(str, runs))}")
    assert rows(text, "group")[0].startswith("LeNet-5 baseline")
    names = words(text.split('id="names"')[1].split("</details>")[0])
    assert "LeNet-5 : The classic two convolutions" in names
    assert "Here with pool max, epochs 1." in names
    assert "Report's “Custom MLP” : What the report trained under the name Custom MLP: LeNet-5 of 1998" in names


def test_as_many_more_seeds_are_queued_as_the_user_chooses_and_an_empty_house_is_told(
    client: TestClient, database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=3, more_wrong=2)
    with database.writing() as session:
        for worker in live_workers(session):
            end(session, worker.id or 0)
    text = page(client, "?runs=1,2,3,4,5,6")
    assert "on one slot" in words(text)
    assert "No worker is there: they wait until one runs." in words(text)
    form = re.search(r'action="([^"]*more-seeds[^"]*)".*?</form>', text, re.S)
    assert form
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    answers = [client.post(html.unescape(form[1]), data=fields | {"seeds": seeds}) for seeds in ("0", "201", "2")]
    assert [answer.status_code for answer in answers] == [422, 422, 303]
    assert answers[2].headers["location"] == "/compare?runs=1,2,3,4,5,6,7,8,9,10"


def test_the_band_is_the_range_or_the_interval(client: TestClient, three_seeds: list[int]) -> None:
    band = traces(page(client, "?runs=1,2,3&lines=interval"))[0]
    assert band["y"][1] == pytest.approx(0.9 + 0.2484, abs=1e-4)
    assert 'aria-current="true">mean and 95 % interval' in page(client, "?runs=1,2,3&lines=interval")


def test_how_far_the_runs_are_is_told(client: TestClient, database: Database) -> None:
    trained(database, 0.5, seed=0)
    trained(database, 0.5, 0.6, done=False, seed=1)
    launch(database, epochs=3, seed=2)
    text = words(page(client, "?runs=1,2,3"))
    assert "1 of 3 runs done , about 30 s left" in text
    assert "2 groups" in text
    assert "–" in rows(page(client, "?runs=3"), "group")[0]


def test_lines_that_nobody_tells_apart_share_a_trace_which_knows_its_parts(
    client: TestClient, database: Database
) -> None:
    with database.writing() as session:
        launch_experiment(session, plan_experiment(base=BASE, grid={}, seeds=MANY + 3))
    (trace,) = traces(page(client, "?experiment=1&lines=seeds"))
    parts = trace["meta"]["parts"]
    assert [run for _, _, run, _ in parts] == list(range(1, MANY + 4))
    assert parts[2][1] == "LeNet-5, seed 2"
    assert "parts" not in str(traces(page(client, f"?runs={','.join(map(str, range(1, MANY + 1)))}&lines=seeds")))


def test_the_page_follows_a_run_of_its_address_that_is_in_the_bin(client: TestClient, three_seeds: list[int]) -> None:
    assert client.delete("/api/v1/runs/2").status_code == 204
    text = page(client, "?runs=1,2,3")
    assert "Run 2 is in the bin." in words(text)
    assert 'data-runs="1,3,2"' in text  # so it comes again when it is restored


def test_names_with_commas_are_told_apart_in_a_sentence(client: TestClient, database: Database) -> None:
    runs = [trained(database, 0.5, learning_rate=rate) for rate in (0.1, 0.01)]
    told = words(page(client, f"?runs={runs[0]},{runs[1]}"))
    assert "Too few seeds to judge “LeNet-5, learning rate 0.01” and “LeNet-5, learning rate 0.1”:" in told


def test_the_fragment_is_what_the_page_includes(client: TestClient, three_seeds: list[int]) -> None:
    fragment = client.get("/compare/now?runs=1,2,3").text
    assert fragment in page(client, "?runs=1,2,3")
    assert "<html" not in fragment


def test_a_hundred_runs_of_fifty_epochs_are_soon_there(
    client: TestClient, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [launch(database, seed=seed % 5, learning_rate=1 / (1 + seed // 5), epochs=50) for seed in range(100)]
    with database.writing() as session:
        session.add_all(_epoch(run, number) for run in runs for number in range(1, 51))
    address = f"/compare?runs={','.join(map(str, runs))}"
    started = time.perf_counter()
    text = page(client, address.removeprefix("/compare"))
    seconds = time.perf_counter() - started
    with capsys.disabled():
        print(f"\n    100 runs of 50 epochs in 20 groups: {seconds:.2f} s, {len(text) / 1e6:.1f} MB")
    assert len(rows(text, "group")) == 20
    assert seconds < 10  # tells broken from working on a busy machine; the figure is printed


def _epoch(run: int, number: int) -> Epoch:
    return Epoch(
        run_id=run, epoch=number, attempt=1, train_loss=1 / number, train_accuracy=0.5, val_loss=None,
        val_accuracy=None, test_loss=1 / number, test_accuracy=1 - 1 / number, non_finite=[], learning_rate=0.1,
        seconds=1.0, train_seconds=1.0, evaluation_seconds=0.1, checkpoint_seconds=0.1, images_per_second=1000.0,
        peak_memory_bytes=2**20, recorded_at=datetime.now(UTC),
    )  # fmt: skip
