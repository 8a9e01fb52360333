"""What the pages and the API say of runs that are trained together: that they are, and whose seconds these are."""

import html
import re

from fastapi.testclient import TestClient

from core import metrics, queue, workers
from core.database import Database
from core.lease import Lease
from tests.app.trained_runs import join, launch, record_epochs


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_runs_of_a_stack_say_how_many_they_are(client: TestClient, database: Database) -> None:
    ids, worker = [launch(database, seed=seed) for seed in range(3)], join(database)
    with database.writing() as session:
        first = queue.claim_oldest(session, worker)
        assert first is not None
        queue.claim_beside(session, first, 2)
        for run_id in ids:
            metrics.record_stack(session, Lease(run_id, worker, 1), 3)
        slot = {"slot": 0, "state": "training", "run": ids[0], "runs": 3}
        workers.beat(session, worker, {"slots": [slot], "most_in_stack": 64})
    record_epochs(database, Lease(ids[1], worker, 1), 1)
    assert "trained together with 2 others, added" in words(client.get(f"/runs/{ids[1]}").text)
    assert "10 s for 3 runs" in words(client.get("/runs").text)
    assert client.get(f"/api/v1/runs/{ids[1]}").json()["costs"]["stack_size"] == 3
    assert "run 1 and 2 more" in words(client.get("/runs").text)
    alone = launch(database, seed=9)
    assert "together" not in words(client.get(f"/runs/{alone}").text)
    assert client.get(f"/api/v1/runs/{alone}").json()["costs"]["stack_size"] is None
