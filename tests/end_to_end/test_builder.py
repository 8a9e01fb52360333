"""Composing a network in a real browser, by mouse and by keyboard, and training it."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard

pytestmark = pytest.mark.timeout(180)
FOCUSED = "() => document.activeElement.id"


def follow(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("body")).to_have_attribute("data-connection", "live")


def kinds(page: Page) -> list[str]:
    """Of the layers, in order, those of a block after it."""
    query = ".layer [name='layer'], .layer [name='inner']"
    found: list[str] = page.eval_on_selector_all(query, "(markers) => markers.map((marker) => marker.value)")
    return found


def drawn(page: Page) -> str:
    return " ".join(page.locator("#builder-drawing .net-wide").first.text_content().split())  # type: ignore[union-attr]


def test_by_mouse_a_network_is_changed_matched_undone_saved_and_trained(
    open_page: OpenPage, trainyard: Trainyard
) -> None:
    page = open_page(viewport={"width": 1400, "height": 1000})
    follow(page, "/networks/new?from=lenet5")
    filters = page.locator("#out_channels-1")
    filters.fill("")
    expect(page.locator("#outcome-1")).to_contain_text("must be a whole number")
    expect(filters).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#outcome-2")).to_contain_text("Known once the layer before it fits.")
    filters.press_sequentially(
        "12", delay=200
    )  # slower than the page asks the server: what is typed into is not swapped
    expect(page.locator("#outcome-1")).to_contain_text("12×24×24")
    expect(filters).to_have_value("12")
    assert page.evaluate(FOCUSED) == "out_channels-1"
    assert "12@24×24" in drawn(page)
    expect(page).to_have_url(re.compile("out_channels=12"))
    page.locator("#kernel_size-4").fill("40")
    expect(page.locator("#outcome-4 .error")).to_contain_text("larger than the map it gets, 12 on a side")
    page.locator("#kernel_size-4").fill("5")
    page.locator("#at-4").check()
    page.get_by_role("button", name="BatchNorm2d", exact=True).click()
    expect(page.locator("#at-5")).to_be_focused()
    assert kinds(page)[3:6] == ["Conv2d", "BatchNorm2d", "ReLU"]
    page.locator("#layer-5 .grip").drag_to(page.locator("#layer-2"), target_position={"x": 30, "y": 4})
    expect(page.locator("#layer-2")).to_contain_text("BatchNorm2d")
    assert kinds(page)[:3] == ["Conv2d", "BatchNorm2d", "ReLU"]
    page.locator("#undo").click()
    expect(page.locator("#layer-5")).to_contain_text("BatchNorm2d")
    page.locator("#redo").click()
    expect(page.locator("#layer-2")).to_contain_text("BatchNorm2d")
    page.locator("#match").select_option("lenet5-1998")
    page.locator("#adjust").select_option("9")
    page.locator("#match-it").click()
    expect(page.locator("#builder-said")).to_contain_text(re.compile(r"Layer 9 \(Linear\): 120 → \d+\."))
    counted = page.locator(".builder-counts dd").first.inner_text()
    assert abs(int(counted.split()[0].replace(",", "")) - 61_706) < 200, counted
    page.locator("#name").fill("wider")
    expect(page).to_have_url(
        re.compile("name=wider")
    )  # a request that leaving the page cuts off is an error in its console
    page.get_by_role("button", name="Save and train it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New run")
    expect(page.locator("[name='architecture']:checked")).to_have_value("wider@1")
    page.locator("#epochs").fill("1")
    expect(page.locator("#launch-summary")).to_contain_text("1 epoch")
    page.locator("#start").click()
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))
    trainyard.wait_until_completed(int(page.url.rsplit("/", 1)[1]))


def test_undo_goes_back_to_what_the_page_began_with_and_redo_forth_however_quickly_they_are_asked_for(
    open_page: OpenPage,
) -> None:
    page = open_page()
    follow(page, "/networks/new")
    began = kinds(page)
    for kind in ("Nothing", "Conv2d", "ReLU", "GELU"):
        page.get_by_role("button", name=kind, exact=True).click()
        expect(page.locator(".layer [name='layer']")).to_have_count(("Nothing", "Conv2d", "ReLU", "GELU").index(kind))
    page.evaluate("() => [1, 2, 3, 4].forEach(() => document.getElementById('undo').click())")
    expect(page.locator(".layer [name='layer']")).to_have_count(len(began))
    assert kinds(page) == began
    expect(page.locator("#undo")).to_be_disabled()
    page.locator("#redo").focus()
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".layer [name='layer']")).to_have_count(0)
    page.evaluate("() => [1, 2, 3].forEach(() => document.getElementById('redo').click())")
    expect(page.locator("#redo")).to_be_disabled()
    assert kinds(page) == ["Conv2d", "ReLU", "GELU"]
    expect(page.locator("#undo")).to_be_focused()  # not nowhere


def test_by_keyboard_layers_are_added_moved_copied_and_removed(open_page: OpenPage) -> None:
    page = open_page()
    follow(page, "/networks/new?from=nothing")
    expect(page.locator(".empty-layers")).to_be_visible()
    for kind in ("Conv2d", "Residual", "Flatten"):
        page.get_by_role("button", name=kind, exact=True).press("Enter")
        expect(page.locator(f"#layer-{('Conv2d', 'Residual', 'Flatten').index(kind) + 1}")).to_be_visible()
    assert kinds(page) == ["Conv2d", "Residual", "Conv2d", "BatchNorm2d", "ReLU", "Flatten"]
    page.locator("#adapt").press("Enter")
    expect(page.locator(".is-whole")).to_be_visible()
    expect(page.locator("#add-after")).to_have_text("layer 3, Flatten")
    page.locator("#out_channels-2-1").focus()  # where one types, the next layer goes: the buttons say so
    expect(page.locator("#add-after")).to_have_text("layer 2.1, Conv2d")
    page.locator("#at-2-3").focus()
    page.keyboard.press("Alt+ArrowUp")  # the ReLU inside the block
    expect(page.locator("#up-2-2")).to_be_focused()
    assert kinds(page)[2:5] == ["Conv2d", "ReLU", "BatchNorm2d"]
    page.keyboard.press("Alt+c")
    expect(page.locator("#copy-2-3")).to_be_focused()
    page.keyboard.press("Alt+Delete")
    expect(page.locator("#layer-2-4")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(page.locator("#layer-2-4")).to_be_visible()
    page.locator("#out_channels-2-1").fill("8")
    expect(page.locator("#outcome-2")).to_contain_text("Adds its input to its output, but the layers inside turn")
    expect(page.locator("#outcome-2-1")).to_contain_text("8×28×28")
    page.locator("#out_channels-2-1").press("Enter")  # is no other button
    assert kinds(page)[:3] == ["Conv2d", "Residual", "Conv2d"]


def test_what_is_exported_is_imported_again(open_page: OpenPage) -> None:
    page = open_page()
    follow(page, "/networks/new?from=lenet5-moon")
    page.locator("details summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    exported = json.loads(download.value.path().read_text())
    before = kinds(page)
    follow(page, "/networks/new?from=nothing")
    page.locator("#import-file").set_input_files(download.value.path())
    page.get_by_role("button", name="Import").click()
    expect(page.locator(".is-whole")).to_be_visible()
    assert kinds(page) == before == [layer["type"] for layer in exported["layers"]]


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_the_page_does_not_scroll_sideways(open_page: OpenPage, look: str) -> None:
    page = open_page(**LOOKS[look])
    block = "&layer=Conv2d&out_channels=4&kernel_size=99&layer=Residual&inner=ReLU&layer=Flatten"
    for path in ("/networks/new?from=nothing", f"/networks/new?dataset=digits{block}"):
        follow(page, path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert len(found.response["passes"]) > 10  # it did look
        assert page.evaluate(SIDEWAYS) <= 0, path
