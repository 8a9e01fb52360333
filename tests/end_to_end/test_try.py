"""Try it in a real browser, with real runs on digits: by mouse, by keyboard, with a file and a test image."""

import re
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from core.png import png_bytes
from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard, wait_until

pytestmark = pytest.mark.timeout(240)
AGREEMENT = re.compile(r"Both models say \d\.|Of 2 models 1 says \d, 1 says \d\.")


@pytest.fixture(scope="module")
def runs(trainyard: Trainyard) -> list[int]:
    """LeNet-5 and the real MLP on digits."""
    launched = [trainyard.launch(epochs=2)]
    config = {"architecture": {"name": "custom-mlp"}, "dataset": "digits", "epochs": 2}
    launched.append(trainyard.api.post("runs", json=config).json()["id"])
    for run in launched:
        trainyard.wait_until_completed(run)
    return launched


def open_try(page: Page, runs: list[int], more: str = "") -> None:
    page.goto(f"/try?runs={','.join(map(str, runs))}{more}")
    expect(page.locator("body")).to_have_attribute("data-connection", "live")


def seen(page: Page) -> str:
    """Once all that was drawn is answered."""
    expect(page.locator("#answers")).to_have_attribute("aria-busy", "false")
    return page.locator("#answers .try-seen img").get_attribute("src") or ""


def test_every_model_answers_to_what_the_mouse_draws_and_undo_takes_it_back(
    open_page: OpenPage, runs: list[int]
) -> None:
    page = open_page()
    open_try(page, runs)
    box = page.locator("#pad").bounding_box()
    assert box
    x, y, side = box["x"], box["y"], box["width"]
    before = page.locator("#answers .try-seen img").get_attribute("src")
    page.mouse.move(x + 0.5 * side, y + 0.1 * side)
    page.mouse.down()
    page.mouse.move(x + 0.5 * side, y + 0.9 * side, steps=12)
    page.mouse.up()
    expect(page.locator("#seen-title")).to_contain_text("Your image")
    expect(page.locator("#try-said")).to_have_text(AGREEMENT)
    expect(page.locator(".try-model")).to_have_count(2)
    one = seen(page)
    assert one != before
    page.mouse.move(x + 0.2 * side, y + 0.5 * side)
    page.mouse.down()
    page.mouse.move(x + 0.8 * side, y + 0.5 * side, steps=6)
    page.mouse.up()
    assert seen(page) != one
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#answers .try-seen img")).to_have_attribute("src", one)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".try-agreement")).to_contain_text("empty image")


def test_by_keyboard_alone_one_draws_and_sees_the_layers_of_a_model(open_page: OpenPage, runs: list[int]) -> None:
    page = open_page()
    open_try(page, runs)
    page.locator("#pad").focus()
    for key in ("Shift+ArrowUp", "Shift+ArrowUp", " ", *["Shift+ArrowDown"] * 4, " "):
        page.keyboard.press(key)
    expect(page.locator("#pad-said")).to_have_text("Column 15, row 23, pen up.")
    expect(page.locator("#seen-title")).to_contain_text("Your image")
    expect(page.locator("#try-said")).to_have_text(AGREEMENT)
    seen(page)
    page.locator("a[data-layers]").first.press("Enter")
    expect(page.locator("#layers-title")).to_contain_text(f"run {runs[0]}")
    expect(page).to_have_url(re.compile(f"layers={runs[0]}"))
    expect(page.locator("#seen-title")).to_contain_text("Your image")  # it is kept
    page.get_by_role("link", name="Hide the layers").press("Enter")
    expect(page.locator("#layers-title")).to_have_count(0)
    page.locator("#pad").focus()
    page.keyboard.press("Delete")
    expect(page.locator(".try-agreement")).to_contain_text("empty image")


def test_test_images_files_and_their_handling(open_page: OpenPage, runs: list[int], tmp_path: Path) -> None:
    page = open_page()
    open_try(page, runs)
    page.locator("a[data-sample='3']").click()
    expect(page.locator("#seen-title")).to_contain_text("Test image 3")
    expect(page).to_have_url(re.compile("sample=3"))
    paper = np.full((300, 200), 240, np.uint8)
    paper[60:240, 90:110] = 20
    (tmp_path / "one.png").write_bytes(png_bytes(paper))
    page.locator("#try-file").set_input_files(tmp_path / "one.png")
    expect(page.locator(".try-seen")).to_contain_text("Dark and light changed places.")
    page.get_by_label("Light and dark").select_option("no")
    expect(page.locator(".try-agreement")).to_contain_text("empty image")
    expect(page).to_have_url(re.compile("invert=no"))


def test_what_interrupts_a_stroke_ends_it(open_page: OpenPage, runs: list[int]) -> None:
    """The page's errors would fail it; nor does the pen by keyboard go on with what the mouse drew."""
    page = open_page()
    open_try(page, runs)
    box = page.locator("#pad").bounding_box()
    assert box
    page.locator("#pad").focus()
    for key in (" ", "Shift+ArrowDown"):
        page.keyboard.press(key)
    page.locator("a[data-sample='3']").click()
    page.locator("#pad").press("ArrowDown")
    expect(page.locator("#pad-said")).to_contain_text("pen up")
    expect(page.locator("#seen-title")).to_contain_text("Test image 3")
    page.keyboard.press(" ")
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + 90, steps=3)
    page.mouse.up()
    by_mouse = seen(page)
    page.keyboard.press("Shift+ArrowRight")
    assert seen(page) == by_mouse
    page.mouse.down()
    page.keyboard.press("Backspace")
    page.mouse.move(box["x"] + 90, box["y"] + 90, steps=3)
    page.mouse.up()
    assert seen(page) == by_mouse


def test_a_test_image_is_not_overtaken_by_the_stroke_before_it(open_page: OpenPage, runs: list[int]) -> None:
    page = open_page()
    open_try(page, runs)
    page.locator("#pad").click()
    page.locator("a[data-sample='3']").click()
    page.wait_for_timeout(600)
    seen(page)
    expect(page.locator("#seen-title")).to_contain_text("Test image 3")


def test_all_of_a_stroke_is_answered_by_a_browser_that_is_never_idle(open_page: OpenPage, runs: list[int]) -> None:
    """Then toBlob takes its time, and an older copy may come after a newer one."""
    page = open_page()
    open_try(page, runs)
    page.evaluate("() => { document.getElementById('pad').toBlob = () => {}; }")
    page.locator("#pad").click()
    expect(page.locator("#seen-title")).to_contain_text("Your image")


def test_a_large_drawing_on_nothing_keeps_its_ground_when_it_is_made_smaller(
    open_page: OpenPage, runs: list[int], tmp_path: Path
) -> None:
    """In a JPEG black ink would lie on black."""
    page = open_page()
    open_try(page, runs)
    ink = np.zeros((4, 2000, 1500), np.uint8)
    ink[3, 200:1800, 700:800] = 255
    (tmp_path / "large.png").write_bytes(png_bytes(ink))
    page.locator("#try-file").set_input_files(tmp_path / "large.png")
    expect(page.locator(".try-seen")).to_contain_text("What is transparent became its ground.")
    expect(page.locator(".try-agreement")).to_have_text(AGREEMENT)


def test_where_no_model_is_left_the_reason_is_told(browser: Browser, trainyard: Trainyard, runs: list[int]) -> None:
    with browser.new_context(base_url=trainyard.address) as context:  # whose console may hold an error: the 404
        page = context.new_page()
        open_try(page, runs)
        page.evaluate("() => history.replaceState(null, '', '/try?runs=99999')")
        page.locator("#pad").click()
        expect(page.locator("#notice")).to_contain_text("99999")
        expect(page.locator("#answers")).to_have_attribute("aria-busy", "false")


def test_a_run_in_training_is_tried_and_is_told_to_have_ended(open_page: OpenPage, trainyard: Trainyard) -> None:
    run = trainyard.launch(epochs=500)
    wait_until(lambda: trainyard.api.get(f"runs/{run}").json()["epochs_done"] > 0, 60)
    page = open_page()
    open_try(page, [run])
    expect(page.locator("#answers")).to_contain_text("still training")
    assert trainyard.api.post(f"runs/{run}/cancel").is_success
    expect(page.locator("#answers")).not_to_contain_text("still training", timeout=20_000)
    expect(page.locator("#answers")).to_contain_text(re.compile(r"run \d+, epoch \d+"))


def test_a_misread_image_goes_to_the_gallery_and_can_be_tried_again(open_page: OpenPage, runs: list[int]) -> None:
    page = open_page()
    open_try(page, runs)
    page.locator("#pad").focus()
    for key in ("Shift+ArrowUp", " ", "Shift+ArrowDown", " "):
        page.keyboard.press(key)
    seen(page)
    page.get_by_label("It is").select_option("8")
    page.get_by_role("button", name="Send to the gallery").click()
    page.locator("#keep-said").get_by_role("link", name="The gallery").click()
    expect(page.locator(".kept-images > li")).to_have_count(1)
    then, now = page.locator(".kept-said > div").all()
    expect(then.get_by_role("listitem")).to_have_count(2)  # the two models that were asked
    for name in ("LeNet-5", "Custom MLP"):  # now the newest run of every network answers, other tests' among them
        expect(now.get_by_role("listitem").filter(has_text=name).first).to_be_visible()
    page.get_by_role("link", name="Try again").click()
    expect(page.locator("#seen-title")).to_have_text("Image 1 of the gallery, as the network sees it")


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_no_page_scrolls_sideways(open_page: OpenPage, runs: list[int], look: str) -> None:
    page = open_page(**LOOKS[look])
    for more in ("", f"&layers={runs[0]}", None):
        open_try(page, runs, more or "")
        if more is None:
            page.goto("/try/gallery")
        else:
            page.locator("#try-choose summary").click()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert len(found.response["passes"]) > 10  # it did look
        assert page.evaluate(SIDEWAYS) <= 0
