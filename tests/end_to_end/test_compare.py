"""The Compare page in a real browser: rows and curves belong together, the URL is the view, it grows with its runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard, wait_until

# Where a group's last mean point is on the screen.
LAST_POINT = """(group) => {
    const chart = document.querySelector('.chart[data-chart="test_accuracy"]');
    const line = chart.data.find(({uid}) => uid === `mean-${group}`);
    const {xaxis, yaxis} = chart._fullLayout;
    const box = chart.getBoundingClientRect();
    return [box.x + xaxis._offset + xaxis.l2p(line.x.at(-1)), box.y + yaxis._offset + yaxis.l2p(line.y.at(-1))];
}"""


def launch(trainyard: Trainyard, *, epochs: int) -> int:
    """LeNet-5 and the real MLP on digits, two seeds each; the number of the experiment."""
    answer = trainyard.api.post(
        "experiments",
        json={
            "base": {"dataset": "digits", "epochs": epochs}, "seeds": 2,
            "grid": {"architecture": [{"name": "lenet5", "parameters": {"pool": "max"}}, "custom-mlp"]},
        },
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def groups_of(trainyard: Trainyard, experiment: int) -> list[str]:
    told = trainyard.api.get("compare", params={"experiment": experiment}).json()
    return [group["config_hash"] for group in told["groups"]]


def charts(page: Page) -> Locator:
    return page.locator(".chart")


def expect_lines(page: Page, number: int, seconds: float = 30.0) -> None:
    for chart in charts(page).all():
        expect(chart).to_have_attribute("data-lines-drawn", str(number), timeout=seconds * 1000)


def faded(page: Page) -> set[str]:
    """The group of each line of the test accuracy that stands back."""
    lines = page.locator('.chart[data-chart="test_accuracy"].has-on .trace:not(.is-on)').evaluate_all(
        "(traces) => traces.map(({classList}) => [...classList].find((name) => name.startsWith('tracemean-')))"
    )
    return {line.removeprefix("tracemean-") for line in lines if line}


@pytest.fixture(scope="module")
def experiment(trainyard: Trainyard) -> int:
    launched = launch(trainyard, epochs=3)

    def is_done() -> bool:
        groups = trainyard.api.get("compare", params={"experiment": launched}).json()["groups"]
        return all(seed["state"] == "completed" for group in groups for seed in group["seeds"])

    wait_until(is_done)
    return launched


@pytest.fixture
def paused_queue(trainyard: Trainyard) -> Iterator[None]:
    trainyard.api.post("queue/pause").raise_for_status()
    yield
    trainyard.api.post("queue/resume").raise_for_status()


def test_a_row_brings_its_curves_forward_and_a_curve_marks_its_row(
    open_page: OpenPage, trainyard: Trainyard, experiment: int
) -> None:
    lenet, mlp = groups_of(trainyard, experiment)
    page = open_page()
    page.goto(f"/compare?experiment={experiment}")
    expect_lines(page, 2)
    rows = page.locator(".compare-table tbody")
    page.locator(f"#row-{lenet} th").hover()
    assert faded(page) == {mlp}
    expect(rows.first).to_have_class(re.compile("is-on"))
    page.locator(f"#legend-{mlp}").focus()  # by keyboard too
    page.mouse.move(0, 0)
    page.locator(f"#legend-{mlp}").press("Shift+Tab")
    assert faded(page) == {mlp}
    page.keyboard.press("Tab")
    assert faded(page) == {lenet}
    page.keyboard.press("Escape")

    charts(page).last.scroll_into_view_if_needed()
    page.mouse.move(*page.evaluate(LAST_POINT, mlp), steps=4)
    expect(rows.last).to_have_class(re.compile("is-on"))
    assert faded(page) == {lenet}


def test_a_pressed_name_keeps_its_group_in_front_until_it_is_pressed_again(
    open_page: OpenPage, trainyard: Trainyard, experiment: int
) -> None:
    lenet, mlp = groups_of(trainyard, experiment)
    page = open_page()
    page.goto(f"/compare?experiment={experiment}")
    expect_lines(page, 2)
    name = page.locator(f"#legend-{lenet}")
    name.press("Enter")
    page.evaluate("() => document.activeElement.blur()")
    assert faded(page) == {mlp}
    for button in (name, page.locator(f"#keep-{lenet}")):
        expect(button).to_have_attribute("aria-pressed", "true")
    page.locator(f"#row-{mlp} td").first.hover()
    assert faded(page) == set()  # beside the one that is kept
    page.get_by_role("link", name="logarithmic").click()  # the page is fetched again
    page.wait_for_function("() => document.querySelector('.chart').layout.yaxis.type === 'log'")
    page.mouse.move(0, 0)
    expect(page.locator(f"#keep-{lenet}")).to_have_attribute("aria-pressed", "true")
    assert faded(page) == {mlp}
    page.locator(f"#keep-{lenet}").click()
    page.mouse.move(0, 0)
    assert faded(page) == set()
    expect(name).to_have_attribute("aria-pressed", "false")

    charts(page).last.scroll_into_view_if_needed()
    page.mouse.move(*page.evaluate(LAST_POINT, mlp), steps=4)
    expect(page.locator(f"#row-{mlp}").locator("..")).to_have_class(re.compile("is-on"))
    page.mouse.down()
    page.mouse.up()
    expect(page.locator(f"#keep-{mlp}")).to_have_attribute("aria-pressed", "true")
    page.mouse.move(0, 0)
    assert faded(page) == {lenet}
    page.keyboard.press("Escape")
    assert faded(page) == set()


def test_a_click_is_not_lost_to_a_refresh_that_comes_while_it_is_pressed(open_page: OpenPage, experiment: int) -> None:
    page = open_page()
    page.goto(f"/compare?experiment={experiment}")
    expect_lines(page, 2)
    page.get_by_role("link", name="parameters", exact=True).hover()
    page.mouse.down()
    with page.expect_response(re.compile("/compare/now")):
        page.evaluate("() => document.getElementById('view-x-step').click()")
    page.wait_for_timeout(300)  # the answer would be on the page by now
    page.mouse.up()
    expect(page).to_have_url(re.compile("x=step&sort=num_parameters$"))


def test_what_was_typed_and_where_the_focus_is_outlast_a_refresh(open_page: OpenPage, experiment: int) -> None:
    page = open_page()
    page.goto(f"/compare?experiment={experiment}")
    expect_lines(page, 2)
    page.get_by_label("more seeds each").fill("7")
    effects = page.get_by_role("region", name="Effects of each parameter")
    effects.evaluate("(region) => { region.isOld = true; region.focus() }")
    page.evaluate("() => document.getElementById('view-scale-log').click()")
    page.wait_for_function("() => document.querySelector('.chart').layout.yaxis.type === 'log'")
    expect(effects).to_be_focused()
    assert not effects.evaluate("(region) => region.isOld")
    expect(page.get_by_label("more seeds each")).to_have_value("7")


def test_the_switches_change_url_and_lines_without_a_reload(open_page: OpenPage, experiment: int) -> None:
    page = open_page()
    page.goto(f"/compare?experiment={experiment}")
    expect_lines(page, 2)
    page.evaluate("() => { window.isSamePage = true }")
    page.get_by_role("link", name="each seed").click()
    expect_lines(page, 4)
    expect(page).to_have_url(re.compile(rf"\?experiment={experiment}&lines=seeds$"))
    expect(page.locator(".seed-row").first).to_be_visible()
    page.get_by_role("link", name="logarithmic").click()
    page.wait_for_function("() => document.querySelector('.chart').layout.yaxis.type === 'log'")
    page.get_by_role("link", name="train loss").last.click()
    expect(page.locator("#view-figure-train_loss")).to_have_attribute("aria-current", "true")
    for _ in range(3):
        page.go_back()
    expect_lines(page, 2)
    assert page.evaluate("() => window.isSamePage")
    page.goto(f"/compare?experiment={experiment}&lines=seeds")  # the URL alone is the view
    expect_lines(page, 4)


def test_a_second_switch_pressed_before_the_first_answer_changes_only_its_own(
    open_page: OpenPage, experiment: int
) -> None:
    page = open_page()
    page.goto(f"/compare?experiment={experiment}")
    expect_lines(page, 2)
    page.evaluate("""() => ["seconds", "logarithmic"].forEach((words) =>
        [...document.querySelectorAll("a[data-view]")].find((link) => link.textContent.trim() === words).click())""")
    expect(page).to_have_url(re.compile(rf"experiment={experiment}&x=seconds&scale=log$"))
    page.wait_for_function("() => document.querySelector('.chart').layout.yaxis.type === 'log'")
    expect(page.get_by_role("link", name="seconds", exact=True)).to_have_attribute("aria-current", "true")


def test_columns_are_chosen_by_keyboard_and_the_address_has_them(open_page: OpenPage, experiment: int) -> None:
    page = open_page()
    page.goto(f"/compare?experiment={experiment}")
    expect_lines(page, 2)
    page.locator("#columns summary").press("Enter")
    page.get_by_role("checkbox", name="test loss").first.press("Space")
    expect(page.locator("#sort-last_test_loss")).to_have_count(0)
    expect(page.get_by_role("checkbox", name="test loss").first).to_be_focused()
    page.get_by_role("checkbox", name="filters").press("Space")
    expect(page.locator("#sort-config\\.architecture\\.parameters\\.filters")).to_be_visible()
    page.get_by_role("checkbox", name="hide those that are the same").press("Space")
    expect(page.locator("#columns summary")).to_contain_text("hidden: the same in every group")
    address = page.url
    page.get_by_role("link", name="steps").click()
    expect(page).to_have_url(re.compile(r"x=step.*columns=n,config\.architecture\.parameters\.filters,"))
    page.wait_for_function("() => document.querySelector('.chart').data.at(-1).x.at(-1) === 69")  # 3 of 23
    page.goto(address)  # the URL alone is the view
    expect(page.locator("thead a[id^=sort-]").nth(1)).to_have_text("filters")
    page.locator("#columns summary").click()
    page.get_by_role("link", name="Back to the usual columns").click()
    expect(page.locator("#sort-last_test_loss")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"\?experiment={experiment}$"))


def test_without_scripts_the_columns_are_a_form(open_page: OpenPage, experiment: int) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(f"/compare?experiment={experiment}&lines=seeds")
    page.locator("#columns summary").click()
    page.get_by_role("checkbox", name="test loss").first.uncheck()
    page.get_by_role("button", name="Show these").click()
    expect(page.locator("#sort-last_test_loss")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"lines=seeds.*columns=n&"))


def test_a_tap_brings_forward_and_nothing_moves_by_it(
    open_page: OpenPage, trainyard: Trainyard, experiment: int
) -> None:
    lenet, mlp = groups_of(trainyard, experiment)
    page = open_page(has_touch=True, viewport={"width": 360, "height": 740})
    page.goto(f"/compare?experiment={experiment}")
    expect_lines(page, 2)
    height = page.evaluate("() => document.documentElement.scrollHeight")
    page.locator(f".verdict[data-group='{mlp}'] .verdict-said").tap()
    assert faded(page) == {lenet}
    page.locator(f"#row-{lenet} td").first.tap()
    assert faded(page) == {mlp}
    assert page.evaluate("() => document.documentElement.scrollHeight") == height
    page.locator("h1").tap()
    assert faded(page) == set()
    for kept in ({lenet}, set()):
        page.locator(f"#legend-{mlp}").tap()
        page.locator("h1").tap()
        assert faded(page) == kept


def test_seeds_unfold_and_columns_sort_by_keyboard(open_page: OpenPage, experiment: int) -> None:
    page = open_page()
    page.goto(f"/compare?experiment={experiment}")
    expect_lines(page, 2)
    expect(page.locator(".seed-row").first).to_be_hidden()
    unfold = page.get_by_role("button", name="Seeds of LeNet-5")
    unfold.press("Enter")
    expect(page.locator(".seed-row").first).to_be_visible()
    parameters = page.get_by_role("link", name="parameters", exact=True)
    parameters.press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("parameters")
    expect(page.locator(".group-row").first).to_contain_text("LeNet-5")
    page.locator("#sort-num_parameters").press("Enter")
    expect(page.locator(".group-row").first).to_contain_text("Custom MLP")
    expect(page.locator("#sort-num_parameters")).to_be_focused()
    expect(page.locator(".seed-row").last).to_be_visible()  # still unfolded, now below


@pytest.mark.usefixtures("paused_queue")
def test_curves_and_table_grow_while_the_runs_train(open_page: OpenPage, trainyard: Trainyard) -> None:
    growing = launch(trainyard, epochs=20)
    page = open_page()
    page.goto(f"/compare?experiment={growing}")
    expect(page.locator(".compare-state")).to_contain_text("0 of 4 runs done")
    expect_lines(page, 0)
    expect(page).to_have_title(re.compile(r"^0 of 4 · "))
    page.evaluate("() => { window.isSamePage = true }")
    page.get_by_role("button", name="Seeds of LeNet-5").click()
    _, mlp = groups_of(trainyard, growing)
    page.locator(f"#legend-{mlp}").focus()
    page.keyboard.press("Shift+Tab")
    trainyard.api.post("queue/resume").raise_for_status()
    seen: set[str] = set()

    def is_done() -> bool:
        seen.add(page.locator(".group-row").first.inner_text())
        return "4 runs, all done" in page.locator(".compare-state").inner_text()

    wait_until(is_done)
    assert len(seen) > 2
    expect_lines(page, 2)
    told = trainyard.api.get("compare", params={"experiment": growing}).json()["groups"][0]
    shown = f"{100 * told['last']['test_accuracy']['mean']:.2f} %"
    expect(page.locator(".group-row").first).to_contain_text(shown)
    assert page.locator('.chart[data-chart="test_accuracy"]').evaluate("({data}) => data.at(-1).x.at(-1)") == 20
    expect(page.locator(".seed-row").first).to_be_visible()
    page.mouse.move(0, 0)
    assert faded(page) == {mlp}  # what the focus is at outlasts every refresh
    page.evaluate("() => document.activeElement.blur()")
    assert faded(page) == set()
    assert page.evaluate("() => window.isSamePage")


def test_each_figure_stays_below_its_heading_when_the_table_is_scrolled(open_page: OpenPage, experiment: int) -> None:
    page = open_page(viewport={"width": 360, "height": 740})
    page.goto(f"/compare?experiment={experiment}")
    page.get_by_role("region", name="Published figures beside ours").evaluate("(table) => (table.scrollLeft = 80)")
    rows = page.locator("#report-table tr")
    heading, figure = rows.nth(1).locator("th").first.bounding_box(), rows.nth(2).locator("td").first.bounding_box()
    assert heading
    assert figure
    assert heading["x"] == figure["x"] < 0


def test_where_all_ended_without_an_epoch_no_line_is_promised(open_page: OpenPage, trainyard: Trainyard) -> None:
    trainyard.api.post("queue/pause").raise_for_status()
    cancelled = launch(trainyard, epochs=1)
    trainyard.api.post(f"experiments/{cancelled}/cancel").raise_for_status()
    trainyard.api.post("queue/resume").raise_for_status()
    page = open_page()
    page.goto(f"/compare?experiment={cancelled}")
    expect_lines(page, 0)
    said = charts(page).first.evaluate("(chart) => getComputedStyle(chart, '::after').content")
    assert "No epoch was recorded." in said


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_no_page_scrolls_sideways(open_page: OpenPage, experiment: int, look: str) -> None:
    page = open_page(**LOOKS[look])
    for path in ("/compare", f"/compare?experiment={experiment}&runs=999&lines=seeds&config=all"):
        page.goto(path)
        expect(page.locator("body")).to_have_attribute("data-connection", "live")
        if "?" in path:
            expect_lines(page, 4)
            page.locator("#columns summary").click()
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert len(found.response["passes"]) > 10  # it did look
        assert page.evaluate(SIDEWAYS) <= 0, path


def test_tables_are_copied_by_mouse_and_by_keyboard(open_page: OpenPage, experiment: int) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/compare?experiment={experiment}")
    expect_lines(page, 2)
    page.locator("#copy-table-tex").click()
    expect(page.locator("#copy-table-tex")).to_have_text("Copied")
    expect(page.locator("#copy-said")).to_have_text("The table as LaTeX is on the clipboard.")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.startswith(f"% from /compare?experiment={experiment}\n")
    assert "\\toprule" in copied
    page.locator("#copy-verdicts-csv").press("Enter")
    expect(page.locator("#copy-verdicts-csv")).to_have_text("Copied")
    assert page.evaluate("() => navigator.clipboard.readText()").startswith("group,label,baseline,")
    expect(page.locator("#copy-table-tex")).to_have_text("LaTeX", timeout=5000)
    expect(page).to_have_url(re.compile(rf"/compare\?experiment={experiment}$"))


def requests_of(page: Page) -> list[str]:
    """Grows with each address that the page asks for, what lies in the page itself apart."""
    asked: list[str] = []
    page.on("request", lambda request: None if request.url.startswith("data:") else asked.append(request.url))
    return asked


def test_the_report_opens_from_the_disk_without_network_or_script(
    open_page: OpenPage, experiment: int, tmp_path: Path
) -> None:
    page = open_page()
    page.goto(f"/compare?experiment={experiment}")
    with page.expect_download() as saving:
        page.get_by_role("link", name="Report, HTML").click()
    file = tmp_path / "comparison.html"
    saving.value.save_as(file)
    for look in LOOKS.values():
        alone = open_page(offline=True, java_script_enabled=True, **look)
        asked = requests_of(alone)
        alone.goto(file.as_uri())
        expect(alone.get_by_role("heading", name="Methods")).to_be_visible()
        expect(alone.locator("[aria-labelledby=curves] .chart svg")).to_have_count(4)
        alone.get_by_role("link", name="What each parameter does").click()
        expect(alone.locator("[aria-labelledby=effects] .chart svg").first).to_be_in_viewport()
        assert asked == [file.as_uri()]
        assert alone.evaluate(SIDEWAYS) <= 0
        found = Axe().run(alone)
        assert found.violations_count == 0, found.generate_report()
    long = tmp_path / "long.html"
    long.write_text(file.read_text().replace("<bdi>", f"<bdi>{'x' * 200}").replace("<b>", f"<b>{'x' * 200}"))
    alone.goto(long.as_uri())
    assert alone.evaluate(SIDEWAYS) <= 0, "names of 200 letters, at 360 px"
    alone.emulate_media(media="print", color_scheme="dark")
    assert alone.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
