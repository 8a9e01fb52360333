"""The Networks pages in a real browser: drawings by mouse and keyboard, their words measured as they are drawn."""

import re
from random import Random

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.architectures.drawing import drawing_of
from core.architectures.layers import LAYERS
from tests.core.architectures.random_networks import DEEPEST, random_layers
from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard

IMAGE = (1, 28, 28)
DIFFERENCE = "/networks/difference?a=lenet5&b=lenet5-moon2"
# Of every drawing that is shown: words that lie on each other, that leave it, or that lie on a body.
FAULTS = """
() => [...document.querySelectorAll('svg.net, svg:root')].filter((drawing) => drawing.getBoundingClientRect().width).flatMap((drawing) => {
  const box = (mark) => mark.getBoundingClientRect(), faults = [];
  const texts = [...drawing.querySelectorAll('text')].filter((text) => box(text).width);
  const bodies = [...drawing.querySelectorAll('.net-convolution, .net-pooling, .net-input, .net-full')].map(box);
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5;
  const frame = box(drawing), boxes = texts.map(box);
  texts.forEach((text, place) => {
    const here = boxes[place];
    if (here.left < frame.left || here.right > frame.right + 0.5 || here.top < frame.top || here.bottom > frame.bottom + 0.5) faults.push(`${text.textContent} leaves`);
    for (let other = place + 1; other < texts.length; other++)
      if (meet(here, boxes[other])) faults.push(`${text.textContent} meets ${texts[other].textContent}`);
    if (bodies.some((body) => meet(here, body))) faults.push(`${text.textContent} lies on a body`);
  });
  return texts.length > 2 ? faults : ['no words'];
})
"""  # noqa: E501
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def deepest(trainyard: Trainyard) -> str:
    """A saved network of sixty layers with residual blocks."""
    layers = LAYERS.dump_python(random_layers(Random(7), IMAGE, DEEPEST), mode="json")
    answer = trainyard.api.post("architectures", json={"name": "deep", "layers": layers})
    assert answer.status_code == 201, answer.text
    return "deep@1"


def shown_stage(page: Page, words: str) -> str:
    return f'.net-stage[aria-label^="{words}"]:visible'


def test_by_mouse_a_stage_tells_what_it_costs(open_page: OpenPage) -> None:
    page = open_page(viewport={"width": 1400, "height": 900})
    page.goto("/networks")
    stage = page.locator("#lenet5-1998").locator(shown_stage(page, "C3"))
    expect(stage.locator(".net-tip")).to_be_hidden()
    stage.hover()
    expect(stage.locator(".net-tip")).to_be_visible()
    expect(stage.locator(".net-tip")).to_contain_text("2,416 parameters240,000 multiply-adds per image")
    page.locator("#lenet5-1998").get_by_label("Compare with").select_option("lenet5-moon2")
    page.locator("#lenet5-1998").get_by_role("button", name="See the difference").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("LeNet-5 of 1998 and LeNet5moon2")
    page.get_by_label("From").select_option("lenet5")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"a=lenet5&b=lenet5-moon2"))
    with page.expect_download() as started:
        page.get_by_role("link", name="SVG").click()
    assert started.value.suggested_filename == "lenet5-lenet5-moon2.svg"


def test_by_keyboard_a_drawing_is_one_stop_and_arrows_lead_through_its_stages(open_page: OpenPage) -> None:
    page = open_page(viewport={"width": 1400, "height": 900})
    page.goto("/networks/lenet5")
    page.get_by_role("link", name="All networks").focus()
    page.keyboard.press("Tab")
    focused = "() => document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(focused).startswith("INPUT 28×28")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused).startswith("C1: feature maps 6@24×24. convolution 5×5, ReLU. 156 parameters")
    expect(page.locator(shown_stage(page, "C1")).locator(".net-tip")).to_be_visible()
    page.keyboard.press("End")
    assert page.evaluate(focused).startswith("OUTPUT 10")
    page.keyboard.press("Tab")
    assert "Layers" in page.evaluate(focused)  # the table, past the whole drawing
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(focused).startswith("OUTPUT 10")


def test_the_drawing_follows_the_launch_form(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/runs/new?architecture=lenet5-moon2")
    expect(page.locator("#network .net:visible")).to_contain_text("10@28×28")
    page.get_by_label("Filters", exact=True).locator("visible=true").fill("3, 4")
    expect(page.locator("#network .net:visible")).to_contain_text("3@28×28")


@pytest.mark.parametrize("width", [360, 820, 1400])
def test_no_words_overlap_and_none_leave_their_drawing(open_page: OpenPage, deepest: str, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 900})
    for path in ("/networks", f"/networks/{deepest}", DIFFERENCE, f"/networks/difference?a={deepest}&b=lenet5"):
        page.goto(path)
        assert page.evaluate(FAULTS) == [], path


def test_no_words_overlap_in_files_of_random_networks(open_page: OpenPage) -> None:
    page = open_page()
    for seed in range(12):
        layers = random_layers(Random(seed), IMAGE, DEEPEST - seed)
        for width in ("narrow", "wide"):
            page.set_content(
                drawing_of(layers, IMAGE, title="It", width=width, alone=True).replace("<svg ", "<svg class='net' ")
            )
            assert page.evaluate(FAULTS) == [], (seed, width)


def test_on_paper_no_column_of_the_difference_is_cut_off(open_page: OpenPage, deepest: str) -> None:
    page = open_page(viewport={"width": 720, "height": 900})  # A4 between margins of 1 cm
    page.emulate_media(media="print")
    for address in (DIFFERENCE, f"/networks/difference?a={deepest}&b=lenet5-moon2"):
        page.goto(address)
        table = page.locator("table.difference")
        assert table.evaluate("(table) => table.scrollWidth <= table.parentElement.clientWidth"), address


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_no_page_scrolls_sideways(open_page: OpenPage, deepest: str, look: str) -> None:
    page = open_page(**LOOKS[look])
    for path in ("/networks", f"/networks/{deepest}", DIFFERENCE):
        page.goto(path)
        assert page.evaluate(SIDEWAYS) <= 0, path
    for path in {"light": ("/networks", DIFFERENCE), "dark": (DIFFERENCE,), "360 px": (f"/networks/{deepest}",)}[look]:
        page.goto(path)
        expect(page.locator("body")).to_have_attribute("data-connection", "live")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert len(found.response["passes"]) > 10  # it did look
