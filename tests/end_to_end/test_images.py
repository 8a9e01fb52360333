"""From an accuracy on Compare to the images behind it, in a real browser, with real runs on digits."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.end_to_end.trainyards import LOOKS, SIDEWAYS, OpenPage, Trainyard, wait_until

EXPORT_SECONDS = 100.0  # at the lowest priority, on a machine that is busy with something else
ALL_LOADED = (
    "() => [...document.querySelectorAll('img.test-image')].every((shown) => shown.complete && shown.naturalWidth)"
)
pytestmark = pytest.mark.timeout(240)


def runs_of(trainyard: Trainyard, experiment: int) -> list[int]:
    told = trainyard.api.get("compare", params={"experiment": experiment}).json()
    return [seed["run"] for group in told["groups"] for seed in group["seeds"]]


@pytest.fixture(scope="module")
def experiment(trainyard: Trainyard) -> int:
    """LeNet-5 and the real MLP on digits, two seeds each, with their predictions."""
    answer = trainyard.api.post(
        "experiments",
        json={
            "base": {"dataset": "digits", "epochs": 2}, "seeds": 2,
            "grid": {"architecture": [{"name": "lenet5", "parameters": {"pool": "max"}}, "custom-mlp"]},
        },
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    runs = runs_of(trainyard, answer.json()["id"])
    wait_until(
        lambda: all(trainyard.api.get(f"runs/{run}/confusion").status_code == 200 for run in runs), EXPORT_SECONDS
    )
    return int(answer.json()["id"])


def follow(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("body")).to_have_attribute("data-connection", "live")


def test_by_keyboard_from_an_accuracy_to_the_images_of_a_cell_and_to_what_each_run_says(
    open_page: OpenPage, experiment: int
) -> None:
    page = open_page()
    follow(page, f"/compare?experiment={experiment}")
    page.get_by_role("link", name=re.compile("^Errors of Custom MLP")).first.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Errors of Custom MLP, 2 seeds")
    page.locator(".confusion td.right a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    focused = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert re.fullmatch(r"\d read as \d: [\d,]+", focused), focused
    assert focused != page.locator(".confusion td.right a").first.get_attribute("aria-label")
    page.keyboard.press("Enter")
    expect(page.locator("#gallery-title")).to_contain_text(" ".join(focused.split(":")[0].split()))
    page.wait_for_function(ALL_LOADED)
    page.locator(".gallery a").first.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Test image")
    expect(page.locator(".says tbody tr")).to_have_count(3)  # the group and its two seeds
    page.get_by_role("link", name="Back to the errors").press("Enter")
    expect(page.locator("#gallery-title")).to_contain_text(" ".join(focused.split(":")[0].split()))


def test_where_groups_disagree_the_view_is_the_address(open_page: OpenPage, experiment: int) -> None:
    page = open_page()
    follow(page, f"/compare?experiment={experiment}")
    page.get_by_role("link", name="See where they disagree").click()
    expect(page.locator("#differences-title")).to_have_text("Which classes improve?")
    before = page.locator(".disagreements li p").first.inner_text()
    told = r"\d of 2 seeds of .+ reads? this \d as \d; (none|\d of 2) of .+ do(es)?\. Right: .+\."
    assert re.fullmatch(told, before), before
    page.get_by_role("link", name="its images").first.click()
    expect(page).to_have_url(re.compile("label=0"))
    page.go_back()
    expect(page.locator(".disagreements li p").first).to_have_text(before)


def test_a_page_that_waits_for_predictions_comes_again_by_itself(open_page: OpenPage, trainyard: Trainyard) -> None:
    page = open_page()
    trainyard.api.post("queue/pause").raise_for_status()
    run = trainyard.launch(epochs=1)
    follow(page, f"/errors?runs={run}")
    expect(page.locator(".empty h2")).to_have_text(re.compile("is queued|not here"))
    trainyard.api.post("queue/resume").raise_for_status()
    expect(page.locator("#confusion-title")).to_be_visible(timeout=EXPORT_SECONDS * 1000)


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    open_page: OpenPage, trainyard: Trainyard, experiment: int, look: str
) -> None:
    page = open_page(**LOOKS[look])
    run = runs_of(trainyard, experiment)[0]
    for path in (
        f"/errors?runs={run}",
        f"/errors?experiment={experiment}&show=suspects",
        "/errors",
        f"/compare/disagreements?experiment={experiment}",
        f"/datasets/digits/images/test/7?experiment={experiment}",
    ):
        follow(page, path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert len(found.response["passes"]) > 10  # it did look
        assert page.evaluate(SIDEWAYS) <= 0, path
