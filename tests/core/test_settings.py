"""Settings: from the environment, whole, typed and frozen."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from core.settings import Settings


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TRAINYARD_{name.upper()}", raising=False)


def test_the_defaults_need_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    assert (settings.host, settings.port, settings.token) == ("127.0.0.1", 8000, None)
    assert settings.data_dir == tmp_path / "data"
    assert settings.database_file == tmp_path / "data" / "trainyard.sqlite3"
    assert settings.is_local_only


def test_every_setting_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = {
        "TRAINYARD_HOST": "0.0.0.0",
        "TRAINYARD_PORT": "9000",
        "TRAINYARD_DATA_DIR": str(tmp_path),
        "TRAINYARD_TOKEN": "a long secret",
        "TRAINYARD_ALLOWED_HOSTS": "lab.example,gpu.example",
        "TRAINYARD_SLOTS": "3",
        "TRAINYARD_THREADS": "2",
        "TRAINYARD_DETERMINISTIC": "True",
        "TRAINYARD_MIN_FREE_MIB": "2048",
        "TRAINYARD_STACK": "8",
        "TRAINYARD_DATASET_MIRROR": "file:///srv/datasets",
        "TRAINYARD_MAX_UPLOAD_MIB": "64",
        "TRAINYARD_IMPORT_DIR": "/srv/import",
    }
    assert set(environment) == {f"TRAINYARD_{name.upper()}" for name in Settings.model_fields}
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    settings = Settings()
    assert settings.allowed_hosts == ("lab.example", "gpu.example")
    assert (settings.port, settings.slots, settings.threads) == (9000, 3, 2)
    assert settings.as_environment() == environment, "another process gets the same settings"


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_TOKEN", "")
    monkeypatch.setenv("TRAINYARD_SLOTS", "")
    assert (Settings().token, Settings().slots) == (None, None)


def test_the_token_is_not_shown_when_settings_are() -> None:
    assert "a long secret" not in repr(Settings.model_validate({"token": "a long secret"}))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("port", "70000"),
        ("port", "http"),
        ("slots", "0"),
        ("threads", "-1"),
        ("dataset_mirror", "ftp://host"),
        ("colour", "red"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_name(name: str, wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({name: wrong})
    assert [error["loc"] for error in refused.value.errors()] == [(name,)]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.1.1", "::1", "localhost"])
def test_this_machine_is_local(host: str) -> None:
    assert Settings(host=host).is_local_only


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "lab.example"])
def test_every_other_host_is_not(host: str) -> None:
    assert not Settings(host=host).is_local_only
