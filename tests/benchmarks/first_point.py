"""How long from the press on "Start run" until the curves show the first epoch, in a real browser, on `digits`, warm.

    python -m tests.benchmarks.first_point [--launches 50] [--json FILE]

Starts `trainyard up` over an empty folder, waits for a warm slot, and launches the form as it stands (LeNet-5, 10
epochs) one run after another. The press is the browser's own time of the event; the point is there when all four curves
have drawn it. Server, worker and browser read one clock. What else the machine does is in the figures: see the load.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import httpx2
from playwright.sync_api import Page, sync_playwright

from tests.end_to_end.conftest import NAMES, QUIET_BROWSER
from tests.end_to_end.trainyards import Trainyard, has_ready_slot, wait_until

TARGET_SECONDS = 1.0  # the 95th of 100, issue 4
# Kept over the navigation that the press begins.
REMEMBER_THE_PRESS = """addEventListener("submit", ({timeStamp}) =>
    sessionStorage.setItem("pressed", performance.timeOrigin + timeStamp), true)"""
DRAWN = """() => [...document.querySelectorAll(".chart[data-chart$='_accuracy'], .chart[data-chart$='_loss']")]
    .filter(({dataset}) => dataset.chart !== "step_loss").every(({dataset}) => Number(dataset.epochsDrawn) >= 1)"""
TIMES = """() => {
    const [page] = performance.getEntriesByType("navigation");
    const at = (time) => (performance.timeOrigin + time) / 1000;
    const marks = performance.getEntriesByType("mark").filter(({name}) => name.startsWith("drawn:"));
    const first = (wanted) => Math.max(...["test_accuracy", "test_loss", "train_accuracy", "train_loss"].map((curve) =>
        marks.find(({name}) => name.split(":")[1] === curve && wanted(Number(name.split(":")[2]))).startTime));
    return {
        pressed: Number(sessionStorage.getItem("pressed")) / 1000, redirected: at(page.redirectEnd),
        page: at(page.responseEnd), curves: at(first(() => true)), drawn: at(first((epoch) => epoch > 0)),
    };
}"""


def launch(page: Page, trainyard: Trainyard) -> dict[str, float]:
    """Presses the button; seconds since the press by what had happened then."""
    page.goto("/runs/new")
    page.locator('input[name="dataset"][value="digits"]').check()
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Start run").click()
    page.wait_for_url(re.compile(r"/runs/\d+$"))
    page.wait_for_function(DRAWN, timeout=60_000)
    at = page.evaluate(TIMES)
    run = int(page.url.rsplit("/", 1)[1])
    told, epochs = trainyard.api.get(f"runs/{run}").json(), trainyard.api.get(f"runs/{run}/epochs").json()
    trainyard.wait_until_completed(run)
    moments = {"added": told["created_at"], "claimed": told["started_at"], "first epoch": epochs[0]["recorded_at"]}
    at |= {what: datetime.fromisoformat(moment).timestamp() for what, moment in moments.items()}
    return {what: moment - at["pressed"] for what, moment in at.items()}


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[94]


def told(name: str, values: list[float]) -> str:
    return f"{name:44} {statistics.median(values):6.3f} {p95(values):6.3f} {max(values):6.3f}"


def measure(trainyard: Trainyard, launches: int) -> list[dict[str, float]]:
    browser_path = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=QUIET_BROWSER)
        page = browser.new_context(base_url=trainyard.address).new_page()
        page.add_init_script(REMEMBER_THE_PRESS)
        launch(page, trainyard)  # the dataset is made and the browser's cache filled
        measured = [launch(page, trainyard) for _ in range(launches)]
        browser.close()
    return measured


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--launches", type=int, default=50)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="first-point-") as folder:
        command = [sys.executable, "-P", "-m", "app.cli", "up", "--port", "0", "--data-dir", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                address = re.search(r"http://[\d.:]+", process.stdout.readline())
                assert address
                with httpx2.Client(base_url=f"{address[0]}/api/v1/", timeout=30) as api:
                    wait_until(lambda: has_ready_slot(api), 120)
                    measured = measure(Trainyard(address[0], api, Path(folder)), asked.launches)
            finally:
                process.send_signal(signal.SIGTERM)
    print(f"{len(measured)} launches; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'seconds after the press':44} median    p95    max")
    for name, what in (
        ("added to the queue", "added"),
        ("the browser is sent to the run's page", "redirected"),
        ("claimed", "claimed"),
        ("the page has come", "page"),
        ("empty curves, or with what was there", "curves"),
        ("first epoch recorded", "first epoch"),
        ("first point on all four curves", "drawn"),
    ):
        print(told(name, [each[what] for each in measured]))
    if asked.json:
        asked.json.write_text(json.dumps(measured, indent=1))
    seconds = p95([each["drawn"] for each in measured])
    print(f"p95 {seconds:.2f} s; the target is {TARGET_SECONDS:.0f} s")
    return 0 if seconds <= TARGET_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
