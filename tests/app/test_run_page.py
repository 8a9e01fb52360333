"""The Run page, over a real database: a face for each state, only what is legal, nothing that a name could break."""

import json
import re
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core import queue, queue_order, run_changes
from core.database import Database
from core.exports import record_export
from core.metrics import record_environment, record_latency, record_progress
from core.records import WrittenFile
from core.tables import Run
from tests.app.trained_runs import complete, fail, join, launch, record_epochs, record_weights, started

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{ 7 * 7 }} &amp;"


def page(client: TestClient, run_id: int) -> str:
    answer = client.get(f"/runs/{run_id}")
    assert answer.status_code == 200
    return answer.text


def words(html: str) -> str:
    """The text of a page as it is read: inline tags join, others part."""
    text = re.sub(r"<(script|style).*?</\1>", " ", html, flags=re.S)
    text = re.sub(r"</?(a|b|bdi|code|span|time)\b[^>]*>", "", text)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def actions(html: str) -> set[str]:
    return set(re.findall(r'id="act-([a-z]+)"', html))


def figure(html: str, key: str) -> dict[str, Any]:
    found = re.search(rf'<script type="application/json" id="figure-{key}">(.*?)</script>', html, flags=re.S)
    assert found is not None, f"no figure {key}"
    loaded: dict[str, Any] = json.loads(found[1])
    return loaded


def test_a_queued_run_tells_its_place_and_never_that_it_started(client: TestClient, database: Database) -> None:
    measured = started(database, name="measured")
    record_epochs(database, measured, 1)
    launch(database)
    second = launch(database, seed=1)
    told = page(client, second)
    assert "Added to the queue, second, starts in about" in words(told)
    assert "started" not in words(told)
    assert actions(told) == {"front", "hold", "cancel", "again", "edit", "delete"}


def test_the_first_in_line_is_not_offered_the_front(client: TestClient, database: Database) -> None:
    assert "front" not in actions(page(client, launch(database)))


def test_without_a_worker_the_page_says_how_to_start_one(client: TestClient, database: Database) -> None:
    assert "No worker is there to train it. Start one with trainyard work" in words(page(client, launch(database)))


def test_when_nothing_was_measured_the_start_is_unknown(client: TestClient, database: Database) -> None:
    started(database)
    told = words(page(client, launch(database)))
    assert "Added to the queue, first, starts when a slot is free." in told
    assert "unknown until a run like those before it has been measured" in told


def test_a_paused_queue_offers_to_go_on(client: TestClient, database: Database) -> None:
    run_id = launch(database)
    with database.writing() as session:
        queue_order.pause_queue(session, paused=True)
    told = page(client, run_id)
    assert "The queue is paused, so nothing starts." in words(told)
    assert "resume" in actions(told)


def test_a_held_run_waits_for_its_release(client: TestClient, database: Database) -> None:
    run_id = launch(database)
    with database.writing() as session:
        queue.hold(session, run_id, held=True)
    told = page(client, run_id)
    assert "Held: it waits until you release it." in words(told)
    assert {"release", "cancel"} <= actions(told)
    assert not {"hold", "front"} & actions(told)


def test_a_run_that_was_just_claimed_is_prepared_and_cannot_be_deleted(client: TestClient, database: Database) -> None:
    told = page(client, started(database).run_id)
    assert "A worker has taken it and prepares the data and the network." in words(told)
    assert actions(told) == {"hold", "cancel", "again", "edit"}


def test_fetching_data_shows_what_is_fetched(client: TestClient, database: Database) -> None:
    lease = started(database)
    with database.writing() as session:
        record_progress(session, lease, phase="fetching", message="train-images: 34 % <b>")
    assert "Fetching data: train-images: 34 % <b>" in words(page(client, lease.run_id))


def test_a_running_run_tells_epoch_step_speed_and_what_is_left(client: TestClient, database: Database) -> None:
    lease = started(database)
    record_epochs(database, lease, 1, 2)  # 10 s each, of 4
    with database.writing() as session:
        record_progress(
            session,
            lease,
            phase="training",
            epoch=3,
            step=10,
            steps_per_epoch=20,
            images_per_second=14200.0,
            loss=0.75,
        )
    told = page(client, lease.run_id)
    assert "Training, about 15 s left" in words(told)
    assert "epoch 3 of 4 step 10 of 20 14,200 images/s" in words(told)
    assert '<progress class="run-bar" max="1" value="0.625"' in told
    assert "<title>62 % · lenet5 on digits, seed 0</title>" in told
    assert figure(told, "step_loss")["data"][0]["y"] == [0.75]


@pytest.mark.parametrize(
    ("wish", "told", "offered"),
    [
        (lambda session, run_id: queue.cancel(session, run_id), "Cancelling: it stops", {"again", "edit"}),
        (
            lambda session, run_id: queue.hold(session, run_id, held=True),
            "Pausing: it goes back to the queue",
            {"release", "cancel", "again", "edit"},
        ),
    ],
)
def test_a_wish_is_told_before_it_is_obeyed(
    client: TestClient, database: Database, wish: Any, told: str, offered: set[str]
) -> None:
    lease = started(database)
    with database.writing() as session:
        wish(session, lease.run_id)
    shown = page(client, lease.run_id)
    assert told in words(shown)
    assert actions(shown) == offered


def test_a_completed_run_shows_its_figures_curves_and_downloads(client: TestClient, database: Database) -> None:
    lease = started(database)
    record_epochs(database, lease, 1, 2, 3, 4)
    record_weights(database, lease)
    with database.writing() as session:
        record_environment(session, lease, {"torch": "2.15.0+cpu", "threads": 1})
    complete(database, lease)
    told = page(client, lease.run_id)
    assert "<title>✓ 94.0 % · lenet5 on digits, seed 0</title>" in told
    assert "test accuracy 94.00 % train accuracy 80.00 % test loss 0.5 train loss 0.25 epoch takes 10 s" in words(told)
    assert "torch 2.15.0+cpu threads 1" in words(told)
    assert actions(told) == {"again", "start", "reproduce", "edit", "errors", "try", "weights", "delete"}
    assert re.search(rf'href="/api/v1/runs/{lease.run_id}/artifacts/\d+" download', told)
    assert f'href="/api/v1/runs/{lease.run_id}/epochs?format=csv" download' in told
    curves = {key: figure(told, key)["data"][0]["y"] for key in ("train_loss", "test_accuracy")}
    assert curves == {"train_loss": [1.0, 0.5, 1 / 3, 0.25], "test_accuracy": pytest.approx([0.91, 0.92, 0.93, 0.94])}
    assert "figure-step_loss" not in told


def test_a_run_says_what_it_cost_and_whether_it_was_alone(client: TestClient, database: Database) -> None:
    lease = started(database)
    record_epochs(database, lease, 1, 2)
    told = words(page(client, lease.run_id))
    assert "memory of the run not measured" in told, "as a run that an older version trained"
    assert "an epoch 10 s on average: training 8 s, evaluation 1.5 s, checkpoint 0.5 s" in told
    assert "answer, a batch not measured" in told
    assert "Alone: no worker trained or exported another run at the same time." in told
    with database.writing() as session:
        record_latency(session, lease, single_image_seconds=0.0001874, batch_seconds=0.0012, batch_images=100)
        run = session.get_one(Run, lease.run_id)
        run.run_memory_bytes, run.cores_busy_beside, run.checkpoint_bytes = 10 * 2**20, 0.251, 358_000
        run.most_runs_beside, run.export_beside = 2, True
        record_environment(session, lease, {"device_name": "A CPU", "torch_version": "2.15.0", "threads": 1})
    told = words(client.get(f"/runs/{lease.run_id}/costs").text)
    assert "Trained with device name A CPU torch version 2.15.0 threads 1" in told  # what the page fetches again
    assert "Not alone: at the same time at most 2 other runs were trained and files of completed" in told
    assert "answer, one image 0.187 ms" in told
    assert "answer, 100 images 1.2 ms" in told
    assert "busy beside it 0.25 cores" in told
    assert "Measured on A CPU, torch 2.15.0, 1 thread." in told
    costs = client.get(f"/api/v1/runs/{lease.run_id}").json()["costs"]
    assert (costs["run_memory_bytes"], costs["checkpoint_bytes"], costs["most_runs_beside"]) == (10 * 2**20, 358_000, 2)
    assert costs["train_seconds_per_epoch"] == 8.0
    with database.writing() as session:
        session.get_one(Run, lease.run_id).stack_size = 3
    told = words(client.get(f"/runs/{lease.run_id}/costs").text)
    assert "Not alone: at the same time it was trained in one stack with 2 other runs and files of" in told
    assert (
        "memory of the run 10.0 MiB what it added at its peak to the warm trainer; of all 3 runs of its stack" in told
    )
    with database.writing() as session:
        session.get_one(Run, lease.run_id).most_runs_beside = None
    assert "was not recorded" in words(client.get(f"/runs/{lease.run_id}/costs").text)


def test_the_files_of_a_run_are_listed_and_what_is_still_to_come_is_said(
    client: TestClient, database: Database
) -> None:
    lease = started(database)
    record_epochs(database, lease, 1, 2, 3, 4)
    assert "The run has left no file yet." in words(page(client, lease.run_id))
    assert "Still to come" not in words(page(client, lease.run_id))
    record_weights(database, lease)
    complete(database, lease)
    told = words(page(client, lease.run_id))
    assert "weights.safetensors 2.0 KiB, epoch 1 Weights of the selected epoch. SHA-256 " + "0" * 64 in told
    assert (
        "Still to come, when the machine has time for it: the ONNX file, the predictions, the TensorBoard file." in told
    )
    onnx = {
        "num_images": 10_000,
        "largest_logit_difference": 1e-6,
        "largest_probability_difference": 2.38e-7,
        "opset": 20,
    }
    files = [
        WrittenFile("onnx", "model.onnx", "1" * 64, 4096, 4, onnx),
        WrittenFile("predictions", "predictions.npy", "2" * 64, 512, 4, {"num_images": 10_000, "num_correct": 9_893}),
    ]
    with database.writing() as session:
        assert record_export(session, lease.run_id, files, ["Not exported: the TensorBoard file. No space."])
    told = words(client.get(f"/runs/{lease.run_id}/files").text)
    assert "On all 10,000 test images its probabilities are torch's, within 2.4e-07." in told
    assert "Class and confidence for each test image: 9,893 of 10,000 are right" in told
    assert "Could not be made: the TensorBoard file. The log below says why." in told
    assert "Not exported: the TensorBoard file. No space." in words(page(client, lease.run_id))
    kinds = {file["kind"]: file["facts"] for file in client.get(f"/api/v1/runs/{lease.run_id}/artifacts").json()}
    assert (kinds["onnx"], kinds["weights"]) == (onnx, None)
    assert client.post(f"/runs/{lease.run_id}/export", follow_redirects=False).status_code == 303
    told = words(page(client, lease.run_id))
    assert "Still to come, when the machine has time for it: the TensorBoard file." in told
    assert "asked to export again" in told
    assert client.post(f"/api/v1/runs/{lease.run_id}/export").json()["state"] == "completed"


def test_time_by_phase_is_the_mean_of_an_epoch(client: TestClient, database: Database) -> None:
    lease = started(database)
    record_epochs(database, lease, 1, 2)
    told = words(client.get(f"/runs/{lease.run_id}/record").text)
    assert "train 8 s 80 % evaluation 1.5 s 15 % checkpoint 0.5 s 5 %" in told


def test_a_failed_run_says_why_what_to_do_and_does_it_with_one_click(client: TestClient, database: Database) -> None:
    lease = started(database, dataset="mnist")
    fail(database, lease, "MNIST cannot be reached.", "Train on digits instead.", "digits")
    told = page(client, lease.run_id)
    assert "Failed before its first epoch: MNIST cannot be reached." in words(told)
    assert "Train on digits instead." in words(told)
    assert "Launch the same run on Digits" in words(told)
    assert {"requeue", "again", "delete"} <= actions(told)


def test_where_the_suggested_dataset_does_not_fit_the_form_is_offered(client: TestClient, database: Database) -> None:
    lease = started(database, dataset="mnist", validation=5000)
    fail(database, lease, "MNIST cannot be reached.", "Train on digits instead.", "digits")
    told = page(client, lease.run_id)
    assert "Launch the same run on" not in words(told)
    assert f'href="/runs/new?from={lease.run_id}&amp;dataset=digits"' in told
    assert client.get(f"/runs/new?from={lease.run_id}&dataset=digits").status_code == 200


def test_a_cancelled_run_tells_how_far_it_came_and_where_it_would_go_on(client: TestClient, database: Database) -> None:
    lease = started(database)
    record_epochs(database, lease, 1, 2)
    with database.writing() as session:
        queue.cancel(session, lease.run_id)
        queue.hand_back(session, lease)
    told = words(page(client, lease.run_id))
    assert "Cancelled after epoch 2 of 4" in told
    assert "Requeued, it goes on from its checkpoint after epoch 2." in told


def test_a_loss_that_was_not_finite_is_a_gap_with_a_note(client: TestClient, database: Database) -> None:
    lease = started(database)
    record_epochs(database, lease, 1)
    assert 'id="run-gaps" hidden' in page(client, lease.run_id)
    record_epochs(database, lease, 2, diverged=True)
    told = page(client, lease.run_id)
    assert figure(told, "train_loss")["data"][0]["y"] == [1.0, None]
    assert 'id="run-gaps">' in told
    assert "train loss at epoch 2." in words(told)
    assert "not finite" in words(client.get(f"/runs/{lease.run_id}/record").text)


def test_what_differs_from_the_default_stands_out(client: TestClient, database: Database) -> None:
    told = page(
        client, launch(database, learning_rate=0.5, architecture={"name": "lenet5", "parameters": {"pool": "max"}})
    )
    stand_out = re.findall(r'<b class="differs">(.*?)</b>', told)
    assert stand_out == ["max", "4", "0.5"]  # pool, epochs, learning rate


def test_the_layers_are_those_the_run_stored(client: TestClient, database: Database) -> None:
    told = words(page(client, launch(database)))
    assert "1 Conv2d 6 filters 5×5 6×24×24 156 86,400 2 ReLU 6×24×24 0 0" in told
    assert "44,426 parameters, 281,640 multiply-adds per image" in told


def test_nothing_that_a_user_or_a_trainer_wrote_becomes_markup(client: TestClient, database: Database) -> None:
    lease = started(database, name=HOSTILE)
    record_epochs(database, lease, 1)
    with database.writing() as session:
        queue.add_log_line(session, lease, HOSTILE)
        run_changes.rename(session, lease.run_id, HOSTILE + "2")
    fail(database, lease, HOSTILE, HOSTILE)
    for path in ("", "/header", "/journal", "/record"):
        told = client.get(f"/runs/{lease.run_id}{path}").text
        assert "<script>alert" not in told
        assert "<img src=x" not in told
    log = client.get(f"/runs/{lease.run_id}/log")
    assert log.headers["content-type"].startswith("text/plain")
    assert HOSTILE in log.text


def test_a_partial_is_what_the_page_includes(client: TestClient, database: Database) -> None:
    lease = started(database)
    record_epochs(database, lease, 1)
    complete(database, lease)
    whole = page(client, lease.run_id)
    for part in ("header", "record", "journal"):
        fetched = client.get(f"/runs/{lease.run_id}/{part}").text
        assert words(fetched) in words(whole)
        assert words(fetched)


def test_the_page_reflects_the_newest_event(client: TestClient, database: Database) -> None:
    lease = started(database)
    before = re.search(r'<body data-event-id="(\d+)"', page(client, lease.run_id))
    record_epochs(database, lease, 1)
    after = re.search(r'<body data-event-id="(\d+)"', page(client, lease.run_id))
    assert before is not None
    assert after is not None
    assert int(after[1]) == int(before[1]) + 1


@pytest.mark.parametrize("path", ["", "/header", "/record", "/journal", "/log"])
def test_a_run_that_does_not_exist_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(f"/runs/999{path}")
    assert answer.status_code == 404
    assert "There is no run 999." in answer.text


def test_a_second_attempt_is_told(client: TestClient, database: Database) -> None:
    lease = started(database)
    assert "attempt 1" not in words(client.get(f"/runs/{lease.run_id}/header").text)
    with database.writing() as session:
        queue.hand_back(session, lease)
        queue.claim_oldest(session, lease.worker_id)
    assert f"run {lease.run_id}, attempt 2" in words(client.get(f"/runs/{lease.run_id}/header").text)


def test_a_long_run_lists_its_newest_epochs(client: TestClient, database: Database) -> None:
    lease = started(database, epochs=300)
    record_epochs(database, lease, *range(1, 206))
    told = client.get(f"/runs/{lease.run_id}/record").text
    assert len(re.findall(r'<th scope="row"', told)) == 200
    assert "The 5 epochs before are in the CSV." in words(told)
    assert len(figure(page(client, lease.run_id), "test_loss")["data"][0]["x"]) == 205


def test_a_worker_that_joins_makes_the_queue_move(client: TestClient, database: Database) -> None:
    run_id = launch(database)
    join(database)
    assert "Added to the queue, first, starts in a moment." in words(page(client, run_id))
