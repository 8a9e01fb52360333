"""10,000 runs of 50 epochs, as a person meets them: python -m tests.benchmarks.scale (three minutes; --short: one)

Writes such a folder (tests/benchmarks/many_runs.py) and one of 100 runs, starts a real server over each, and measures
in turns what the targets are about: pages and the API by the time until the whole answer is there, over loopback; cold
loads in a real browser, each in a fresh profile with nothing cached, until what was asked for is painted; and the
memory of the server when all that is done. The ratio is to the small folder, measured in the same turn; `cpu` is the
processor time that the server took for an answer, on average, which a busy machine moves less. It needs Chromium.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, get_args

import httpx2
import psutil
from playwright.sync_api import Browser, sync_playwright

from core.runs import SortKey
from tests.benchmarks.many_runs import write
from tests.end_to_end.conftest import NAMES, QUIET_BROWSER

FILTERS = ("search=seed+3", "search=of+none", "state=completed", "state=failed&state=cancelled", "architecture=lenet5",
    "dataset=mnist", "tag=paper", "experiment=1", "experiment=1&architecture=lenet5&state=completed")  # fmt: skip
BOARDS = ("", "?page=20", "?architecture=lenet5", "?min_seeds=5")
# What was asked for is on the screen: the frame after the one in which it was there.
PAINTED = """(() => {
    const done = () => setTimeout(() => { window.painted = performance.now(); });
    const look = () => requestAnimationFrame(%s ? done : look);
    requestAnimationFrame(look);
})();"""
ROW = "document.querySelector('#run-rows tr[data-run]')"
CURVES = (
    "['train_loss', 'train_accuracy', 'test_loss', 'test_accuracy'].every((key) =>"
    " document.querySelector(`.chart[data-chart='${key}']`)?.dataset.linesDrawn > 0)"
)


class Target(NamedTuple):
    name: str
    most: float
    unit: str


class Server(NamedTuple):
    address: str
    process: psutil.Process
    client: httpx2.Client

    def cpu_seconds(self) -> float:
        """Of all its threads so far, those that ended too; to a hundredth of a second."""
        used = self.process.cpu_times()
        return float(used.user + used.system)


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    command = [sys.executable, "-P", "-m", "app.cli", "serve", "--port", "0", "--data-dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            address = re.search(r"http://[\d.:]+", process.stdout.readline())
            assert address
            with httpx2.Client(base_url=address[0], timeout=120, headers={"Accept": "text/html"}) as client:
                yield Server(address[0], psutil.Process(process.pid), client)
        finally:
            process.terminate()


def answered(server: Server, path: str) -> float:
    """Milliseconds until the whole answer was there."""
    began = time.perf_counter()
    server.client.get(path).raise_for_status()
    return 1000 * (time.perf_counter() - began)


def next_page(server: Server, sort: str) -> str:
    """The address of "show more" below the first page."""
    text = server.client.get(f"/runs/table?sort={sort}").raise_for_status().text
    found = re.search(r'hx-get="(/runs/table\?[^"]*cursor=[^"]*)"', text)
    return found[1].replace("&amp;", "&") if found else "/runs/table"


def painted(browser: Browser, address: str, there: str) -> float:
    """Milliseconds from the navigation to the frame that shows it, in a fresh profile."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(PAINTED % there)
    page.goto(address, wait_until="commit")
    page.wait_for_function("() => window.painted", timeout=120_000)
    told = float(page.evaluate("() => window.painted"))
    context.close()
    return told


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[94] if len(values) > 1 else values[0]


def told(target: Target, values: Sequence[float], small: Sequence[float] = (), cpu: float | None = None) -> bool:
    ratio = f"{statistics.median(values) / statistics.median(small):8.1f}" if small else " " * 8
    met = statistics.median(values) <= target.most
    figures = f"{statistics.median(values):9.0f}{p95(values):9.0f}{max(values):9.0f}{target.most:9.0f} {target.unit:4}"
    of_cpu = f"{cpu:8.0f}" if cpu is not None else " " * 8
    print(f"{target.name:52}{figures}{ratio}{of_cpu}   {'met' if met else 'MISSED'}", flush=True)
    return met


def in_turns(
    paths: Sequence[tuple[str, str]], large: Server, small: Server, turns: int
) -> tuple[list[float], list[float], float]:
    """Of every path, on both servers, `turns` times, after once that does not count; and what the large one took of the
    processor for an answer, in milliseconds."""
    values: tuple[list[float], list[float]] = ([], [])
    began = 0.0
    for turn in range(turns + 1):
        began = began if turn > 1 else large.cpu_seconds()
        for own in paths:
            for server, path, into in zip((large, small), own, values, strict=True):
                took = answered(server, path)
                into += [took] if turn else []
    return *values, 1000 * (large.cpu_seconds() - began) / len(values[0])


def measure(large: Server, small: Server, browser: Browser, turns: int, loads: int) -> bool:
    def both(paths: Sequence[str]) -> list[tuple[str, str]]:
        return [(path, path) for path in paths]

    sorts = [f"{minus}{key}" for key in get_args(SortKey) for minus in ("", "-")]
    pages = [(next_page(large, sort), next_page(small, sort)) for sort in sorts]
    ten, all_of_one = f"runs={','.join(map(str, range(1, 11)))}", "experiment=1"
    met = [
        told(Target("Runs, cold: first row painted", 300, "ms"),
             [painted(browser, f"{large.address}/runs", ROW) for _ in range(loads)],
             [painted(browser, f"{small.address}/runs", ROW) for _ in range(loads)]),
        told(Target(f"Runs, {len(sorts)} orders", 50, "ms"),
             *in_turns(both([f"/runs/table?sort={sort}" for sort in sorts]), large, small, turns)),
        told(Target(f"Runs, {len(FILTERS)} filters, each in 3 orders", 50, "ms"),
             *in_turns(both([f"/runs/table?{one}&sort={sort}" for one in FILTERS
                             for sort in ("-id", "-test_accuracy", "name")]), large, small, turns)),
        told(Target("Runs, next page of every order", 50, "ms"), *in_turns(pages, large, small, turns)),
        told(Target("Leaderboard, four of its pages", 100, "ms"),
             *in_turns(both([f"/leaderboard{board}" for board in BOARDS]), large, small, 3 * turns)),
        told(Target("Leaderboard, JSON of 200 groups", 100, "ms"),
             *in_turns(both(["/api/v1/leaderboard?limit=200"]), large, small, 3 * turns)),
        told(Target("Compare of 10 runs, cold: curves painted", 1000, "ms"),
             [painted(browser, f"{large.address}/compare?{ten}", CURVES) for _ in range(loads)],
             [painted(browser, f"{small.address}/compare?{ten}", CURVES) for _ in range(loads)]),
        told(Target("Compare of 1,000 runs as bands, cold: curves painted", 1500, "ms"),
             [painted(browser, f"{large.address}/compare?{all_of_one}", CURVES) for _ in range(loads)]),
        told(Target("... its answer from the server", 1500, "ms"),
             [answered(large, f"/compare?{all_of_one}") for _ in range(loads)]),
    ]  # fmt: skip
    memory = large.process.memory_info().rss / 2**20
    return told(Target("Memory of the server after all that", 300, "MiB"), [memory]) and all(met)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--data-dir", type=Path, help="a folder that many_runs.py wrote, instead of a new one")
    parser.add_argument("--short", action="store_true", help="fewer turns")
    asked = parser.parse_args()
    turns, loads = (1, 2) if asked.short else (4, 7)
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        data_dir, few = asked.data_dir or Path(folder, "many"), Path(folder, "few")
        began = time.perf_counter()
        if asked.data_dir is None:
            print(f"{write(data_dir, asked.runs, asked.epochs):,} groups of five", end=", ")
        write(few, 100, asked.epochs)
        print(f"written in {time.perf_counter() - began:.0f} s; load average {os.getloadavg()[0]:.1f}")
        print(f"{'':52}{'median':>9}{'p95':>9}{'max':>9}{'at most':>9} {'':4}{'ratio':>8}{'cpu':>8}")
        with serving(data_dir) as large, serving(few) as small, sync_playwright() as playwright:
            found = next(filter(None, map(shutil.which, NAMES)), None)
            browser = playwright.chromium.launch(executable_path=found, args=QUIET_BROWSER)
            all_met = measure(large, small, browser, turns, loads)
            browser.close()
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {time.perf_counter() - began:.0f} s")
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
