"""Storage and the bin over REST."""

from datetime import datetime

from fastapi.testclient import TestClient

from core.database import Database
from core.settings import Settings
from tests.app.trained_runs import launch
from tests.core.test_spent_checkpoints import CHECKPOINT_BYTES, WEIGHTS_BYTES, trained

API = "/api/v1"


def test_storage_tells_what_takes_room_and_what_cleaning_up_would_free(
    client: TestClient, database: Database, settings: Settings
) -> None:
    trained(database, settings)
    told = client.get(f"{API}/storage").json()
    assert (told["checkpoints_bytes"], told["weights_bytes"]) == (CHECKPOINT_BYTES, WEIGHTS_BYTES)
    assert told["floor_bytes"] == 512 * 2**20
    spent = {"num_runs": 1, "num_files": 1, "num_bytes": CHECKPOINT_BYTES}
    assert told["spent_checkpoints"] == spent
    nothing = {"num_runs": 0, "num_files": 0, "num_bytes": 0}
    assert client.get(f"{API}/storage", params={"completed_days_ago": 1}).json()["spent_checkpoints"] == nothing
    assert client.post(f"{API}/storage/clean-checkpoints", json={"completed_days_ago": 1}).json() == nothing
    assert client.post(f"{API}/storage/clean-checkpoints", json={}).json() == spent
    assert client.get(f"{API}/storage").json()["spent_checkpoints"] == nothing


def test_the_bin_is_listed_and_emptied_by_one_or_all(
    client: TestClient, database: Database, settings: Settings
) -> None:
    kept, first, second = trained(database, settings), trained(database, settings), launch(database, seed=2)
    for run_id in (first, second):
        assert client.delete(f"{API}/runs/{run_id}").status_code == 204
    told = client.get(f"{API}/bin").json()
    assert (told["num_runs"], told["num_bytes"]) == (2, CHECKPOINT_BYTES + WEIGHTS_BYTES)
    assert [run["id"] for run in told["runs"]] == [second, first]
    stays = [datetime.fromisoformat(told["runs"][0][name]) for name in ("deleted_at", "goes_at")]
    assert (stays[1] - stays[0]).days == 30
    assert client.delete(f"{API}/bin/{kept}").status_code == 409
    assert client.delete(f"{API}/bin/{first}").status_code == 204
    assert client.delete(f"{API}/bin/{first}").status_code == 404
    assert client.post(f"{API}/bin/empty").json() == {"num_runs": 1}
    assert client.get(f"{API}/bin").json() == {"num_bytes": 0, "num_runs": 0, "runs": []}
    assert client.get(f"{API}/runs/{kept}").status_code == 200
