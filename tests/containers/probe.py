"""Uses a started stack as people and programs do, and stops it; `make containers` runs this after starting one.

By hand: COMPOSE="docker compose -f docker-compose.yml -f docker-compose.cpu.yml" python3 tests/containers/probe.py
Only the standard library; the volume it leaves holds one run. Exit code 1 and a traceback where a promise is broken.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from http.cookiejar import CookieJar
from typing import Any
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

COMPOSE = os.environ["COMPOSE"].split()
ADDRESS = f"http://127.0.0.1:{os.environ.get('TRAINYARD_PORT', '8000')}"
PATIENCE_SECONDS = 180.0  # a worker that has just been started imports torch


def main() -> None:
    both = ("server", "worker")
    for service in both:
        assert said_in(service, "id", "-u") == "1000", f"the {service} runs as root"
        assert fails_in(service, "touch", "/trainyard/a-file"), f"the {service} can write to its root file system"
    assert fails_in("server", "python", "-c", "import torch"), "the server's image has torch"
    print("non-root, read-only, no torch in the server")

    link = said_in("server", "trainyard", "login-link").splitlines()[0]
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    address, _, code = link.partition("?")
    assert address == f"{ADDRESS}/login"
    with browser.open(link, timeout=10) as page:
        assert b"The button signs this browser in" in page.read()
    with browser.open(address, code.encode(), timeout=10) as page:  # what the button sends
        assert page.url == f"{ADDRESS}/runs"
    print("the login link signs in at", page.url)

    token = said_in("server", "cat", "/data/token")
    run = asked("/runs", token, {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 2, "seed": 0})
    wait_until(lambda: asked(f"/runs/{run['id']}", token)["state"] == "completed")
    print("completed:", asked(f"/runs/{run['id']}", token)["summary"])

    wait_until(lambda: {health_of(service) for service in both} == {"healthy"})
    print("healthy:", *both)
    compose("stop")
    assert {state_of(service)["ExitCode"] for service in both} == {0}, "not stopped by SIGTERM"
    print("stopped by SIGTERM, exit code 0")


def asked(path: str, token: str, content: object = None) -> Any:  # JSON
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = None if content is None else json.dumps(content).encode()
    with urlopen(Request(f"{ADDRESS}/api/v1{path}", body, headers), timeout=10) as answer:
        return json.load(answer)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} s"
        time.sleep(1)


def compose(*arguments: str) -> str:
    return subprocess.run([*COMPOSE, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def said_in(service: str, *command: str) -> str:
    return compose("exec", "-T", service, *command)


def fails_in(service: str, *command: str) -> bool:
    return subprocess.run([*COMPOSE, "exec", "-T", service, *command], capture_output=True).returncode != 0


def state_of(service: str) -> Any:  # JSON
    return json.loads(compose("ps", "--all", "--format", "json", service).splitlines()[0])


def health_of(service: str) -> str:
    return str(state_of(service)["Health"])


if __name__ == "__main__":
    main()
