"""Many runs at once in a real browser: ticked, told, changed and had back; by keyboard, and without scripts."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.end_to_end.trainyards import OpenPage, Trainyard, wait_until

LOOKS: dict[str, dict[str, object]] = {
    "light": {"color_scheme": "light"},
    "dark 360 px": {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}},
}
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def waiting(trainyard: Trainyard, request: pytest.FixtureRequest) -> Iterator[list[int]]:
    """Five runs of a paused queue, named after the test."""
    trainyard.api.post("queue/pause").raise_for_status()
    runs = [trainyard.launch(epochs=1, name=f"{request.node.originalname} {number}") for number in range(5)]
    yield runs
    trainyard.api.post("runs/bulk", json={"action": "delete", "ids": runs}).raise_for_status()
    trainyard.api.post("queue/resume").raise_for_status()


def show(page: Page, request: pytest.FixtureRequest, connection: str = "live") -> None:
    page.goto(f"/runs?sort=id&search={request.node.originalname}")
    if connection:
        expect(page.locator("body")).to_have_attribute("data-connection", connection)


def ticked(page: Page) -> list[int]:
    return [
        int(value) for value in page.locator(".pick:checked").evaluate_all("boxes => boxes.map((box) => box.value)")
    ]


def test_ticked_runs_are_compared_deleted_and_had_back(
    open_page: OpenPage, waiting: list[int], request: pytest.FixtureRequest
) -> None:
    page = open_page()
    show(page, request)
    expect(page.locator(".selection-bar")).to_be_hidden()
    first_row = page.locator("tr[data-run]").first.bounding_box()
    page.locator(f"#pick-{waiting[0]}").click()
    page.locator(f"#pick-{waiting[2]}").click(modifiers=["Shift"])
    assert ticked(page) == waiting[:3]
    assert page.locator("tr[data-run]").first.bounding_box() == first_row, "nothing jumps"
    expect(page.locator("#selected")).to_have_text("3 selected")
    expect(page.locator("#compare")).to_have_attribute("href", f"/compare?runs={','.join(map(str, waiting[:3]))}")
    expect(page.get_by_role("button", name="Requeue")).to_be_disabled()
    page.locator("#compare").click()
    expect(page.get_by_role("main")).to_contain_text("LeNet-5")
    page.go_back()
    assert ticked(page) == waiting[:3], "as it was left"

    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#bulk-said")).to_contain_text("3 deleted.")
    expect(page.locator("tr[data-run]")).to_have_count(2)
    expect(page.locator(".selection-bar")).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#bulk-said")).to_contain_text("3 restored.")
    expect(page.locator('.cell-state [data-state="queued"]')).to_have_count(5)


def test_the_selection_outlives_what_happens_to_the_list(
    open_page: OpenPage, trainyard: Trainyard, waiting: list[int], request: pytest.FixtureRequest
) -> None:
    page = open_page()
    show(page, request)
    for run in waiting[1:3]:
        page.locator(f"#pick-{run}").check()
    trainyard.api.post(f"runs/{waiting[1]}/cancel").raise_for_status()
    expect(page.locator(f'tr[data-run="{waiting[1]}"] .cell-state')).to_have_text("cancelled")
    assert ticked(page) == waiting[1:3]
    expect(page.get_by_role("button", name="Requeue")).to_be_enabled()
    page.locator('.chip[data-state="queued"] input').check()
    expect(page.locator("#selected")).to_have_text("2 selected, 1 not shown")
    page.get_by_role("button", name="Select all 4").click()
    expect(page.locator("#selected")).to_have_text("5 selected, 1 not shown")
    trainyard.api.delete(f"runs/{waiting[2]}").raise_for_status()
    expect(page.locator("#selected")).to_have_text("4 selected, 1 not shown")
    page.get_by_role("button", name="Clear").click()
    assert ticked(page) == []


def test_runs_are_tagged_and_held_by_keyboard_alone(
    open_page: OpenPage, trainyard: Trainyard, waiting: list[int], request: pytest.FixtureRequest
) -> None:
    page = open_page()
    show(page, request)
    page.locator("#pick-all").focus()
    page.keyboard.press("Space")
    assert ticked(page) == waiting
    page.keyboard.press("Enter")
    expect(page.locator("#compare")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    expect(page.locator("#bulk-said")).to_contain_text("5 tagged “by keyboard”.")
    expect(page.locator("#tag option")).to_contain_text(["All tags", "by keyboard"])
    expect(page.get_by_role("button", name="Tag…")).to_be_focused()
    page.get_by_role("button", name="Delete").press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#bulk-said")).to_contain_text("5 restored.")
    box = page.locator(f"#pick-{waiting[0]}")

    def is_ticked() -> bool:  # a key that goes up in a row that has been fetched again since it went down does nothing
        box.press("Space")
        return box.is_checked()

    wait_until(is_ticked)
    page.get_by_role("button", name="Hold").press("Enter")
    expect(page.locator(f'tr[data-run="{waiting[0]}"] .cell-state')).to_have_text("held")
    expect(page.locator("#compare")).to_be_focused()  # the button that was pressed is of no use now
    page.keyboard.press("Escape")
    expect(page.locator(f"#pick-{waiting[0]}")).to_be_focused()


def test_without_scripts_boxes_and_buttons_still_do_it(
    open_page: OpenPage, waiting: list[int], request: pytest.FixtureRequest
) -> None:
    page = open_page(java_script_enabled=False)
    show(page, request, connection="")
    page.locator(f"#pick-{waiting[0]}").check()
    page.locator(f"#pick-{waiting[3]}").check()
    page.get_by_role("button", name="Hold").click()
    expect(page).to_have_url(re.compile("search="))
    expect(page.locator('.cell-state [data-state="held"]')).to_have_count(2)


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_a_selection_and_nothing_scrolls_sideways(
    open_page: OpenPage, trainyard: Trainyard, waiting: list[int], look: str, request: pytest.FixtureRequest
) -> None:
    trainyard.api.post("runs/bulk", json={"action": "tag", "ids": waiting, "tag": "x" * 40}).raise_for_status()
    page = open_page(**LOOKS[look])
    show(page, request)
    page.locator(f"#pick-{waiting[0]}").check()
    page.get_by_role("button", name="Hold").click()
    expect(page.locator("#bulk-said")).to_contain_text("1 held.")
    for opened in ("the bar", "the dialog"):
        if opened == "the dialog":
            page.get_by_role("button", name="Tag…").click()
        found = Axe().run(page)
        assert found.violations_count == 0, f"{opened}: {found.generate_report()}"
        assert page.evaluate(SIDEWAYS) <= 0, opened


def test_a_run_is_tagged_and_annotated_on_its_page(open_page: OpenPage, waiting: list[int]) -> None:
    page = open_page()
    page.goto(f"/runs/{waiting[0]}")
    expect(page.locator("body")).to_have_attribute("data-connection", "live")
    page.get_by_label("New tag").fill("of this page")
    page.keyboard.press("Enter")
    expect(page.locator("#run-labels bdi")).to_have_text("of this page")
    expect(page.get_by_label("New tag")).to_have_value("")
    page.get_by_role("button", name="Notes").click()
    page.get_by_role("textbox", name="Notes").fill(f"{'long ' * 300}\n<b>second</b>\n\nlast")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#notes-shown")).to_contain_text("<b>second</b>")
    shown = "text => document.getElementById('notes-shown').innerText.endsWith(text)"
    page.wait_for_function(shown, arg="\n<b>second</b>\n\nlast")  # the labels may be on their way once more
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.get_by_role("button", name="Take the tag of this page away").press("Enter")
    expect(page.locator("#run-labels .tag")).to_have_count(0)
    expect(page.get_by_label("New tag")).to_be_focused()


def test_two_quick_clicks_launch_again_once(open_page: OpenPage, trainyard: Trainyard, waiting: list[int]) -> None:
    page = open_page()
    page.goto(f"/runs/{waiting[0]}")
    expect(page.locator("body")).to_have_attribute("data-connection", "live")
    before = trainyard.api.get("runs").json()["num_matching"]
    page.locator("#act-again").dblclick()
    expect(page).not_to_have_url(re.compile(f"/runs/{waiting[0]}$"))
    assert trainyard.api.get("runs").json()["num_matching"] == before + 1
    page.get_by_role("button", name="Delete").click()
    page.locator("#delete-dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert trainyard.api.get("runs").json()["num_matching"] == before
