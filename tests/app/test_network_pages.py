"""The Networks pages: drawings of the catalogue, of saved networks and of runs, their difference; the same by REST."""

import re
import xml.etree.ElementTree as ET
from html import unescape

import pytest
from fastapi.testclient import TestClient

from core.architectures.catalogue import FAMILIES
from core.architectures.layers import LAYERS, Conv2d, Flatten, Linear

API = "/api/v1/architectures"
MINE = LAYERS.dump_python(
    (Conv2d(out_channels=3, kernel_size=5), Flatten(), Linear(out_features=10)), mode="json"
)  # fmt: skip
SMALL = {"architecture": {"name": "lenet5", "parameters": {"filters": [4, 8]}}, "dataset": "digits"}


@pytest.fixture
def run(client: TestClient) -> int:
    return int(client.post("/api/v1/runs", json=SMALL).json()["id"])


def test_the_list_has_every_family_and_what_users_saved(client: TestClient) -> None:
    assert client.post(API, json={"name": "mine", "layers": MINE, "notes": "<b>small</b>"}).status_code == 201
    page = client.get("/networks").text
    for key in (*FAMILIES, "mine@1"):
        assert f'id="{key}"' in page
        assert f'href="/networks/{key}"' in page
    assert page.count('class="drawing"') == len(FAMILIES) + 1
    assert "&lt;b&gt;small&lt;/b&gt;" in page
    assert "C1: feature maps 6@24×24" in page
    assert "as those of Digits, MNIST, Fashion-MNIST" in re.sub("</?bdi>", "", page)
    assert 'href="/networks/new"' in page
    assert 'href="/networks/new?from=lenet5&amp;dataset=mnist"' in client.get("/networks?dataset=mnist").text


def test_what_does_not_fit_a_dataset_is_told_with_the_reason(client: TestClient) -> None:
    layers = LAYERS.dump_python((Flatten(), Linear(out_features=9), Linear(out_features=10)), mode="json")
    client.post(API, json={"name": "mine", "layers": layers})
    assert client.get("/networks?dataset=fashion-mnist").text.count("It does not fit") == 0
    assert client.get("/networks?dataset=nowhere").status_code == 404


def test_one_network_with_parameters_from_the_address(client: TestClient) -> None:
    page = client.get("/networks/lenet5?filters=4,8&pool=max").text
    assert "4@24×24" in page
    assert "max pooling 2×2" in page
    launch = unescape(re.findall(r'href="(/runs/new[^"]+)"', page)[-1])
    assert "4@24×24" in client.get(launch).text  # Train it trains what is drawn
    assert client.get("/networks/lenet5?pool=median").status_code == 422
    assert client.get("/networks/lenet5?padding=two").status_code == 422
    assert client.get("/networks/lenet6").status_code == 404
    assert client.get("/networks/run:99").status_code == 404
    assert client.get("/networks/run:x").status_code == 404


def test_a_drawing_is_a_file_of_its_own(client: TestClient, run: int) -> None:
    for key, shape in (("lenet5", "6@24×24"), (f"run:{run}", "4@24×24"), ("custom-mlp", "75")):
        answer = client.get(f"{API}/{key}/drawing.svg")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert f'filename="{key.replace(":", "-")}.svg"' in answer.headers["content-disposition"]
        assert ET.fromstring(answer.text).tag == "{http://www.w3.org/2000/svg}svg"
        assert shape in answer.text
        assert "<script" not in answer.text
        assert "var(" not in answer.text  # no colour from elsewhere
    assert client.get(f"{API}/lenet5/drawing.svg?width=huge").status_code == 422
    assert client.get(f"{API}/lenet5/drawing.svg?filters=1,2,3,4,5").status_code == 422


def test_the_difference_of_two_runs_is_that_of_their_stored_layers(client: TestClient, run: int) -> None:
    told = client.get(f"{API}/diff", params={"a": "lenet5", "b": f"run:{run}"}).json()
    changed = [pair["fields"] for pair in told["layers"] if pair["change"] == "changed"]
    assert changed == [
        [{"field": "out_channels", "a": 6, "b": 4}], [{"field": "out_channels", "a": 16, "b": 8}],
    ]  # fmt: skip
    assert told["a"]["num_parameters"] == 44_426
    assert told["b"]["num_parameters"] < 44_426
    config_hash = client.get(f"/api/v1/runs/{run}").json()["config_hash"]
    same = client.get(f"{API}/diff", params={"a": f"run:{run}", "b": f"group:{config_hash[:8]}"}).json()
    assert {pair["change"] for pair in same["layers"]} == {"same"}
    assert client.get(f"{API}/diff", params={"a": "lenet5", "b": "group:zz"}).status_code == 404
    assert client.get(f"{API}/diff", params={"a": "lenet5"}).status_code == 422


def test_the_difference_page_says_it_in_words_figures_and_drawings(client: TestClient) -> None:
    page = client.get("/networks/difference?a=lenet5&b=lenet5-moon2").text
    assert "4 layers changed, 4 layers added" in page
    assert "+71,084" in page
    assert "≠ filters\u00a06\u00a0→\u00a010" in page
    assert page.count('class="is-added"') == 4
    assert "The same layers, one for one." in client.get("/networks/difference?a=lenet5&b=lenet5").text
    drawing = client.get(f"{API}/diff.svg?a=lenet5&b=lenet5-moon2")
    assert drawing.headers["content-disposition"].endswith('filename="lenet5-lenet5-moon2.svg"')
    ET.fromstring(drawing.text)


def test_the_run_page_and_the_launch_form_draw_their_network(client: TestClient, run: int) -> None:
    assert "4@24×24" in client.get(f"/runs/{run}").text
    outlook = client.get("/runs/new/outlook", params={"architecture": "lenet5", "lenet5.filters": "7, 9"}).text
    assert "C1: feature maps 7@24×24" in outlook


def test_where_groups_of_a_comparison_differ_in_their_network_it_leads_to_the_difference(
    client: TestClient, run: int
) -> None:
    other = {"architecture": {"name": "custom-mlp"}, "dataset": "digits"}
    again = [client.post("/api/v1/runs", json=one).json()["id"] for one in (other, other | {"learning_rate": 0.5})]
    page = client.get(f"/compare?runs={run},{again[0]},{again[1]}").text
    links = [unescape(link) for link in re.findall(r'href="(/networks/difference[^"]+)"', page)]
    assert len(links) == 1  # of two groups with one network the first
    assert "removed" in client.get(links[0]).text
    assert "/networks/difference" not in client.get(f"/compare?runs={again[0]},{again[1]}").text
