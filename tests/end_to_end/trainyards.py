"""A Trainyard that runs for the end-to-end tests, as a program sees it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx2
from playwright.sync_api import Page

OpenPage = Callable[..., Page]  # the arguments are those of Browser.new_context

LOOKS: dict[str, dict[str, object]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "360 px": {"viewport": {"width": 360, "height": 740}},
}
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Trainyard(NamedTuple):
    address: str
    api: httpx2.Client  # of /api/v1
    data_dir: Path

    def launch(self, *, epochs: int, name: str = "") -> int:
        """LeNet-5 on digits; the number of the run."""
        config = {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": epochs, "name": name}
        response = self.api.post("runs", json=config)
        assert response.status_code == 201, response.text
        return int(response.json()["id"])

    def wait_until_completed(self, run: int) -> None:
        wait_until(lambda: self.api.get(f"runs/{run}").json()["state"] == "completed")


def has_ready_slot(api: httpx2.Client) -> bool:
    workers = api.get("workers").json()
    return any(slot["state"] == "ready" for worker in workers for slot in (worker["vitals"] or {}).get("slots", ()))


def wait_until(is_so: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.05)
