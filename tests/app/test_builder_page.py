"""The builder without a browser: each edit, what it answers while one types, import, export, saving."""

import json
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from fastapi.testclient import TestClient

from app.pages.builder_draft import Draft, composed
from app.pages.builder_edits import edited
from core.architectures.examination import examine
from core.architectures.layers import LAYERS
from core.database import Database
from core.datasets import DATASETS
from core.settings import Settings
from tests.app.imported_datasets import make_imported

SMALL = [
    ("layer", "Conv2d"), ("out_channels", "6"), ("kernel_size", "5"), ("bias", "yes"),
    ("layer", "Residual"), ("inner", "ReLU"), ("inner", "BatchNorm2d"),
    ("layer", "Flatten"), ("layer", "Linear"), ("out_features", "10"), ("bias", "yes"),
]  # fmt: skip
LINEAR = [{"type": "Flatten"}, {"type": "Linear", "out_features": 10}]


def address(path: str, *pairs: tuple[str, str]) -> str:
    """In this order, which is that of the layers; a client's own `params` puts what has one name together."""
    return f"/networks/{path}?{urlencode(pairs)}"


def kinds(drafts: tuple[Draft, ...]) -> str:
    """ "Conv2d Residual(ReLU BatchNorm2d) Flatten"."""
    return " ".join(draft.type + (f"({kinds(draft.inner)})" if draft.inner else "") for draft in drafts)


@pytest.mark.parametrize(
    ("at", "wish", "result", "focus"),
    [
        ("", "add Tanh", "Tanh Conv2d Residual(ReLU BatchNorm2d) Flatten Linear", "at-1"),
        ("1", "add MaxPool2d", "Conv2d MaxPool2d Residual(ReLU BatchNorm2d) Flatten Linear", "at-2"),
        ("2.1", "add Dropout", "Conv2d Residual(ReLU Dropout BatchNorm2d) Flatten Linear", "at-2-2"),
        ("2.1", "add Softmax", "Conv2d Residual(ReLU BatchNorm2d) Softmax Flatten Linear", "at-3"),
        ("1", "add Residual",
         "Conv2d Residual(Conv2d BatchNorm2d ReLU) Residual(ReLU BatchNorm2d) Flatten Linear", "at-2"),
        ("3", "add Residual", "Conv2d Residual(ReLU BatchNorm2d) Flatten Residual(Linear ReLU) Linear", "at-4"),
        ("", "remove 1", "Residual(ReLU BatchNorm2d) Flatten Linear", "remove-1"),
        ("", "remove 2.2", "Conv2d Residual(ReLU) Flatten Linear", "remove-2-1"),
        ("", "up 3", "Conv2d Flatten Residual(ReLU BatchNorm2d) Linear", "up-2"),
        ("", "down 2.1", "Conv2d Residual(BatchNorm2d ReLU) Flatten Linear", "down-2-2"),
        ("", "up 1", "Conv2d Residual(ReLU BatchNorm2d) Flatten Linear", "at-1"),
        ("", "copy 2", "Conv2d Residual(ReLU BatchNorm2d) Residual(ReLU BatchNorm2d) Flatten Linear", "copy-3"),
        ("", "move 1>", "Residual(ReLU BatchNorm2d) Flatten Linear Conv2d", "at-4"),
        ("", "move 1>4", "Residual(ReLU BatchNorm2d) Flatten Conv2d Linear", "at-3"),
        ("", "move 4>1", "Linear Conv2d Residual(ReLU BatchNorm2d) Flatten", "at-1"),
        ("", "move 1>2.1", "Residual(Conv2d ReLU BatchNorm2d) Flatten Linear", "at-1-1"),
        ("", "move 1>2.3", "Residual(ReLU BatchNorm2d Conv2d) Flatten Linear", "at-1-3"),
        ("", "move 2.1>2.3", "Conv2d Residual(BatchNorm2d ReLU) Flatten Linear", "at-2-2"),
        ("", "move 2.1>1", "ReLU Conv2d Residual(BatchNorm2d) Flatten Linear", "at-1"),
        ("", "move 2>2.1", "Conv2d Residual(ReLU BatchNorm2d) Flatten Linear", ""),
        ("", "remove 9", "Conv2d Residual(ReLU BatchNorm2d) Flatten Linear", ""),
        ("", "add Transformer", "Conv2d Residual(ReLU BatchNorm2d) Flatten Linear", ""),
    ],
)  # fmt: skip
def test_each_wish_changes_the_layers_and_says_where_the_focus_goes(
    at: str, wish: str, result: str, focus: str
) -> None:
    before = composed([("at", at), *SMALL])
    layers = LAYERS.validate_python([{"type": "Conv2d", "out_channels": 6, "kernel_size": 5}, *LINEAR])
    now = edited(before, wish, examine((layers[0], layers[0], layers[1]), (1, 28, 28), None), (1, 28, 28))
    assert (kinds(now.composed.drafts), now.focus) == (result, focus)
    if wish == "add Residual" and at == "1":  # it keeps the shape that it gets
        assert now.composed.drafts[1].inner[0].texts["out_channels"] == "6"


def test_the_address_leads_to_the_same_form(client: TestClient) -> None:
    typed = [
        ("dataset", "mnist"),
        ("at", "2.1"),
        ("name", "mine"),
        *SMALL,
        ("layer", "AvgPool2d"),
        ("kernel_size", "x"),
    ]
    one = composed(typed)
    assert composed(parse_qsl(one.query())) == one
    assert client.get(f"/networks/new?{one.query()}").status_code == 200


def test_while_one_types_only_what_follows_is_swapped(client: TestClient) -> None:
    typed = [("dataset", "digits"), *SMALL]
    typed[2] = ("out_channels", "6.5")
    answer = client.get(address("compose", *typed))
    assert "Filters must be a whole number" in answer.text
    assert 'name="out_channels"' not in answer.text  # no field comes anew, and no choice made meanwhile is lost
    assert "<select" not in answer.text
    assert "out_channels=6.5" in answer.headers["hx-replace-url"]
    edited_too = client.get(address("compose", *typed, ("do", "copy 1")))
    assert edited_too.text.count('name="out_channels"') == 2


def test_sixty_layers_take_the_server_less_than_a_tenth_of_a_second(client: TestClient) -> None:
    layer = [("layer", "Conv2d"), ("out_channels", "6"), ("kernel_size", "3"), ("padding", "1"), ("bias", "yes")]
    typed = [("dataset", "digits"), *[*layer, ("layer", "ReLU")] * 29, *SMALL[-4:]]
    taken = []
    for _ in range(5):
        start = time.process_time()
        assert "It fits Digits" in client.get(address("compose", *typed)).text
        taken.append(time.process_time() - start)
    assert min(taken) < 0.1, taken


def test_without_javascript_a_button_leads_to_the_address_of_what_came_of_it(client: TestClient) -> None:
    answer = client.get(address("new", ("dataset", "digits"), *SMALL, ("do", "down 1")))
    assert answer.status_code == 303
    outcome = answer.headers["location"]
    assert ("focus", "down-2") in parse_qsl(urlsplit(outcome).query)
    page = client.get(outcome).text
    assert 'id="down-2" aria-label="Move layer 2 down" title="Move layer 2 down" autofocus' in page
    assert "Adds its input" not in page


def test_matching_and_adapting_say_what_they_changed(client: TestClient) -> None:
    typed = [("dataset", "digits"), *SMALL, ("match", "lenet5"), ("adjust", "1")]
    matched = client.get(address("compose", *typed, ("do", "match"))).text
    assert "Layer 1 (Conv2d): 6 → 8. The network has 46,314 parameters, 1,888 more than lenet5 (44,426)." in matched
    refused = client.get(address("compose", *typed[:-1], ("adjust", "2.1"), ("do", "match"))).text
    assert "Layer 2.1 has no width" in refused
    nameless = client.get(address("compose", *typed, ("match", "<i>"), ("do", "match"))).text
    assert "There is no architecture &#39;&lt;i&gt;&#39;" in nameless
    other = [*SMALL[:-2], ("out_features", "7"), ("bias", "yes")]
    assert "there are 10 classes to tell apart" in client.get(address("compose", *other)).text
    adapted = client.get(address("compose", *other, ("do", "adapt"))).text
    assert "Layer 4 now puts out 10 scores." in adapted
    assert "It fits Digits" in adapted


def test_limits_are_said_before_anything_is_allocated(client: TestClient) -> None:
    huge = [("layer", "Flatten"), ("layer", "Linear"), ("out_features", "65536"), ("bias", "yes")]
    assert (
        "Brings the network to 51,445,760 parameters; at most 10,000,000"
        in client.get(address("compose", ("dataset", "digits"), *huge)).text
    )
    many = [("dataset", "digits"), *[("layer", "ReLU")] * 101]
    assert "The network has 101 layers; at most 100 are allowed." in client.get(address("compose", *many)).text
    assert client.get(address("new", *many, *[("layer", "ReLU")] * 300)).status_code == 422


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\x00", "²", "9" * 5000, "2*3", "nan", "'; --"])
def test_whatever_is_typed_is_said_back_as_text(client: TestClient, text: str) -> None:
    typed = [
        ("dataset", text),
        ("at", text),
        ("name", text),
        ("layer", text),
        *SMALL,
        ("kernel_size", text),
        ("inner", text),
    ]
    for path in ("new", "compose"):
        answer = client.get(address(path, *typed, ("match", text), ("adjust", text)))
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert client.get(address(path, *typed, ("do", text))).status_code in (200, 303)


def test_a_network_is_saved_edited_and_saved_as_its_next_version(client: TestClient) -> None:
    form: Any = urlencode([("dataset", "digits"), ("name", "mine"), *SMALL])
    sent = {"content-type": "application/x-www-form-urlencoded"}
    saved = client.post("/networks", content=form, headers=sent)
    assert (saved.status_code, saved.headers["location"]) == (303, "/networks/mine@1/edit?saved=1")
    page = client.get("/networks/mine@1/edit?saved=1").text
    assert "Saved as <b>mine@1</b>" in page
    assert 'name="name" value="mine"' in page
    wider = form.replace("out_channels=6", "out_channels=7")
    then = client.post("/networks", content=f"{wider}&then=train", headers=sent)
    assert then.headers["location"] == "/runs/new?architecture=mine@2&dataset=digits"
    assert client.get("/networks/mine@3/edit").status_code == 404
    assert 'value="start mine@2"' in client.get("/networks/new").text
    for name, reason in (("lenet5", "is a family of the catalogue"), ("a b", "may have letters"), ("", "is missing")):
        refused = client.post("/networks", content=form.replace("name=mine", f"name={name}"), headers=sent)
        assert (refused.status_code, reason in refused.text) == (422, True)
    broken = client.post("/networks", content=form.replace("out_features=10", "out_features=3"), headers=sent)
    assert (broken.status_code, "the network is not whole yet" in broken.text) == (422, True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing to import yet"), ("[" * 100_000, "it is nested too deep"), ("[9" + "9" * 5000, "too long"),
        ("{oops", "This is not JSON: Expecting property name"), ("3", "no list of layers"), ("[]", "no list of layers"),
        ("null", "no list of layers"), ('{"name": "x"}', "no list of layers"), ('[{"type": "LSTM"}]', "is refused"),
        ('[{"type": "Conv2d", "out_channels": "2*3", "kernel_size": 1}]', "Layer 1 (Conv2d) is refused: out_channels"),
        (json.dumps([{"type": "ReLU"}] * 101), "has 101 layers; at most 100"),
    ],
)  # fmt: skip
def test_json_that_is_no_network_is_refused_with_the_reason(client: TestClient, text: str, reason: str) -> None:
    refused = client.post("/networks/import", data={"json": text, "network": urlencode(SMALL)})
    assert (refused.status_code, reason in refused.text) == (422, True), refused.text
    assert 'id="layer-1"' in refused.text, "the network that was being composed is still there"


def test_a_file_with_a_byte_order_mark_is_read_and_one_that_is_no_text_is_not_shown(client: TestClient) -> None:
    marked = b"\xef\xbb\xbf" + json.dumps(LINEAR).encode()
    assert client.post("/networks/import", files={"file": ("any.json", marked)}).status_code == 303
    refused = client.post("/networks/import", files={"file": ("any.json", bytes(range(256)))})
    assert (refused.status_code, "This is not JSON" in refused.text, "\0" in refused.text) == (422, True, False)


def test_what_is_exported_can_be_imported_as_text_or_file(client: TestClient) -> None:
    exported = client.get(address("export", ("dataset", "digits"), ("name", "mine"), *SMALL))
    assert exported.headers["content-disposition"] == 'attachment; filename="mine.json"'
    by_text = client.post("/networks/import", data={"json": exported.text, "dataset": "mnist"})
    by_file = client.post("/networks/import", files={"file": ("any.json", exported.content)}, data={"dataset": "mnist"})
    assert by_text.headers["location"] == by_file.headers["location"]
    asked = composed(parse_qsl(urlsplit(by_text.headers["location"]).query))
    assert (asked.name, asked.dataset, kinds(asked.drafts)) == ("mine", "mnist", kinds(composed(SMALL).drafts))
    assert DATASETS["mnist"].image_shape == (1, 28, 28)
    bare = client.post("/networks/import", data={"json": json.dumps(LINEAR)})
    assert kinds(composed(parse_qsl(urlsplit(bare.headers["location"]).query)).drafts) == "Flatten Linear"
    unsound = client.get(address("export", ("dataset", "digits"), ("layer", "Softmax")))
    assert unsound.status_code == 422


def test_it_begins_with_the_network_that_the_address_names(client: TestClient) -> None:
    assert 'value="120"' in client.get("/networks/new").text
    assert 'value="120"' in client.get("/networks/lenet5-moon/edit").text
    assert "No layer yet" in client.get("/networks/new?from=nothing").text
    wider = {"name": "lenet5", "parameters": {"hidden": [99]}}
    run = client.post("/api/v1/runs", json={"architecture": wider, "dataset": "digits"}).json()
    for key in (f"run:{run['id']}", f"group:{run['config_hash'][:8]}"):
        assert 'value="99"' in client.get(f"/networks/new?from={key}").text
        assert f"from={key}" in client.get(f"/networks/{key}").text.replace("%3A", ":")
    for key in ("nobodys", "run:9", "group:9"):
        assert client.get(f"/networks/new?from={key}").status_code == 404


def test_where_only_the_end_is_missing_it_can_be_had_at_once(client: TestClient) -> None:
    """Beside the verdict, and under the images."""
    pairs = ("layer", "Conv2d"), ("out_channels", "4"), ("kernel_size", "3")
    assert client.get(address("new", *pairs)).text.count("adapt") > client.get("/networks/new").text.count("adapt")
    broken = client.get(address("new", *pairs, ("layer", "Linear"), ("out_features", "9"))).text
    assert broken.count("adapt") == client.get("/networks/new").text.count("adapt")


def test_another_dataset_is_said_where_the_layers_begin(
    client: TestClient, settings: Settings, database: Database
) -> None:
    make_imported(settings, database, "tiny", (3, 6, 6))
    told = client.get(address("compose", ("dataset", "tiny"), *SMALL)).text
    assert '<div hx-swap-oob="innerHTML:#images-shape">3×6×6</div>' in told


def test_a_family_that_the_images_are_too_small_for_says_so(
    client: TestClient, settings: Settings, database: Database
) -> None:
    make_imported(settings, database, "tiny", (3, 6, 6))
    page = client.get("/networks/new?dataset=tiny&from=lenet5").text
    assert "lenet5 cannot be for these images: Layer 4 (Conv2d) has a 5×5 window" in page
    assert "3×6×6" in page
    added = client.get(address("compose", ("dataset", "tiny"), ("at", ""), ("do", "add Conv2d"))).text
    assert "3×6×6 → <b>16×6×6</b>" in added
    adapted = client.get(address("compose", ("dataset", "tiny"), ("layer", "Flatten"), ("do", "adapt"))).text
    assert "A last layer with 5 scores was added." in adapted
    assert "It fits tiny: 5 classes." in adapted
