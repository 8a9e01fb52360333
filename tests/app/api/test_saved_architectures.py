"""Networks of one's own over REST: saved, listed, launched, hidden; and chosen on the New run page."""

from typing import Any

from fastapi.testclient import TestClient

LAYERS: list[dict[str, Any]] = [
    {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1},
    {"type": "Residual", "layers": [{"type": "ReLU"}, {"type": "BatchNorm2d"}]},
    {"type": "MaxPool2d", "kernel_size": 2},
    {"type": "Flatten"},
    {"type": "Linear", "out_features": 10},
]


def saved(client: TestClient, name: str, width: int = 4) -> dict[str, Any]:
    layers = [LAYERS[0] | {"out_channels": width}, *LAYERS[1:]]
    response = client.post("/api/v1/architectures", json={"name": name, "layers": layers})
    assert response.status_code in (200, 201), response.text
    told: dict[str, Any] = response.json()
    return told


def test_a_spec_is_saved_and_told_with_shapes_and_counts(client: TestClient) -> None:
    told = saved(client, "mine")
    assert (told["name"], told["version"], told["num_parameters"]) == ("mine@1", 1, 40 + 8 + 7850)
    assert [layer["output_shape"] for layer in told["layers"]] == [[4, 28, 28], [4, 28, 28], [4, 14, 14], [784], [10]]
    assert told["layers"][1]["inner"][1]["number"] == "2.2"
    assert told["specs"][2] == {"kernel_size": 2, "stride": 2, "type": "MaxPool2d"}
    assert client.get("/api/v1/architectures/mine").json() == told == client.get("/api/v1/architectures").json()[-1]
    again = client.post("/api/v1/architectures", json={"name": "mine", "layers": told["specs"]})
    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert saved(client, "mine", 5)["name"] == "mine@2"
    assert client.delete("/api/v1/architectures/mine").status_code == 204
    assert client.delete("/api/v1/architectures/mine").status_code == 404
    assert len(client.get("/api/v1/architectures").json()) == 6
    assert client.get("/api/v1/architectures/mine@2").json()["version"] == 2


def test_every_refused_layer_is_named(client: TestClient) -> None:
    wrong = [{"type": "Conv2d", "out_channels": 0, "kernel_size": "3"}, {"type": "LSTM"}]
    refused = client.post("/api/v1/architectures", json={"name": "mine", "layers": wrong})
    assert refused.status_code == 422
    fields = [error["field"] for error in refused.json()["errors"]]
    assert fields == ["layers.0.Conv2d.out_channels", "layers.0.Conv2d.kernel_size", "layers.1"]
    too_large = [{"type": "Flatten"}, {"type": "Linear", "out_features": 65_536}]
    refused = client.post("/api/v1/architectures", json={"name": "mine", "layers": too_large})
    (error,) = refused.json()["errors"]
    assert (error["field"], "at most 10,000,000" in error["reason"]) == ("layers.1", True)


def test_a_saved_network_is_launched_by_name_alone_and_in_an_experiment(client: TestClient) -> None:
    saved(client, "mine")
    run = client.post("/api/v1/runs", json={"architecture": {"name": "mine"}, "dataset": "digits"}).json()
    assert run["config"]["architecture"]["name"] == "mine@1"
    many = {"base": {"dataset": "digits"}, "grid": {"architecture": ["lenet5", "mine"]}, "seeds": 2}
    experiment = client.post("/api/v1/experiments", json=many)
    assert experiment.status_code == 201, experiment.text
    page = client.get(f"/runs/{run['id']}").text
    assert "mine@1" in page
    assert "Residual around 2 layers" in page
    assert client.get(f"/compare?experiment={experiment.json()['id']}").status_code == 200


def test_the_launch_form_offers_saved_networks_and_launches_them_with_families(client: TestClient) -> None:
    saved(client, "mine")
    page = client.get("/runs/new?architecture=mine@1").text
    assert 'value="mine@1" checked' in page
    assert "7,898" in page
    typed = {"architecture": "mine@1", "also.architecture": "lenet5", "dataset": "digits", "launch_key": "one"}
    launched = client.post("/runs", data=typed)
    assert launched.status_code == 303, launched.text
    assert {run["config"]["architecture"]["name"] for run in client.get("/api/v1/runs").json()["runs"]} == {
        "mine@1",
        "lenet5",
    }
    saved(client, "mine", 5)
    filled = client.get("/runs/new?experiment=1").text  # the older version is offered where it is asked for
    assert ('value="mine@1" checked' in filled, 'value="mine@2"' in filled) == (True, True)


def test_a_run_whose_network_was_never_saved_can_be_cloned_and_launched_again(client: TestClient) -> None:
    inline = {"name": "inline", "layers": LAYERS}
    run = client.post("/api/v1/runs", json={"architecture": inline, "dataset": "digits"}).json()
    page = client.get(f"/runs/new?from={run['id']}").text
    assert f'value="run:{run["id"]}" checked' in page
    client.post("/runs", data={"architecture": f"run:{run['id']}", "dataset": "digits", "seed": "5"})
    client.post(f"/runs/{run['id']}/again")
    runs = client.get("/api/v1/runs").json()["runs"]
    assert [(each["config"]["architecture"]["name"], each["config_hash"]) for each in runs] == [
        ("inline", run["config_hash"])
    ] * 3


def test_a_network_is_deleted_from_its_page_and_restored(client: TestClient) -> None:
    for width in (4, 5):
        saved(client, "mine", width)
    client.post("/api/v1/runs", json={"architecture": {"name": "mine@1"}, "dataset": "digits"})
    assert "Delete mine@2" in client.get("/networks/mine@2").text
    gone = client.post("/networks/mine@2/delete")
    assert gone.headers["location"] == "/networks?deleted=mine%402"
    page = client.get(gone.headers["location"]).text
    assert ("/networks/mine@2/restore" in page, 'id="mine@1"' in page, 'id="mine@2"' in page) == (True, True, False)
    assert client.post("/networks/mine@2/restore").status_code == 303
    assert client.post("/networks/mine@2/restore").status_code == 404
    assert 'id="mine@2"' in client.get("/networks?deleted=mine@2").text
    assert 'value="mine@1"' in client.get("/runs").text, "runs can be filtered by it"
    assert client.post("/networks/lenet5/delete").status_code == 404
