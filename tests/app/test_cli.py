"""The command line: its flags are the settings, and what cannot start says why in one line."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from app.cli import COMMANDS, main, parser, read_settings
from app.serving import listen
from core.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("TRAINYARD_")]:
        monkeypatch.delenv(variable)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_lists_every_setting_by_flag_and_environment(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"] if command else ["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')} VALUE" in shown
        assert f"(TRAINYARD_{name.upper()}" in shown
        assert field.description
        assert field.description in shown


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert all(f"{name} {command.help}" in shown for name, command in COMMANDS.items())


def test_a_flag_may_stand_before_the_command_or_behind_it() -> None:
    for arguments in (["--port", "9000", "serve"], ["serve", "--port", "9000"]):
        assert vars(parser().parse_args(arguments)) == {"command": "serve", "port": "9000"}


def test_the_readme_has_the_settings_as_the_code_has_them() -> None:
    readme = (ROOT / "README.md").read_text()
    in_readme = re.findall(r"^\| `--.*\|$", readme, flags=re.MULTILINE)
    in_code = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, ()) else f"`{field.default}`"
        flag = f"`--{name.replace('_', '-')}`"
        in_code.append(f"| {flag} | `TRAINYARD_{name.upper()}` | {default} | {field.description} |")
    assert in_readme == in_code


def test_a_flag_comes_before_the_environment_and_that_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_PORT", "9001")
    monkeypatch.setenv("TRAINYARD_SLOTS", "3")
    settings = read_settings({"port": "9002", "allowed_hosts": "a.example, b.example"})
    assert (settings.port, settings.slots, settings.threads) == (9002, 3, 1)
    assert settings.allowed_hosts == ("a.example", "b.example")


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TRAINYARD_PROT", "9000")
    assert main(["serve"]) == 1
    assert "no such setting: TRAINYARD_PROT" in capsys.readouterr().err


def test_wrong_values_are_refused_together_each_with_its_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "http", "--threads", "0"]) == 1
    told = capsys.readouterr().err
    assert "--port: " in told
    assert "--threads: " in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("command", ["serve", "up"])
def test_a_taken_port_is_one_clear_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main([command, "--port", str(port)]) == 1
    told = capsys.readouterr().err
    assert f"port {port} of 127.0.0.1" in told
    assert f"--port {port + 1}" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_database_of_a_newer_version_is_one_clear_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = sqlite3.connect(tmp_path / "trainyard.sqlite3")
    newer.execute("PRAGMA user_version = 999")
    newer.close()
    assert main([command, "--data-dir", str(tmp_path), "--port", "0"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "newer version of Trainyard (schema 999" in told[0]


@pytest.mark.parametrize("command", ["up", "serve", "backup"])
def test_a_file_that_is_no_database_is_one_clear_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trainyard.sqlite3").write_bytes(b"not a database" * 1000)
    own = [str(tmp_path / "backup.tar")] if command == "backup" else []
    assert main([command, *own, "--data-dir", str(tmp_path), "--port", "0"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "file is not a database" in told[0]


def test_a_data_folder_that_cannot_be_made_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-file").touch()
    assert main(["serve", "--data-dir", str(tmp_path / "a-file" / "data"), "--port", "0"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "cannot be opened" in told[0]


@pytest.mark.parametrize("command", ["serve", "up"])
def test_a_token_file_that_cannot_be_trusted_is_one_clear_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").touch(mode=0o600)
    assert main([command, "--host", "0.0.0.0", "--port", "0", "--data-dir", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "does not hold a token" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("token", ["", "short", "schlüssel zum hof", "two\nlines of it"])
def test_a_poor_token_is_refused_and_not_repeated(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--token", token]) == 1
    told = capsys.readouterr().err
    assert told == "trainyard: --token: a token has 8 or more letters, digits and signs, all of them ASCII\n"


def test_a_server_for_others_with_a_token_listens() -> None:
    door = listen(read_settings({"host": "0.0.0.0", "port": "0", "token": "a long secret"}))
    port = door.getsockname()[1]
    with door, socket.create_connection(("127.0.0.1", port), timeout=5) as visitor:
        assert visitor.getpeername()[1] == port


def test_up_answers_at_the_address_it_prints_and_one_ctrl_c_stops_all(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "app.cli",
        "up",
        "--port",
        "0",
        "--slots",
        "1",
        "--data-dir",
        str(tmp_path / "data"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True, text=True) as up:
        try:
            assert up.stdout
            address = re.search(r"http://127\.0\.0\.1:\d+", up.stdout.readline())
            assert address
            with urlopen(f"{address[0]}/healthz", timeout=10) as answer:
                assert answer.status == 200
            children = psutil.Process(up.pid).children(recursive=True)
            assert len(children) >= 2, "server and worker"
            os.killpg(up.pid, signal.SIGINT)  # as a terminal does: to the whole group
            assert up.wait(30) == 0
            assert psutil.wait_procs(children, timeout=5)[1] == [], "nothing is left running"
        finally:
            up.kill()
