"""Errors, disagreements and single images over a real database: what they show of classes, runs and groups."""

import html
import io
import re
import zlib

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from core.database import Database
from core.png import png_bytes
from core.run_tables import EpochAnswers
from core.settings import Settings
from core.tables import Run
from tests.app.judged_runs import two_groups as two_judged_groups
from tests.app.predicted_runs import make_dataset, predicted
from tests.app.trained_runs import launch, trained

RIGHT = (0, 0, 0, 1, 1, 2)


def page(client: TestClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    return answer.text


def words(text: str) -> str:
    """Without what stands before the content; no space before a sign that only a tag parts from its word."""
    told = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text.split("<main ")[-1])).split())
    return re.sub(r" ([;,:.])", r"\1", told)


def gallery(text: str) -> list[str]:
    """The words of each image of a gallery."""
    listed = re.search(r'<ul class="(?:gallery|disagreements)">(.*?)</ul>', text, re.S)
    return [words(item) for item in re.findall(r"<li>.*?</li>", listed[1], re.S)] if listed else []


@pytest.fixture
def run(database: Database, settings: Settings) -> int:
    """Reads image 1, a cat, as a dog and 4, a dog, as "<b>"."""
    make_dataset(settings)
    return predicted(database, settings, (0, 1, 0, 1, 2, 2), [1, 0.95, 1, 1, 0.4, 1])


@pytest.fixture
def two_groups(database: Database, settings: Settings, run: int) -> list[int]:
    """Three seeds of LeNet-5, all of which read image 1 as a dog; two of a slower one, of which one does."""
    seeds = [predicted(database, settings, (0, 1, 0, 1, 1, 2), 0.99, seed=seed) for seed in (1, 2)]
    slow = [
        predicted(database, settings, said, 0.8, seed=seed, learning_rate=0.001)
        for seed, said in enumerate([RIGHT, (0, 1, 2, 1, 1, 2)])
    ]
    return [run, *seeds, *slow]


def test_a_run_s_errors_are_counted_named_and_shown_the_surest_first(client: TestClient, run: int) -> None:
    text = page(client, f"/errors?runs={run}")
    assert "2 of 6 test images of Digits are read wrongly: accuracy 66.67 % with the weights of epoch 1" in words(text)
    assert gallery(text) == ["cat as dog 95.0 %", "dog as <b> 40.0 %"]
    assert gallery(page(client, f"/errors?runs={run}&order=unsure"))[0].startswith("dog as <b>")
    assert 'aria-label="cat read as dog: 1"' in text
    assert "<b>&lt;b&gt;</b>" in text
    assert "<bdi>lenet5" in text
    assert "dog 1 of 2 50.00 % 50.00 % 50.00 %" in words(text)


def test_a_cell_leads_to_its_images_and_the_diagonal_to_the_right_ones(client: TestClient, run: int) -> None:
    text = page(client, f"/errors?runs={run}")
    cell = re.search(r'href="([^"]+)" aria-label="cat read as dog: 1"', text)
    assert cell
    cell_page = page(client, html.unescape(cell[1]))
    assert gallery(cell_page) == ["cat as dog 95.0 %"]
    assert 'aria-label="cat read as dog: 1" aria-current="true"' in cell_page
    assert gallery(page(client, f"/errors?runs={run}&label=0&said=0")) == ["cat read rightly 100.0 %"] * 2
    assert gallery(page(client, f"/errors?runs={run}&label=0")) == ["cat as dog 95.0 %"]
    assert "No image is read so." in words(page(client, f"/errors?runs={run}&label=2&said=0"))
    assert gallery(page(client, f"/errors?runs={run}&label=99")) == ["cat as dog 95.0 %", "dog as <b> 40.0 %"]


def test_a_group_is_the_sum_of_its_seeds(client: TestClient, two_groups: list[int]) -> None:
    text = page(client, f"/errors?runs={','.join(map(str, two_groups[:3]))}")
    assert "On average 1 of 6 test images of Digits are read wrongly by a run: accuracy 77.78 %" in words(text)
    assert gallery(text) == ["cat as dog 3 of 3, 97.7 %", "dog as <b> 1 of 3, 40.0 %"]
    assert "LeNet-5, 3 seeds" in words(text)


def test_suspects_are_those_that_every_run_gets_wrong_with_confidence(
    client: TestClient, two_groups: list[int]
) -> None:
    every = ",".join(map(str, two_groups[:3]))
    assert gallery(page(client, f"/errors?runs={every}&show=suspects")) == ["cat as dog 3 of 3, 97.7 %"]
    every = ",".join(map(str, two_groups))
    assert "No image is wrong in every run" in words(page(client, f"/errors?runs={every}&show=suspects"))


def test_a_config_and_seed_trained_again_is_read_once(
    client: TestClient, database: Database, settings: Settings, run: int
) -> None:
    again = predicted(database, settings, (0, 1, 0, 1, 2, 2), 0.95)
    assert "2 of 6 test images" in words(page(client, f"/errors?runs={run},{again}"))


def test_disagreements_are_sentences_and_classes_that_improve(client: TestClient, two_groups: list[int]) -> None:
    text = page(client, f"/compare/disagreements?runs={','.join(map(str, two_groups))}")
    told = words(text)
    first, second = "LeNet-5, learning rate 0.01", "LeNet-5, learning rate 0.001"
    assert f"From {first} to {second}, more are read rightly of dog (+16.67 pp)" in told
    assert gallery(text) == [
        f"1 of 2 seeds of {second} reads this cat as <b>; none of 3 of {first} do."
        " Right: 3 of 3 of the first group, 1 of 2 of the second.",
        f"3 of 3 seeds of {first} read this cat as dog; 1 of 2 of {second} does."
        " Right: 0 of 3 of the first group, 1 of 2 of the second.",
        f"1 of 3 seeds of {first} reads this dog as <b>; none of 2 of {second} do."
        " Right: 2 of 3 of the first group, 2 of 2 of the second.",
    ]
    assert "the share of seeds that are right differs most" in told
    better = page(client, f"/compare/disagreements?runs={','.join(map(str, two_groups))}&better=first")
    assert [sentence.split(" of ")[0] for sentence in gallery(better)] == ["1"]
    dogs = page(client, f"/compare/disagreements?runs={','.join(map(str, two_groups))}&label=1")
    assert len(gallery(dogs)) == 1
    turned = re.search(r'href="([^"]+)">The other way round', text)
    assert turned
    assert f"From {second} to {first}, fewer are read rightly of dog (−16.67 pp)" in words(
        page(client, html.unescape(turned[1]))
    )


def test_why_no_class_can_be_told_from_chance_is_said_of_seeds_or_of_images(
    client: TestClient, database: Database, settings: Settings, two_groups: list[int]
) -> None:
    address = f"/compare/disagreements?runs={','.join(map(str, two_groups))}"
    assert "With fewer than 3 seeds on a side" in words(page(client, address))
    third = predicted(database, settings, RIGHT, 0.8, seed=2, learning_rate=0.001)
    assert "By fewer than 30 test images of a class nothing" in words(page(client, f"{address},{third}"))


def test_nothing_is_told_from_chance_while_a_run_is_open(
    client: TestClient, database: Database, settings: Settings
) -> None:
    two_judged_groups(database, settings, num_seeds=3, more_wrong=12)
    address = "/compare/disagreements?runs=1,2,3,4,5,6,7"
    assert re.search(r"<td[^>]*>\[−[\d.]+, −?[\d.]+\] pp</td>", page(client, address))
    launch(database, epochs=2, seed=3)
    told = words(page(client, address))
    assert "While runs of these have not ended nothing is told from chance: that would be one look more." in told


def test_two_single_runs_are_told_apart_without_seeds(
    client: TestClient, database: Database, settings: Settings, run: int
) -> None:
    other = predicted(database, settings, RIGHT, architecture={"name": "custom-mlp"})
    text = page(client, f"/compare/disagreements?runs={run},{other}")
    assert gallery(text)[0] == "LeNet-5 reads this cat as dog; Custom MLP does not."


def test_an_image_has_a_page_that_says_what_each_run_says(client: TestClient, two_groups: list[int]) -> None:
    text = page(client, f"/datasets/digits/images/test/1?runs={','.join(map(str, two_groups))}")
    told = words(text)
    assert "labelled cat" in told
    assert "LeNet-5, learning rate 0.01: 0 of 3 right" in told
    assert f"run {two_groups[1]}, seed 1 dog wrong 99.0 %" in told
    assert "learning rate 0.001: 1 of 2 right" in words(page(client, "/datasets/digits/images/test/1"))
    assert "Back to" not in told
    page(client, "/datasets/digits/images/test/6", 404)
    page(client, "/datasets/kmnist/images/test/0", 404)
    page(client, "/datasets/nonsense/images/test/0", 404)


@pytest.mark.parametrize("view", ["/errors?{}&label=0&order=unsure", "/compare/disagreements?{}&better=second"])
def test_an_image_s_page_leads_back_to_the_view_it_was_seen_in(
    client: TestClient, two_groups: list[int], view: str
) -> None:
    address = view.format(f"runs={','.join(map(str, two_groups))}")
    shown = page(client, address)
    to_image = re.search(r'href="(/datasets/digits/images/test/\d[^"]+)"', shown)
    assert to_image
    image = page(client, html.unescape(to_image[1]))
    beside = re.search(r'rel="next" href="([^"]+)"', image)
    assert beside
    for text in (image, page(client, html.unescape(beside[1]))):
        back = re.search(r'id="back" href="([^"]+)#gallery"', text)
        assert back
        assert gallery(page(client, html.unescape(back[1]))) == gallery(shown)
    page(client, html.unescape(to_image[1]).replace("origin=", "origin=//elsewhere.example/"), 422)


def test_an_image_file_is_kept_for_ever_where_its_address_names_the_version(
    client: TestClient, settings: Settings, run: int
) -> None:
    address = re.search(r'src="(/datasets/digits/images/test/1.png\?v=\w+)"', page(client, f"/errors?runs={run}"))
    assert address
    answer = client.get(address[1])
    assert "immutable" in answer.headers["cache-control"]
    shown = Image.open(io.BytesIO(answer.content))
    assert (shown.size, shown.getpixel((6, 4))) == ((7, 5), (1, 1, 1))
    assert client.get(address[1] + "0").headers["cache-control"] == "no-cache"
    assert client.get("/datasets/digits/images/test/6.png").status_code == 404


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA"), (7, "L")])
def test_a_png_has_the_pixels_of_any_number_of_channels(channels: int, mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (channels, 5, 7), np.uint8)
    shown = Image.open(io.BytesIO(png_bytes(pixels)))
    assert shown.mode == mode
    expected = pixels.transpose(1, 2, 0) if mode != "L" else pixels[0]
    assert np.array_equal(np.asarray(shown), expected)


def test_where_nothing_can_be_shown_the_page_says_what_to_do(
    client: TestClient, database: Database, settings: Settings
) -> None:
    assert "No runs are chosen" in words(page(client, "/errors"))
    exporting = trained(database, 0.5)
    told = words(page(client, f"/errors?runs={exporting}"))
    assert "The images of digits are not here. A run on them brings them." in told
    make_dataset(settings)
    text = page(client, f"/errors?runs={exporting}")
    assert "its predictions are still to be written. They come by themselves" in words(text)
    assert f'data-waiting="{exporting}"' in text
    waiting = launch(database)
    assert "is queued. Its predictions come when it has completed." in words(page(client, f"/errors?runs={waiting}"))
    assert "was not found" in words(page(client, "/compare/disagreements?runs=99"))


def test_another_pair_than_was_asked_for_is_never_shown(client: TestClient, two_groups: list[int]) -> None:
    of_both = f"/compare/disagreements?runs={','.join(map(str, two_groups))}"
    shown = page(client, f"{of_both}&first=deadbeef")
    assert "No group with predictions begins with deadbeef." in words(shown)
    assert "Which classes improve?" not in shown
    api = client.get(f"/api/v1{of_both}&second=deadbeef")
    assert (api.status_code, api.json()["detail"]) == (404, "No group with predictions begins with deadbeef.")
    same = client.get(f"/api/v1{of_both}").json()["groups"][0]["config_hash"]
    assert "with itself" in words(page(client, f"{of_both}&first={same}&second={same}"))


def test_one_group_alone_disagrees_with_nobody(client: TestClient, run: int) -> None:
    assert "One group has nobody to disagree with" in words(page(client, f"/compare/disagreements?runs={run}"))


def test_runs_of_other_datasets_and_without_predictions_are_named(
    client: TestClient, database: Database, run: int
) -> None:
    trained(database, 0.5, seed=1)
    trained(database, 0.5, dataset="kmnist")
    told = words(page(client, f"/errors?runs={run},2,3"))
    assert "Runs on other datasets than digits are left out: 1." in told
    assert "Run 2 has completed; its predictions are still to be written." in told
    assert "2 of 6 test images" in told


def test_compare_and_the_run_lead_to_the_images(client: TestClient, two_groups: list[int]) -> None:
    text = page(client, f"/compare?runs={','.join(map(str, two_groups))}")
    assert f'href="/compare/disagreements?runs={",".join(map(str, two_groups))}"' in text
    assert f'href="/errors?runs={two_groups[0]}"' in text
    assert len(re.findall(r'class="to-images" id="images-[0-9a-f]{64}"', text)) == 2
    assert f'href="/errors?runs={two_groups[0]}"' in page(client, f"/runs/{two_groups[0]}")


def test_an_image_s_history_is_told_epoch_by_epoch(client: TestClient, database: Database, run: int) -> None:
    assert "kept no answers of their epochs" in words(page(client, f"/datasets/digits/images/test/1?runs={run}"))
    less_label = ([0, 2, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0])  # of image 1, a cat: <b>, dog, cat
    with database.writing() as session:
        for epoch, said in enumerate(less_label, start=1):
            content = zlib.compress(bytes(said) + bytes([102, 204, 255, 0, 0, 0]))
            session.add(EpochAnswers(run_id=run, epoch=epoch, content=content))
        session.get_one(Run, run).epochs_done = 3
    told = words(page(client, f"/datasets/digits/images/test/1?runs={run}"))
    assert "epoch 1: <b> (wrong), 80 %; epoch 2: dog (wrong), 80 %; epoch 3: cat, 80 %;" in told
    with database.writing() as session:
        session.get_one(EpochAnswers, (run, 1)).content = zlib.compress(bytes(14))
    assert "kept no answers" in words(page(client, f"/datasets/digits/images/test/1?runs={run}"))
