"""The Leaderboard over a real database, as page and as JSON: what it says of ranks, of seeds and of what is missing."""

import html
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.database import Database
from tests.app.trained_runs import fail, started, trained

HOSTILE = "<script>alert(1)</script>"
MLP: dict[str, Any] = {"architecture": {"name": "custom-mlp"}}


def page(client: TestClient, query: str = "", **headers: str) -> str:
    answer = client.get(f"/leaderboard{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def rows(text: str) -> list[str]:
    return [words(row) for row in re.findall(r'<tr id="row-.*?</tr>', text, re.S)]


@pytest.fixture
def groups(client: TestClient, database: Database) -> list[str]:
    """LeNet-5 with three seeds and a failed one, the MLP, worse, with three; their config hashes."""
    for seed, accuracy in enumerate((0.97, 0.975, 0.98)):
        trained(database, accuracy, seed=seed)
    for seed, accuracy in enumerate((0.90, 0.905, 0.91)):
        trained(database, accuracy, seed=seed, **MLP)
    fail(database, started(database, epochs=1, seed=9), HOSTILE, "a suggestion")
    return [group["config_hash"] for group in client.get("/api/v1/leaderboard").json()["groups"]]


def test_it_says_who_leads_and_how_sure_that_is(client: TestClient, groups: list[str]) -> None:
    text = page(client)
    assert "In the lead on Digits, with 97.50 %: LeNet-5, epochs 1" in words(text)
    assert "Every other of the 2 ranked ones is told from it" in words(text)
    lenet, mlp = rows(text)
    assert lenet.startswith("1 LeNet-5, epochs 1 3 seeds 1 failed")
    assert "97.50 % ±1.24 97.00 % to 98.00 %" in lenet
    assert "leads" in lenet
    assert "7.00 pp behind" in mlp
    assert f"/compare?groups={groups[0][:16]},{groups[1][:16]}&amp;baseline={groups[0][:12]}" in text
    assert 'aria-current="page">Leaderboard' in text
    assert HOSTILE not in text


def test_the_picture_ends_where_accuracies_do(client: TestClient, database: Database) -> None:
    trained(database, 0.1, seed=0)
    trained(database, 1.0, seed=1)
    heads = re.findall(r'class="board-scale"[^>]*><span>(.*?)</span><span>(.*?)</span>', page(client))
    assert heads == [("2.8 %", "100.0 %")]


def test_an_equal_figure_has_no_sign(client: TestClient, database: Database) -> None:
    for seed in range(3):
        for rate in (0.1, 0.2):
            trained(database, 0.9 + seed / 1000, seed=seed, learning_rate=rate)
    assert "cannot be told from it 0.00 pp, p = 1" in rows(page(client))[1]


def test_one_pinned_group_is_what_all_others_are_held_against(client: TestClient, groups: list[str]) -> None:
    text = page(client, f"?baseline={groups[1][:12]}")
    assert "Held against Custom MLP, epochs 1 , which is pinned." in words(text)
    assert "7.00 pp ahead" in rows(text)[0]
    assert "No ranked group of these begins with ffff" in words(page(client, "?baseline=ffff"))
    assert client.get("/api/v1/leaderboard?baseline=ffff").status_code == 422


def test_a_single_seed_is_shown_and_not_ranked(client: TestClient, database: Database) -> None:
    trained(database, 0.97)
    text = page(client)
    assert "Nothing is ranked yet" in text
    (row,) = rows(text)
    assert row.startswith("– LeNet-5")
    assert "images only" in row
    assert "not ranked seed noise unknown" in row
    (told,) = client.get("/api/v1/leaderboard").json()["groups"]
    assert (told["n"], told["rank"], told["ranks"], told["verdict"]) == (1, None, None, None)
    assert told["interval"]["method"].startswith("Wilson's")


def test_without_a_completed_run_it_says_what_to_do(client: TestClient, database: Database) -> None:
    assert "Nobody leads yet" in page(client)
    assert client.get("/api/v1/leaderboard").json()["dataset"] is None
    trained(database, 0.9, seed=1, dataset="mnist")
    fail(database, started(database, epochs=1), "a reason", "a suggestion")
    assert "1 group matches, without a completed run." in words(page(client, "?dataset=digits"))


def test_filters_and_pages_are_in_the_address(client: TestClient, groups: list[str]) -> None:
    assert len(rows(page(client, "?architecture=custom-mlp"))) == 1
    assert "No group matches" in page(client, "?min_seeds=5&experiment=&tag=")
    assert len(rows(page(client, "?page=99"))) == 2, "the last page there is"
    answer = client.get("/leaderboard/table?architecture=lenet5&tag=&experiment=", headers={"HX-Request": "true"})
    assert answer.headers["HX-Push-Url"] == "/leaderboard?architecture=lenet5"
    assert "HX-Push-Url" not in client.get("/leaderboard/table", headers={"HX-Trigger": "board"}).headers


def test_json_has_all_that_the_page_has_page_by_page(client: TestClient, groups: list[str]) -> None:
    first = client.get("/api/v1/leaderboard?limit=1").json()
    assert (first["dataset"], first["num_groups"], first["num_ranked"], first["num_tied"]) == ("digits", 2, 2, 1)
    assert (first["baseline"], first["is_pinned"], first["next_offset"]) == (groups[0], False, 1)
    assert "Welch" in first["method"]
    (lenet,) = first["groups"]
    assert (lenet["rank"], lenet["ranks"], lenet["states"]["failed"]) == (1, {"best": 1, "worst": 1}, 1)
    assert [seed["run"] for seed in lenet["seeds"]] == [1, 2, 3]
    (mlp,) = client.get("/api/v1/leaderboard?limit=1&offset=1").json()["groups"]
    assert mlp["verdict"]["outcome"] == "worse"
    assert mlp["verdict"]["difference"] == pytest.approx(-0.07)
    assert mlp["verdict"]["p"] < 0.05
