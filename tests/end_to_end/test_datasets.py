"""A dataset of somebody else's tool, from its upload to a compared experiment, in a real browser; and hostile ones."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard, wait_until
from tests.worker.archives_from_outside import HOSTILE

KINDS = ("circle", "cross", "ring", "square", "triangle")
MAX_GROWTH_BYTES = 64 * 2**20
LARGEST = ("zip-bomb", "tar-bomb", "tar-symlink", "zip-name-0", "png-of-4-gigapixels", "zip-cut")
pytestmark = pytest.mark.timeout(240)


def shapes(path: Path, num: int = 30) -> Path:
    """Five classes of coloured shapes on coloured ground, 32×32, in class folders below one folder, with noise."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for kind in KINDS:
            for number in range(num):
                archive.writestr(f"my shapes/{kind}/{number}.png", shape(kind, random))
    return path


def shape(kind: str, random: np.random.Generator) -> bytes:
    ground, colour = (tuple(random.integers(*levels, 3).tolist()) for levels in ((0, 60), (120, 255)))
    image = Image.new("RGB", (32, 32), ground)
    draw = ImageDraw.Draw(image)
    x, y, side = random.integers(2, 8), random.integers(2, 8), random.integers(14, 22)
    box = [float(value) for value in (x, y, x + side, y + side)]
    left, top, right, bottom = box
    match kind:
        case "circle":
            draw.ellipse(box, fill=colour)
        case "ring":
            draw.ellipse(box, outline=colour, width=3)
        case "square":
            draw.rectangle(box, fill=colour)
        case "cross":
            draw.line([left, top, right, bottom], fill=colour, width=3)
            draw.line([left, bottom, right, top], fill=colour, width=3)
        case _:
            draw.polygon([(left, bottom), (right, bottom), ((left + right) / 2, top)], fill=colour)
    noisy = np.clip(np.asarray(image).astype(int) + random.integers(-20, 20, (32, 32, 3)), 0, 255)
    file = io.BytesIO()
    Image.fromarray(noisy.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_from_a_zip_of_class_folders_to_a_compared_experiment_without_a_line_of_code(
    open_page: OpenPage, trainyard: Trainyard, tmp_path: Path
) -> None:
    page = open_page()
    page.goto("/runs")
    page.get_by_role("link", name="Datasets", exact=True).click()
    page.get_by_label("File").set_input_files(shapes(tmp_path / "My Shapes.zip"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("my-shapes")
    page.get_by_role("button", name="Import", exact=True).press("Enter")
    expect(page.locator('[data-dataset="my-shapes"]')).to_contain_text("Here", timeout=60_000)
    expect(page.locator('[data-dataset="my-shapes"]')).to_contain_text("120 to train, 30 to test")
    page.get_by_role("link", name="my-shapes", exact=True).press("Enter")
    expect(page.locator(".dataset-classes tbody th")).to_have_text(list(KINDS))
    page.get_by_role("link", name="Train on it").press("Enter")

    expect(page.locator("#launch-summary")).to_contain_text("my-shapes")
    page.locator('[name="also.architecture"][value="custom-mlp"]').check()
    page.get_by_label("Number of seeds").fill("3")
    page.get_by_label("Epochs", exact=True).fill("1")
    expect(page.locator("#launch-summary")).to_contain_text("6 runs")
    page.locator("#start").press("Enter")
    expect(page).to_have_url(re.compile(r"/experiments/\d+"))
    experiment = int(page.url.rsplit("/", 1)[1])
    runs = [run["id"] for run in trainyard.api.get("runs", params={"dataset": "my-shapes"}).json()["runs"]]
    assert len(runs) == 6
    wait_until(lambda: all(trainyard.api.get(f"runs/{run}/confusion").status_code == 200 for run in runs), 150)

    page.goto(f"/compare?experiment={experiment}")
    expect(page.get_by_role("heading", name="Which is better?")).to_be_visible()
    expect(page.locator("main")).to_contain_text(re.compile("beats|loses to|Cannot tell"))
    page.goto(f"/errors?runs={runs[0]}")
    expect(page.locator(".confusion thead th")).to_have_count(1 + len(KINDS))
    colours = page.evaluate(
        """() => { const image = document.querySelector('.gallery img');
           const canvas = document.createElement('canvas');
           [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
           const context = canvas.getContext('2d'); context.drawImage(image, 0, 0);
           return [canvas.width, canvas.height, ...context.getImageData(16, 16, 1, 1).data]; }"""
    )
    assert colours[:2] == [32, 32]
    page.goto(f"/try?runs={runs[0]}")
    name = page.locator(".try-bars th").first
    assert (box := name.bounding_box())
    assert box["height"] < box["width"], "a class's name is written from left to right, not letter below letter"
    assert len(set(colours[2:5])) > 1, "the gallery shows colour"


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_no_page_scrolls_sideways(open_page: OpenPage, trainyard: Trainyard, look: str) -> None:
    if not trainyard.api.get("datasets/digits").json()["is_ready"]:
        trainyard.api.post("datasets/digits/fetch").raise_for_status()
        wait_until(lambda: trainyard.api.get("datasets/digits").json()["is_ready"])
    trainyard.api.post(f"datasets?name=bad-{look.replace(' ', '-')}", content=b"no archive").raise_for_status()
    page = open_page(**LOOKS[look])
    for path in ("/datasets", "/datasets/digits", "/datasets/kmnist"):
        page.goto(path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate(SIDEWAYS) <= 0, path


def test_hostile_uploads_leave_nothing_behind_and_do_not_grow_the_server(trainyard: Trainyard, tmp_path: Path) -> None:
    server = next(
        process for process in psutil.process_iter(["cmdline"])
        if process.ppid() == _up(trainyard).pid and "serve" in (process.info["cmdline"] or [])
    )  # fmt: skip
    trainyard.api.get("datasets").raise_for_status()
    before, tasks = server.memory_info().rss, []
    for name in LARGEST:
        (tmp_path / name).mkdir()
        content = HOSTILE[name](tmp_path / name).read_bytes()
        told = trainyard.api.post("datasets", params={"name": f"hostile-{name}"}, content=content)
        assert told.status_code == 202, told.text
        tasks.append(told.json()["id"])
    wait_until(lambda: all(has_failed(trainyard, task) for task in tasks), 120)
    assert server.memory_info().rss - before < MAX_GROWTH_BYTES
    assert list((trainyard.data_dir / "incoming").iterdir()) == []
    assert not list((trainyard.data_dir / "materialised").glob("*import*"))
    assert not [one for one in trainyard.api.get("datasets").json() if one["name"].startswith("hostile")]


def has_failed(trainyard: Trainyard, task: int) -> bool:
    state = trainyard.api.get(f"dataset-tasks/{task}").json()["state"]
    assert state != "completed"
    return bool(state == "failed")


def _up(trainyard: Trainyard) -> psutil.Process:
    """The process that was started with this data folder."""
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "up" in command and str(trainyard.data_dir) in command:
            return process
    raise AssertionError("it runs")
