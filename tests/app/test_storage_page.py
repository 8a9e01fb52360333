"""The Storage page: what it tells before something goes, and that it goes by one plain form."""

import re

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from core.bin import count_in_bin, move_to_bin
from core.database import Database
from core.run_state import RunState
from core.runs import artifacts_of_run, run_by_id
from core.settings import Settings
from tests.app.trained_runs import launch
from tests.conftest import ADDRESS
from tests.core.test_spent_checkpoints import CHECKPOINT_BYTES, WEIGHTS_BYTES, trained

NAME = "<script>alert(1)</script>"


def text_of(client: TestClient, path: str = "/storage") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def post(client: TestClient, path: str, **fields: str | int) -> str:
    """Where the browser is sent."""
    answer = client.post(path, data=fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_an_empty_storage_says_so(client: TestClient) -> None:
    text = text_of(client)
    for said in ("No completed run has a checkpoint left.", "No run has left a file yet.", "The bin is empty."):
        assert said in text
    assert "Older databases" not in text


def test_checkpoints_of_completed_runs_go_and_what_was_told_is_freed(
    client: TestClient, database: Database, settings: Settings
) -> None:
    run_id, cancelled = trained(database, settings), trained(database, settings, RunState.CANCELLED)
    text = text_of(client)
    assert "1 completed run still has its checkpoints: 2.9 KiB that can be freed." in text
    assert "All of them: 2.9 KiB of 1 run" in text
    assert "Completed a week ago or before: none" in text
    assert post(client, "/storage/clean-checkpoints", completed_days_ago=7) == "/storage?freed=0"
    location = post(client, "/storage/clean-checkpoints", completed_days_ago=0)
    assert location == f"/storage?freed={CHECKPOINT_BYTES}"
    assert "2.9 KiB freed." in text_of(client, location)
    with database.reading() as session:
        assert [file.kind for file in artifacts_of_run(session, run_id)] == ["weights"]
        assert run_by_id(session, cancelled).checkpoint_id is not None
    assert client.get(f"/runs/{run_id}").status_code == 200


def test_the_bin_lists_its_runs_and_gives_them_back(client: TestClient, database: Database, settings: Settings) -> None:
    run_id, named = trained(database, settings), launch(database, name=NAME)
    with database.writing() as session:
        for each in (run_id, named):
            move_to_bin(session, each)
    page = client.get("/storage").text
    assert NAME not in page
    assert "&lt;script&gt;" in page
    assert "2 runs, 3.4 KiB. Each goes for good 30 days after it was deleted." in text_of(client)
    assert post(client, f"/runs/{run_id}/restore", next="/storage") == "/storage"
    assert post(client, f"/bin/{named}/purge") == "/storage?freed=0"
    with database.reading() as session:
        assert count_in_bin(session) == 0
        assert run_by_id(session, run_id).deleted_at is None
    assert client.post(f"/bin/{run_id}/purge").status_code == 409, "it is not in the bin"
    assert client.post(f"/bin/{named}/purge").status_code == 404


def test_the_bin_is_emptied(client: TestClient, database: Database, settings: Settings) -> None:
    kept, run_id = trained(database, settings), trained(database, settings)
    with database.writing() as session:
        move_to_bin(session, run_id)
    assert post(client, "/bin/empty") == f"/storage?freed={CHECKPOINT_BYTES + WEIGHTS_BYTES}"
    assert [folder.name for folder in settings.runs_dir.iterdir()] == [str(kept)]
    assert "The bin is empty." in text_of(client)


@pytest.mark.parametrize("floor_mib", [0, 10**9])
def test_too_little_free_space_is_told(settings: Settings, floor_mib: int) -> None:
    server = create_app(settings.model_copy(update={"min_free_mib": floor_mib}))
    with TestClient(server, base_url=ADDRESS) as client:
        text = text_of(client)
    assert ("less than the 953.7 TiB kept free: no run starts until there is room." in text) == (floor_mib > 0)
    assert ("with less than 953.7 TiB no run starts" in text) == (floor_mib > 0)


@pytest.mark.parametrize("freed", ["-1", "much", str(2**70)])
def test_nonsense_in_the_address_is_refused(client: TestClient, freed: str) -> None:
    assert client.get("/storage", params={"freed": freed}).status_code == 422
