"""The New run page over a real database: what it shows, what it refuses and what it launches."""

import json
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.main import create_app
from core.architectures.catalogue import FAMILIES
from core.dataset_store import Arrays
from core.dataset_writer import write
from core.datasets import DATASETS
from core.run_config import RunConfig, parse_run_config
from core.settings import Settings
from core.tables import Run

HOSTILE = """<script>alert(1)</script>"'&{{7*7}}"""


class Page(HTMLParser):
    """What a browser would send of the page's form, and the reasons it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.sent, self.reasons = text, dict[str, str](), dict[str, str]()
        self.invalid, self.tags, self.command = set[str](), list[str](), ""
        self.ticked = list[str]()  # networks beside the chosen one
        self._select, self._reason, self._in_command = "", "", False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        name = values.get("name", "")
        if "aria-invalid" in values:
            self.invalid.add(name)
        if tag == "input" and (values["type"] not in ("radio", "checkbox") or "checked" in values):
            self.sent[name] = values["value"]
            self.ticked += [values["value"]] if name == "also.architecture" else []
        if tag == "select":
            self._select = name
        if tag == "option" and "selected" in values:
            self.sent[self._select] = values["value"]
        self._reason = values.get("data-reason-of", "")
        self._in_command = values.get("id") == "curl-command"

    def handle_endtag(self, tag: str) -> None:
        self._reason, self._in_command = "", False

    def handle_data(self, data: str) -> None:
        if self._reason and data.strip():
            self.reasons[self._reason] = data.strip()
        if self._in_command:
            self.command += data


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data_dir=tmp_path)), base_url="http://127.0.0.1:8000") as opened:
        yield opened


def page(client: TestClient, **query: str) -> Page:
    response = client.get("/runs/new", params=query)
    assert response.status_code == 200
    return Page(response.text)


def launched(client: TestClient, form: dict[str, str]) -> dict[str, Any]:  # a run config's JSON
    response = client.post("/runs", data=form, follow_redirects=False)
    assert response.status_code == 303, Page(response.text).reasons
    run_id = int(response.headers["location"].rpartition("/")[2])
    return dict(run_of(client, run_id).config)


def run_of(client: TestClient, run_id: int) -> Run:
    with client.app.state.database.reading() as session:  # type: ignore[attr-defined]
        run = session.get(Run, run_id)
        assert isinstance(run, Run)
        return run


def num_runs(client: TestClient) -> int:
    return int(client.get("/api/v1/runs").json()["num_matching"])


def refused(client: TestClient, **changes: str) -> Page:
    response = client.post("/runs", data=page(client).sent | changes, follow_redirects=False)
    assert response.status_code == 422
    assert num_runs(client) == 0
    return Page(response.text)


def test_the_untouched_form_launches_the_defaults_of_the_report(client: TestClient) -> None:
    config = launched(client, page(client).sent)
    assert config == parse_run_config({"architecture": {"name": "lenet5"}, "dataset": "digits"}).model_dump(mode="json")
    assert (config["optimizer"], config["learning_rate"], config["momentum"]) == ("sgd", 0.01, 0.9)
    assert (config["batch_size"], config["epochs"], config["validation"]) == (64, 10, "none")


def test_a_form_without_any_field_launches_the_defaults_too(client: TestClient) -> None:
    assert launched(client, {}) == launched(client, page(client).sent)


EVERY_FIELD: dict[str, tuple[str, Any]] = {
    "name": ("Second try", "Second try"), "dataset": ("mnist", "mnist"), "epochs": ("12", 12),
    "batch_size": ("32", 32), "optimizer": ("adamw", "adamw"), "learning_rate": ("1e-3", 0.001),
    "weight_decay": ("0.01", 0.01), "schedule": ("one-cycle", "one-cycle"), "label_smoothing": ("0.1", 0.1),
    "augmentation": ("affine", "affine"), "validation": ("5000", 5000), "selection": ("best_val", "best_val"),
    "early_stopping_patience": ("4", 4), "seed": ("7", 7), "device": ("cpu", "cpu"), "precision": ("bf16", "bf16"),
}  # fmt: skip
DEPENDENT: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"optimizer": "sgd", "momentum": "0.8", "nesterov": "true"}, {"momentum": 0.8, "nesterov": True}),
    ({"schedule": "step", "step_epochs": "2", "step_factor": "0.5"}, {"step_epochs": 2, "step_factor": 0.5}),
    ({"schedule": "cosine", "warmup_epochs": "3"}, {"warmup_epochs": 3}),
]


def test_every_field_goes_from_the_url_through_the_form_into_the_run(client: TestClient) -> None:
    typed = {name: text for name, (text, _) in EVERY_FIELD.items()}
    config = launched(client, page(client, **typed).sent)
    assert {name: config[name] for name in EVERY_FIELD} == {name: value for name, (_, value) in EVERY_FIELD.items()}
    dependent = {name for texts, _ in DEPENDENT for name in texts}
    assert set(RunConfig.model_fields) == {*EVERY_FIELD, *dependent, "architecture", "source"}


@pytest.mark.parametrize(("texts", "expected"), DEPENDENT)
def test_a_dependent_field_counts_beside_its_choice(
    client: TestClient, texts: dict[str, str], expected: dict[str, Any]
) -> None:
    config = launched(client, page(client, **texts).sent)
    assert {name: config[name] for name in expected} == expected


def test_what_another_choice_makes_meaningless_is_left_out(client: TestClient) -> None:
    config = launched(client, page(client).sent | {"optimizer": "adam", "momentum": "nonsense", "step_epochs": "0"})
    assert (config["momentum"], config["nesterov"], config["step_epochs"]) == (None, None, None)


def test_a_run_stores_only_the_parameters_that_differ_from_the_familys_preset(client: TestClient) -> None:
    form = page(client, architecture="lenet5-moon").sent
    assert form["lenet5-moon.batch_norm"] == "true"
    changes = {
        "lenet5-moon.filters": "8 24", "lenet5-moon.batch_norm": "false", "lenet5-moon.pool": "avg",
        "lenet5-moon.hidden": " 120,84", "lenet5-moon.dropout": "0.50", "lenet5.filters": "1, 1",
    }  # fmt: skip
    architecture = launched(client, form | changes)["architecture"]
    assert architecture["parameters"] == {"filters": [8, 24], "batch_norm": False, "pool": "avg"}


def test_the_form_has_every_parameter_of_every_family(client: TestClient) -> None:
    sent = page(client).sent
    for family in FAMILIES.values():
        assert {f"{family.name}.{name}" for name in family.parameters.model_fields} - {
            name for name in sent if name.startswith(f"{family.name}.")
        } == set()


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"epochs": "0"}, "epochs", "must be at least 1"),
        ({"epochs": "ten"}, "epochs", "must be a whole number"),
        ({"epochs": ""}, "epochs", "must be a whole number"),
        ({"learning_rate": "nan"}, "learning_rate", "must be a number"),
        ({"learning_rate": "-1"}, "learning_rate", "must be greater than 0"),
        ({"momentum": ""}, "momentum", "must be a number"),
        ({"momentum": "0", "nesterov": "true"}, "nesterov", "needs a momentum above 0"),
        ({"schedule": "cosine", "warmup_epochs": "10"}, "warmup_epochs", "must be fewer than the epochs"),
        ({"schedule": "zigzag"}, "schedule", "must be 'constant', 'step', 'cosine' or 'one-cycle'"),
        ({"validation": "some"}, "validation", "must be none, or a number of images"),
        ({"validation": "1437"}, "validation", "must leave images to train on"),
        ({"selection": "best_val"}, "selection", "set validation"),
        ({"early_stopping_patience": "2"}, "early_stopping_patience", "set validation"),
        ({"seed": "-1"}, "seed", "must be at least 0"),
        ({"name": "x" * 121}, "name", "must have at most 120 characters"),
        ({"name": "two\nlines"}, "name", "one line"),
        ({"dataset": "imagenet"}, "dataset", "is not one of"),
        ({"architecture": "resnet"}, "architecture", "There is no architecture"),
        ({"lenet5.filters": "6, x"}, "lenet5.filters", "number 2 must be a whole number"),
        ({"lenet5.filters": "6"}, "lenet5.filters", "takes two to four numbers, not 1"),
        ({"lenet5.dropout": "0.95"}, "lenet5.dropout", "must be at most 0.9"),
        ({"lenet5.pool": "min"}, "lenet5.pool", "must be 'max' or 'avg'"),
        ({"lenet5.filters": "256, 256, 256, 256", "lenet5.padding": "8"}, "network", "at most"),
    ],
)
def test_a_refused_value_is_told_beside_its_field(
    client: TestClient, changes: dict[str, str], field: str, reason: str
) -> None:
    answer = refused(client, **changes)
    assert list(answer.reasons) == [field]
    assert reason in answer.reasons[field]
    if field not in ("dataset", "architecture", "network"):  # cards, and the layer table
        assert answer.invalid == {field}


def test_all_reasons_come_at_once_and_all_that_was_typed_is_kept(client: TestClient) -> None:
    typed = {
        "name": HOSTILE, "epochs": "1O", "early_stopping_patience": "3", "lenet5.hidden": "120: 84", "dataset": "mnist",
    }  # fmt: skip
    answer = refused(client, **typed)
    assert set(answer.reasons) == {"epochs", "early_stopping_patience", "lenet5.hidden"}
    assert {name: answer.sent[name] for name in typed} == typed
    assert 'href="#lenet5-hidden"' in answer.text
    assert answer.text.count("autofocus") == 1


def test_what_was_typed_is_shown_as_text(client: TestClient) -> None:
    clean = page(client)
    for hostile in (page(client, name=HOSTILE, epochs=HOSTILE), refused(client, name=HOSTILE, epochs=HOSTILE)):
        assert hostile.sent["name"] == hostile.sent["epochs"] == HOSTILE
        assert hostile.tags.count("script") == clean.tags.count("script")
    assert launched(client, page(client, name=HOSTILE).sent)["name"] == HOSTILE


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"name": 'it\'s "mine" $HOME `id` \\ é', "seed": "3"},
        {"architecture": "lenet5-moon", "lenet5-moon.filters": "4, 8", "lenet5-moon.dropout": "0"},
        {"optimizer": "adam", "schedule": "cosine", "warmup_epochs": "2", "epochs": "5", "validation": "100"},
        {"nesterov": "true", "schedule": "step", "step_factor": "0.2"},
    ],
)
def test_the_curl_command_means_the_same_run(client: TestClient, texts: dict[str, str]) -> None:
    shown = page(client, **texts)
    words = shlex.split(shown.command)
    assert words[:4] == ["curl", "-X", "POST", "http://127.0.0.1:8000/api/v1/runs"]
    body = words[words.index("-d") + 1]
    assert "Authorization" not in shown.command
    answer = client.post("/api/v1/runs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201
    assert run_of(client, answer.json()["id"]).config == launched(client, shown.sent)
    typed = {name.partition(".")[0] for name in texts} - {"lenet5-moon"}
    assert set(json.loads(body)) == {"architecture", "dataset", *typed}


def test_with_a_token_the_curl_command_shows_where_it_goes_but_not_the_token(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, token="correct horse")  # type: ignore[arg-type]  # pydantic wraps it
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as client:
        client.headers["Authorization"] = "Bearer correct horse"
        shown = page(client)
    assert '-H "Authorization: Bearer $TRAINYARD_TOKEN"' in shown.command
    assert "correct horse" not in shown.text


def test_the_same_form_sent_twice_is_one_run_and_a_changed_one_another(client: TestClient) -> None:
    form = page(client).sent
    assert form["launch_key"] != page(client).sent["launch_key"]
    launched(client, form)
    launched(client, form)
    assert num_runs(client) == 1
    launched(client, form | {"seed": "1"})
    launched(client, page(client).sent)
    assert num_runs(client) == 3


def test_a_run_fills_the_form_and_the_url_overrules_it(client: TestClient) -> None:
    first = {"architecture": "lenet5-moon", "lenet5-moon.filters": "8, 24", "lenet5-moon.batch_norm": "false"}
    first |= {"optimizer": "adam", "validation": "200", "selection": "best_val", "epochs": "4"}
    config = launched(client, page(client, **first).sent)
    assert launched(client, Page(client.get("/runs/new?from=1").text).sent) == config
    changed = launched(client, Page(client.get("/runs/new?from=1&epochs=6").text).sent)
    assert changed == config | {"epochs": 6}


def test_a_run_that_does_not_exist_cannot_be_edited(client: TestClient) -> None:
    assert client.get("/runs/new?from=99").status_code == 404


def measured(client: TestClient, **figures: Any) -> None:  # columns of Run
    launched(client, page(client).sent)
    with client.app.state.database.writing() as session:  # type: ignore[attr-defined]
        for column, value in figures.items():
            setattr(session.get(Run, num_runs(client)), column, value)


def test_the_time_it_takes_is_told_from_measured_runs(client: TestClient) -> None:
    assert "unknown until the first run on Digits" in page(client).text
    measured(client, seconds_per_epoch=3.0)
    assert "about 30 s, from the last run like it" in page(client).text
    measured(client, seconds_per_epoch=5.0)
    assert "about 20 s, from the last 2 runs like it" in page(client, epochs="5").text
    assert "scaled from the last 2 runs on Digits" in page(client, architecture="custom-mlp").text
    assert "unknown until the first run on MNIST" in page(client, dataset="mnist").text


def test_the_outlook_follows_what_is_typed_and_so_does_the_address(client: TestClient) -> None:
    typed = page(client).sent | {"lenet5.filters": "8, 24", "schedule": "step", "step_epochs": "4"}
    answer = client.get("/runs/new/outlook", params=typed)
    assert answer.headers["hx-replace-url"] == "/runs/new?schedule=step&step_epochs=4&lenet5.filters=8%2C+24"
    assert "Conv2d 24 filters 5×5" in answer.text
    assert "Learning rate over 10 epochs: 0.01 at the first step, at most 0.01, 0.0001 at the last." in answer.text
    assert "schedule" in shlex.split(Page(answer.text).command)[-1]
    wrong = client.get("/runs/new/outlook", params=typed | {"epochs": "0"})
    assert wrong.status_code == 200
    assert "must be at least 1" in wrong.text
    assert "Conv2d 24 filters 5×5" in wrong.text


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle"])
@pytest.mark.parametrize(("epochs", "batch_size"), [("1", "65536"), ("1", "1"), ("10000", "1"), ("7", "64")])
def test_every_schedule_is_drawn_inside_its_frame(
    client: TestClient, schedule: str, epochs: str, batch_size: str
) -> None:
    text = page(client, schedule=schedule, epochs=epochs, batch_size=batch_size).text
    line = text.partition('class="line" d="M')[2].partition('"')[0]
    points = [[float(part) for part in point.split(",")] for point in line.split(" L")]
    assert len(points) >= 2
    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in points)


def test_samples_show_once_the_worker_made_them_and_are_asked_for_once(client: TestClient, tmp_path: Path) -> None:
    assert client.get("/datasets/digits/samples.png").status_code == 404
    assert client.get("/datasets/nonsense/samples.png").status_code == 404
    assert page(client).text.count("Samples appear after the first run") == len(DATASETS)
    images = np.arange(30 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(30, 1, 28, 28)
    arrays = Arrays(images, np.arange(30, dtype=np.uint8) % 10, images, np.arange(30, dtype=np.uint8) % 10)
    folder = Settings(data_dir=tmp_path).materialised_dir
    folder.mkdir()
    write(folder, "digits", arrays, classes=DATASETS["digits"].classes, mean=0.1, std=0.3, source="here")
    shown = page(client).text
    assert shown.count("Samples appear after the first run") == len(DATASETS) - 1
    assert "Here already." in shown
    image = client.get("/datasets/digits/samples.png")
    assert image.headers["content-type"] == "image/png"
    assert image.content[16:24] == (298).to_bytes(4, "big") + (88).to_bytes(
        4, "big"
    )  # width and height, as in the page
    again = client.get("/datasets/digits/samples.png", headers={"If-None-Match": image.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
