"""The container files keep their promises as far as reading tells; `make containers` builds, starts and uses them."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from core.settings import Settings

ROOT = Path(__file__).parents[2]


yaml.SafeLoader.add_constructor("!reset", lambda *_: None)  # compose's own tag: what an earlier file said is removed


def compose(name: str = "docker-compose.yml") -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())["services"]
    return services


def stages() -> dict[str, str]:
    """Of the Dockerfile, each with what the stages below it say first; comments are left out."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found: dict[str, str] = {}
    for below, name, lines in re.findall(r"^FROM (\S+) AS (\S+)\n(.*?)(?=^FROM |\Z)", text, re.MULTILINE | re.DOTALL):
        found[name] = found.get(below, "") + lines
    return found


def test_the_port_is_published_on_this_machine_alone() -> None:
    assert [port.split(":", 1)[0] for port in compose()["server"]["ports"]] == ["127.0.0.1"]
    assert "ports" not in compose()["worker"]


def test_both_are_read_only_over_one_volume_and_have_time_to_stop() -> None:
    for service in compose().values():
        assert (service["init"], service["read_only"], service["volumes"]) == (True, True, ["data:/data"])
        assert int(service["stop_grace_period"].removesuffix("s")) >= 20  # app/processes.py gives them as much


def test_the_worker_reserves_the_gpus_and_the_override_takes_that_back() -> None:
    (device,) = compose()["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["count"], device["capabilities"][0]) == ("nvidia", "all", "gpu")
    assert compose("docker-compose.cpu.yml") == {"worker": {"deploy": None}}


def test_every_setting_can_be_given_to_the_containers() -> None:
    given = {name for service in compose().values() for name in service["environment"]}
    settings = {f"TRAINYARD_{name.upper()}" for name in Settings.model_fields}
    assert given == settings - {"TRAINYARD_HOST", "TRAINYARD_DATA_DIR"}  # the image's own


def test_both_images_run_as_a_user_hear_sigterm_and_tell_their_health() -> None:
    for name in ("server", "worker"):
        stage = stages()[name]
        assert re.findall(r"^USER (.+)$", stage, re.MULTILINE) == ["trainyard"]
        assert json.loads(re.findall(r"^CMD (\[.+)$", stage, re.MULTILINE)[-1])[0] == "trainyard"  # no shell between
        assert "HEALTHCHECK" in stage


def test_the_servers_image_has_the_servers_packages_and_no_torch() -> None:
    assert "worker-packages" not in stages()["server"]
    assert "requirements/server.txt" in stages()["server-packages"]
    assert not re.search(r"^torch", (ROOT / "requirements/server.txt").read_text(), re.MULTILINE)


def test_nothing_names_a_registry() -> None:
    for name in ("Dockerfile", "docker-compose.yml", "docker-compose.cpu.yml"):
        text = (ROOT / name).read_text()
        assert set(re.findall(r"https?://([\w.]+)", text)) <= {"127.0.0.1"}
        assert "index" not in text


def test_an_image_is_made_from_the_packages_and_never_from_data() -> None:
    patterns = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in patterns
    assert {"!app", "!core", "!worker", "!templates", "!static", "!requirements"} <= set(patterns)
    assert not {"!data", "!.", "!.venv"} & set(patterns)
