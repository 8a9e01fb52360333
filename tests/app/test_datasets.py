"""Datasets over both doors: uploads, the import folder, what is shown, what is refused, what is deleted."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest
from sqlmodel import select
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from app.main import create_app
from core import dataset_tasks
from core.database import Database
from core.dataset_tables import DatasetTask
from core.dataset_tasks import TaskLease, TaskLost, claim_task, fail_task
from core.settings import Settings
from tests.app.imported_datasets import make_imported
from tests.app.trained_runs import join, launch, trained
from tests.conftest import ADDRESS

UPLOAD = "/api/v1/datasets?name=mine"
HOSTILE = "<script>alert(1)</script>.png"


def uploads(settings: Settings) -> list[Path]:
    return list(settings.incoming_dir.iterdir()) if settings.incoming_dir.is_dir() else []


def claimed(database: Database) -> TaskLease:
    worker = join(database)
    with database.writing() as session:
        task = claim_task(session, worker)
        assert task is not None
        assert task.id is not None
        return TaskLease(task.id, worker, task.attempt)


def test_an_upload_is_kept_as_it_came_until_it_is_cancelled(client: TestClient, settings: Settings) -> None:
    content = b"PK\x03\x04" + bytes(3 * 2**20)
    told = client.post(f"{UPLOAD}&file_name=a%0Ab.zip", content=content)
    assert told.status_code == 202
    assert told.json()["state"] == "queued"
    assert [file.read_bytes() == content for file in uploads(settings)] == [True]
    again = client.post(UPLOAD, content=content)
    assert (again.status_code, len(uploads(settings))) == (409, 1)
    assert client.post(f"/api/v1/dataset-tasks/{told.json()['id']}/cancel").json()["state"] == "cancelled"
    assert uploads(settings) == []


def test_an_upload_that_breaks_off_leaves_nothing_and_is_no_fault_of_the_servers(settings: Settings) -> None:
    parts: list[Message] = [
        {"type": "http.request", "body": bytes(2**21), "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    app = create_app(settings)
    with TestClient(app, base_url=ADDRESS):
        scope: Scope = {
            "type": "http", "method": "POST", "path": "/api/v1/datasets", "query_string": b"name=mine",
            "headers": [(b"host", ADDRESS.removeprefix("http://").encode())], "app": app,
        }  # fmt: skip
        asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 400
    assert uploads(settings) == []


@pytest.mark.parametrize(
    "query",
    ["name=A", "name=..", "name=digits", "name=a/b", "name=", "name=tasks", "name=x&size=97", "name=x&seed=-1",
     "name=x&what=1", "name=x&class_names=a&class_names=A"],
)  # fmt: skip
def test_what_cannot_be_imported_so_is_refused_before_it_is_sent(
    client: TestClient, settings: Settings, query: str
) -> None:
    assert client.post(f"/api/v1/datasets?{query}", content=b"x").status_code == 422
    assert uploads(settings) == []


def test_an_upload_beyond_the_limit_leaves_nothing_whether_it_says_so_or_not(settings: Settings) -> None:
    narrow = settings.model_copy(update={"max_upload_mib": 2})
    with TestClient(create_app(narrow), base_url=ADDRESS) as client:
        assert client.post(UPLOAD, content=bytes(2**21 + 1)).status_code == 413
        assert client.post(UPLOAD, content=(bytes(2**18) for _ in range(9))).status_code == 413
        assert uploads(settings) == []
        assert client.post("/api/v1/runs", content=bytes(2**20 + 1)).status_code == 413, "no other body may be so large"
        assert client.post(UPLOAD, content=bytes(2**21)).status_code == 202
    full = settings.model_copy(update={"min_free_mib": 10**9})
    with TestClient(create_app(full), base_url=ADDRESS) as client:
        assert client.post("/api/v1/datasets?name=more", content=b"x").status_code == 507
    assert len(uploads(settings)) == 1


def test_only_what_lies_in_the_import_folder_can_be_pointed_to(client: TestClient, settings: Settings) -> None:
    folder = settings.import_folder
    (folder / "cats").mkdir(parents=True)
    (folder / "b.tar.gz").write_bytes(b"x")
    (folder / "secret.txt").write_bytes(b"x")
    (folder / "link.zip").symlink_to("/etc/passwd")
    told = client.get("/api/v1/import-folder").json()
    assert [entry["name"] for entry in told["entries"]] == ["b.tar.gz", "cats"]
    for entry in ("../trainyard.sqlite3", "/etc", "secret.txt", "link.zip", ".", "..", "cats/../b.tar.gz", ""):
        answer = client.post("/api/v1/import-folder", json={"name": "mine", "entry": entry})
        assert answer.status_code == 404, entry
    assert client.post("/api/v1/import-folder", json={"name": "mine", "entry": "cats"}).status_code == 202
    form = {"name": "other", "entry": "b.tar.gz", "size": "32", "test_fraction": "0.5", "class_names": "a, b"}
    assert client.post("/datasets/import", data=form).status_code == 303
    refused = client.post("/datasets/import", data=form | {"name": "No", "size": "x"})
    assert refused.status_code == 422
    assert "small letters, digits and hyphens, such as" in refused.text
    assert "b.tar.gz" in refused.text
    nothing = client.post("/datasets/import", data={}).text
    assert "choose a file to upload" in nothing
    assert "takes 1 to 40" in nothing
    assert 'aria-invalid="true"' in refused.text


def test_a_report_of_bad_files_is_shown_as_text_and_the_page_follows_while_one_is_open(
    client: TestClient, database: Database
) -> None:
    client.post(UPLOAD, content=b"x")
    part = client.get("/datasets/tasks?open_tasks=1q")
    assert 'hx-trigger="every 1s"' in part.text
    assert "No worker is there" in part.text
    assert "HX-Trigger" not in part.headers
    lease = claimed(database)
    with database.writing() as session:
        fail_task(session, lease, "One file is bad.", "Mend it.", [(HOSTILE, "is <b>bad</b>")], 1)
    part = client.get("/datasets/tasks?open_tasks=1q")
    assert part.headers["HX-Trigger"] == "datasets-changed"
    assert "every 1s" not in part.text
    page = client.get("/datasets").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<b>bad" not in page
    told = client.get("/api/v1/dataset-tasks/1").json()
    assert told["bad_files"] == [{"name": HOSTILE, "reason": "is <b>bad</b>"}]


def test_a_cancelled_task_and_one_of_a_dead_worker_are_no_longer_its_own(
    client: TestClient, database: Database
) -> None:
    client.post("/api/v1/datasets/mnist/fetch")
    assert client.post("/api/v1/datasets/mnist/fetch").json()["id"] == 1, "asked for twice it is one"
    first = claimed(database)
    with database.writing() as session:
        assert claim_task(session, first.worker_id) is None
        from core import workers

        workers.end(session, first.worker_id)
    second = claimed(database)
    assert second.attempt == 2
    with database.writing() as session, pytest.raises(TaskLost):
        dataset_tasks.report_task(session, first, "x", 0.5)
    client.post("/api/v1/dataset-tasks/1/cancel")
    with database.writing() as session, pytest.raises(TaskLost):
        dataset_tasks.complete_task(session, second)


def test_one_dataset_tells_samples_and_statistics(client: TestClient, database: Database, settings: Settings) -> None:
    stored = make_imported(settings, database)
    told = client.get("/api/v1/datasets/shapes/statistics").json()
    train = stored.images("train")
    assert [one["num_train"] for one in told["classes"]] == [8] * 5
    assert sum(told["histogram"]) == train.size
    assert told["channel_means"] == pytest.approx((train / 255).mean((0, 2, 3)).tolist())
    assert told["channel_stds"] == pytest.approx((train / 255).std((0, 2, 3)).tolist())
    mean = train[stored.labels("train") == 4].mean(0).round()
    assert abs(told["classes"][4]["mean_image"] - mean).max() <= 1
    samples = client.get("/api/v1/datasets/shapes/samples?label=4&per_class=2").json()
    assert [sample["number"] for sample in samples] == [4, 9]
    assert client.get(samples[0]["url"]).headers["content-type"] == "image/png"
    page = client.get("/datasets/shapes").text
    assert "<script>alert" not in page
    for image in re.findall(r'src="(/datasets/[^"]+)"', page):
        assert client.get(image.replace("&amp;", "&")).status_code == 200, image
    assert client.get("/datasets/shapes/classes/5/mean.png").status_code == 404
    assert client.get("/datasets/nothing").status_code == client.get("/api/v1/datasets/nothing").status_code == 404
    assert client.get("/datasets/mnist").status_code == 200, "one that is not here says so"


def test_a_dataset_is_deleted_unless_it_is_in_use_and_its_name_stays_with_its_runs(
    client: TestClient, database: Database, settings: Settings
) -> None:
    sha256 = make_imported(settings, database).manifest.content_sha256
    run = client.post("/api/v1/runs", json={"architecture": {"name": "lenet5"}, "dataset": "shapes"}).json()["id"]
    assert client.delete("/api/v1/datasets/shapes").status_code == 409
    client.post(f"/api/v1/runs/{run}/cancel")
    assert client.post("/datasets/shapes/delete").status_code == 303
    assert not (settings.materialised_dir / "shapes").exists()
    assert list(settings.materialised_dir.iterdir()) == []
    assert "shapes" not in [one["name"] for one in client.get("/api/v1/datasets").json()]
    assert client.get("/datasets/shapes").status_code == client.get(f"/runs/{run}").status_code == 200
    launched = client.post("/api/v1/runs", json={"architecture": {"name": "lenet5"}, "dataset": "shapes"})
    assert launched.status_code == 422
    with database.writing() as session:
        assert dataset_tasks.differs_from_its_past(session, "shapes", sha256) is None, "the same images may return"
        assert "figures would lie" in str(dataset_tasks.differs_from_its_past(session, "shapes", "1" * 64))
    assert client.post("/api/v1/datasets?name=shapes", content=b"x").status_code == 202


def test_one_whose_images_were_lost_can_be_deleted_on_its_page_so_that_it_can_be_imported_again(
    client: TestClient, database: Database, settings: Settings
) -> None:
    shutil.rmtree(make_imported(settings, database).folder)
    assert 'action="/datasets/shapes/delete"' in client.get("/datasets/shapes").text
    assert "Delete…" in client.get("/datasets/shapes").text
    assert client.post("/datasets/shapes/delete").status_code == 303
    assert client.post("/api/v1/datasets?name=shapes", content=b"x").status_code == 202


def test_one_that_no_run_speaks_of_is_forgotten_and_digits_can_be_made_again(
    client: TestClient, database: Database, settings: Settings
) -> None:
    make_imported(settings, database)
    trained(database, 0.5)
    assert client.delete("/api/v1/datasets/shapes").status_code == 204
    assert client.get("/api/v1/datasets/shapes").status_code == 404
    assert client.delete("/api/v1/datasets/digits?files=true").status_code == 204
    assert launch(database)
    with database.reading() as session:
        assert session.exec(select(DatasetTask)).all() == []


def test_uploads_that_were_cut_off_go_when_the_server_starts(client: TestClient, settings: Settings) -> None:
    kept = client.post(UPLOAD, content=b"x").json()["id"]
    (settings.incoming_dir / f"upload-{'0' * 32}").write_bytes(b"half")
    (settings.materialised_dir / ".import-99").mkdir(parents=True)
    (settings.materialised_dir / f".import-{kept}").mkdir()
    with TestClient(create_app(settings), base_url=ADDRESS):
        assert len(uploads(settings)) == 1
        assert [folder.name for folder in settings.materialised_dir.iterdir()] == [f".import-{kept}"]
