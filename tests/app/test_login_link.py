"""A server that others can reach, as real processes: it makes a token, tells a link, and never shows the token."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest

from app.cli import main


@contextmanager
def started(command: str, data_dir: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address; stopped at the end, whose stdout and stderr are then in `output` beside the data."""
    arguments = [sys.executable, "-P", "-m", "app.cli", command, "--port", "0", "--data-dir", str(data_dir), *flags]
    output = data_dir.with_name("output")
    with (
        output.open("w") as written,
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=written, text=True) as run,
    ):
        try:
            assert run.stdout
            address = re.search(r"http://127\.0\.0\.1:\d+", told := run.stdout.readline())
            assert address, told
            yield run, address[0]
            run.send_signal(signal.SIGTERM)
            written.write(run.communicate(timeout=30)[0])
        finally:
            run.kill()


def read_link(text: str, address: str) -> str:
    found = re.search(re.escape(address) + r"/login\?code=([\w-]{32})", text)
    assert found, text
    return found[1]


def test_a_server_for_others_tells_a_link_and_never_the_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir = tmp_path / "data"
    with started("up", data_dir, "--host", "0.0.0.0", "--slots", "1") as (up, address):
        assert up.stdout
        printed = up.stdout.readline()
        assert "works once, within 10 minutes" in printed
        token = (data_dir / "token").read_text().strip()
        assert len(token) == 43

        assert main(["login-link", "--data-dir", str(data_dir)]) == 0  # neither host, port nor token is told again
        another = capsys.readouterr().out
        seen = [printed, another]
        for link in (printed, another):
            with httpx2.Client(base_url=address, headers={"Accept": "text/html"}, follow_redirects=True) as browser:
                code = read_link(link, address)
                for page in (browser.get("/runs"), browser.get(f"/login?code={code}")):
                    seen.append(page.text)
                    assert "Sign in" in page.text
                signed_in = browser.post("/login", data={"code": code})
                seen.append(signed_in.text)
                assert "Sign out" in signed_in.text
                seen.append(browser.get("/runs/999").text)
                assert browser.post("/login", data={"token": "wrong" + token}).status_code == 401
        assert httpx2.get(f"{address}/readyz", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        for process in [psutil.Process(up.pid), *psutil.Process(up.pid).children(recursive=True)]:
            assert token not in " ".join([process.name(), *process.cmdline()])
    seen.append((tmp_path / "output").read_text())
    assert all(token not in text for text in seen)
    assert all(token not in file.name and token.encode() not in file.read_bytes() for file in data_dir.glob("*.*"))


def test_where_no_token_is_asked_for_no_link_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_dir = tmp_path / "data"
    assert main(["login-link", "--data-dir", str(data_dir)]) == 1
    assert f"no server runs over {data_dir}" in capsys.readouterr().err
    data_dir.mkdir()
    (data_dir / "server.json").touch()  # as a power cut may leave it
    assert main(["login-link", "--data-dir", str(data_dir)]) == 1
    with started("serve", data_dir) as (_, address):
        assert main(["login-link", "--data-dir", str(data_dir)]) == 0
        assert capsys.readouterr().out == f"No login link is needed: {address} asks for no token.\n"
    assert not (data_dir / "login-codes").exists()
    assert main(["login-link", "--data-dir", str(data_dir)]) == 1, "it has stopped"
