"""The Experiments page, an experiment's own, and the report again: what they show and what their buttons do."""

import re
from datetime import UTC, datetime
from typing import Any

from fastapi.testclient import TestClient

from core import queue_order, workers
from core.database import Database
from core.datasets import RAW_FILES
from core.experiment_plan import plan_experiment
from core.experiments import launch_experiment, list_experiments, runs_of_experiment
from core.run_state import RunState
from core.settings import Settings
from core.tables import Experiment, Look, Run
from tests.app.trained_runs import claim, complete, join, record_epochs

HOSTILE = """<script>alert(1)</script>"'&{{7*7}}"""
BASE: dict[str, Any] = {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 2}


def launch(database: Database, **asked: Any) -> int:
    """Learning rates 0.1 and 0.01 with two seeds, unless asked otherwise."""
    given: dict[str, Any] = {"base": BASE, "grid": {"learning_rate": [0.1, 0.01]}, "seeds": 2} | asked
    with database.writing() as session:
        experiment = launch_experiment(session, plan_experiment(**given))
        assert experiment.id is not None
        return experiment.id


def runs_of(database: Database, experiment_id: int) -> list[Run]:
    with database.reading() as session:
        return runs_of_experiment(session, experiment_id)


def text_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<head>.*?</head>", "", answer.text)).split())


def post(client: TestClient, path: str, **form: str) -> str:
    answer = client.post(path, data=form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_without_experiments_the_page_offers_the_report(client: TestClient) -> None:
    assert "Ask a question of several networks" in text_of(client, "/experiments")
    assert 'href="/experiments/report"' in client.get("/experiments").text
    assert 'href="/experiments/report"' in client.get("/runs").text


def test_an_experiment_lists_its_looks_and_leads_to_its_errors(client: TestClient, database: Database) -> None:
    experiment = launch(database)
    assert "Its errors" not in text_of(client, f"/experiments/{experiment}")
    first, second = list(dict.fromkeys(run.config_hash for run in runs_of(database, experiment)))
    lease = claim(database, join(database))
    record_epochs(database, lease, 1, 2)
    complete(database, lease)
    with database.writing() as session:
        for baseline in (first, "e" * 64):
            session.add(
                Look(
                    experiment_id=experiment, group_hash=second, baseline_hash=baseline, seeds=[2, 3],
                    created_at=datetime.now(UTC),
                )
            )  # fmt: skip
    text = text_of(client, f"/experiments/{experiment}")
    assert re.search(r"2 more seeds each of learning rate 0\.01 and learning rate 0\.1 , just now", text)
    assert "a group of another experiment (eeeeeeeeeeee)" in text
    shown = client.get(f"/experiments/{experiment}").text
    assert f'href="/compare?groups={second[:16]},{first[:16]}&amp;baseline={first[:12]}"' in shown
    assert f"?experiment={experiment}" in shown.split('id="act-errors"')[1].split(">")[0]


def test_the_list_tells_what_varies_and_how_far_it_is(client: TestClient, database: Database) -> None:
    launch(database, name=HOSTILE)
    lease = claim(database, join(database))
    record_epochs(database, lease, 1, 2)
    complete(database, lease)
    shown = client.get("/experiments").text
    assert HOSTILE not in shown
    assert 'value="0.25"' in shown
    text = text_of(client, "/experiments")
    assert "learning rate varies · 2 configs × 2 seeds" in text
    assert "3 queued 1 completed" in text


def test_the_list_goes_back_in_time(client: TestClient, database: Database) -> None:
    for number in range(31):
        launch(database, name=f"number {number}", grid={}, seeds=1)
    first = client.get("/experiments").text
    assert "number 30" in first
    assert "number 0<" not in first
    assert "number 0<" in client.get("/experiments?before=2").text
    assert 'href="/experiments?before=2"' in first


def test_a_group_shows_its_seeds_and_their_mean_and_range(client: TestClient, database: Database) -> None:
    experiment = launch(database)
    worker = join(database, slots=2)
    first, second, third = (claim(database, worker) for _ in range(3))
    for lease, epochs in ((first, 1), (second, 1), (third, 2)):
        record_epochs(database, lease, *range(1, epochs + 1))
    complete(database, third)
    text = text_of(client, f"/experiments/{experiment}")
    assert "learning rate 0.1 1 of 2 91.50 % 91.00 % to 92.00 %" in text
    assert "learning rate 0.01 0 of 2 91.00 % –" in text
    assert "1 of 4 runs done" in text
    assert "4 of 8 epochs" in text
    assert f'href="/compare?experiment={experiment}"' in client.get(f"/experiments/{experiment}").text
    assert text_of(client, f"/experiments/{experiment}/now") in text


def test_a_run_tells_its_group_and_its_experiment(client: TestClient, database: Database) -> None:
    experiment = launch(database, name="Rates & luck")
    run = runs_of(database, experiment)[-1]
    shown = text_of(client, f"/runs/{run.id}")
    assert "Seed 2 of 2 in the group learning rate 0.01 , of the experiment Rates &amp; luck ." in shown
    link = f'href="/experiments/{experiment}#group-{run.config_hash[:12]}"'
    assert link in client.get(f"/runs/{run.id}").text
    assert link.split("#")[1].rstrip('"') in client.get(f"/experiments/{experiment}").text


def test_all_runs_are_held_released_and_cancelled_at_once(client: TestClient, database: Database) -> None:
    experiment = launch(database)
    page = f"/experiments/{experiment}"
    assert post(client, f"{page}/hold") == page
    assert all(run.held_at for run in runs_of(database, experiment))
    assert "Held: 4 runs wait until you release them" in text_of(client, page)
    post(client, f"{page}/release")
    assert not any(run.held_at for run in runs_of(database, experiment))
    post(client, f"{page}/cancel")
    assert {run.state for run in runs_of(database, experiment)} == {RunState.CANCELLED}
    assert "0 of 4 runs completed, the last ended just now" in text_of(client, page)


def test_name_and_notes_are_kept_as_text(client: TestClient, database: Database) -> None:
    page = f"/experiments/{launch(database)}"
    post(client, f"{page}/rename", name=HOSTILE)
    post(client, f"{page}/notes", notes=HOSTILE)
    assert HOSTILE not in client.get(page).text
    assert text_of(client, page).count("alert(1)") >= 2
    assert client.post(f"{page}/rename", data={"name": " "}).status_code == 422
    assert client.post(f"{page}/notes", data={"notes": "x" * 10_001}).status_code == 422


def test_a_deleted_experiment_is_undone(client: TestClient, database: Database) -> None:
    experiment = launch(database)
    page = f"/experiments/{experiment}"
    assert post(client, f"{page}/delete") == page
    assert runs_of(database, experiment) == []
    assert "All of its runs are in the bin" in text_of(client, page)
    assert "Ask a question" in text_of(client, "/experiments")
    post(client, f"{page}/restore")
    assert len(runs_of(database, experiment)) == 4


def test_an_experiment_with_a_running_run_is_not_deleted(client: TestClient, database: Database) -> None:
    experiment = launch(database)
    claim(database, join(database))
    assert "act-delete" not in client.get(f"/experiments/{experiment}").text
    assert client.post(f"/experiments/{experiment}/delete").status_code == 409
    assert len(runs_of(database, experiment)) == 4


def test_the_time_left_counts_the_slots_and_the_epochs_that_are_done(client: TestClient, database: Database) -> None:
    experiment = launch(database)
    lease = claim(database, join(database, slots=1))
    record_epochs(database, lease, 1)  # ten seconds; seven more are to come
    assert "0 of 4 runs done, about 1 min left" in text_of(client, f"/experiments/{experiment}")
    with database.writing() as session:
        queue_order.pause_queue(session, True)
    assert "how long the rest takes is not known yet" in text_of(client, f"/experiments/{experiment}")


def test_the_report_page_knows_of_files_that_are_here_already(client: TestClient, settings: Settings) -> None:
    raw = settings.datasets_dir / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in RAW_FILES[:3]:
        (raw / f"{name}.gz").touch()
    assert "MNIST , the report's own Not here yet" in text_of(client, "/experiments/report")
    (raw / RAW_FILES[3]).touch()
    text = text_of(client, "/experiments/report")
    assert "MNIST , the report's own Its files are here; the first run makes them ready, without the network." in text


def test_the_report_page_says_what_will_happen(client: TestClient) -> None:
    text = text_of(client, "/experiments/report")
    assert "5 configs × 3 seeds = 15 runs." in text
    assert "MNIST , the report's own Not here yet: the first run fetches it, which needs the network." in text
    assert "Start 15 runs" in text
    assert "Start 10 runs" in text_of(client, "/experiments/report?dataset=digits&seeds=2")
    assert text_of(client, "/experiments/report?dataset=nope").count("kmnist, mnist. ") == 1
    for seeds, reason in (("0", "at least one"), ("many", "whole number"), ("900", "at most 1,000")):
        assert reason in text_of(client, f"/experiments/report?dataset=digits&seeds={seeds}")


def test_one_click_launches_the_report_once(client: TestClient, database: Database) -> None:
    form = {"dataset": "digits", "seeds": "2", "launch_key": "abc"}
    page = post(client, "/experiments/report", **form)
    assert post(client, "/experiments/report", **form) == page
    with database.reading() as session:
        (told,) = list_experiments(session)
        assert (told.num_groups, sum(told.num_runs.values())) == (5, 10)
        assert session.get_one(Experiment, 1).name == "The report on Digits"
    assert "LeNet-5 pool max" in text_of(client, page)
    refused = client.post("/experiments/report", data={"dataset": "digits", "seeds": "0"})
    assert refused.status_code == 422
    assert "at least one" in refused.text


def test_an_experiment_that_is_not_there_has_no_page(client: TestClient) -> None:
    assert client.get("/experiments/9").status_code == 404
    assert client.post("/experiments/9/cancel").status_code == 404


def test_an_experiment_that_waits_for_disk_space_says_so(client: TestClient, database: Database) -> None:
    path, worker = f"/experiments/{launch(database)}", join(database)
    assert "It waits for disk space." not in text_of(client, path)
    with database.writing() as session:
        workers.beat(session, worker, {"free_space_low": True})
    assert "It waits for disk space. See what takes room" in text_of(client, path)


def test_a_field_has_the_same_words_on_every_page(client: TestClient, database: Database) -> None:
    grid = {"architecture.parameters.batch_norm": [True, False], "warmup_epochs": [0, 1]}
    base = {"architecture": {"name": "lenet5-moon"}, "dataset": "digits", "epochs": 2, "schedule": "cosine"}
    experiment_id = launch(database, base=base, grid=grid)
    for path in (f"/experiments/{experiment_id}", f"/compare?experiment={experiment_id}"):
        assert "batch norm yes, warm-up epochs 0" in text_of(client, path)
