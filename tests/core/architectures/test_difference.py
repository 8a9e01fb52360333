"""In what two networks differ: which layers are aligned, which fields changed, and how that is drawn."""

import xml.etree.ElementTree as ET
from random import Random

import pytest

from core.architectures.catalogue import resolve
from core.architectures.difference import Difference, difference
from core.architectures.drawing import WIDTHS, Width, difference_drawing
from core.architectures.layers import AvgPool2d, Conv2d, Flatten, Layers, Linear, MaxPool2d, ReLU, Residual, Tanh
from core.architectures.shapes import trace

MNIST = (1, 28, 28)
CONV = Conv2d(out_channels=8, kernel_size=3, padding=1)
HEAD = (Flatten(), Linear(out_features=10))


def found(a: Layers, b: Layers) -> Difference:
    return difference(a, MNIST, b, MNIST)


def told(a: Layers, b: Layers) -> list[str]:
    """What is not the same, pair by pair."""
    return [
        f"{pair.change} {pair.words} {(pair.a or pair.b).spec.type}"  # type: ignore[union-attr]
        for pair in found(a, b).pairs
        if pair.change not in ("same", "resized")
    ]


def test_the_reports_wider_network_against_lenet5() -> None:
    of_both = found(resolve("lenet5", {}, MNIST, 10), resolve("lenet5-moon2", {}, MNIST, 10))
    changed = [pair.words.replace("\u00a0", " ") for pair in of_both.pairs if pair.change == "changed"]
    assert changed == ["filters 6 → 10, padding 0 → 2", "average → max", "filters 16 → 32", "average → max"]
    added = [pair.b.spec.type for pair in of_both.pairs if pair.change == "added" and pair.b]
    assert added == ["BatchNorm2d", "BatchNorm2d", "Dropout", "Dropout"]
    assert of_both.num_parameters == (44_426, 115_510)
    assert of_both.num_multiply_adds == (281_640, 1_102_920)


@pytest.mark.parametrize(
    ("a", "b", "differences"),
    [
        ((CONV, ReLU(), *HEAD), (CONV, ReLU(), *HEAD), []),
        ((CONV, ReLU(), *HEAD), (CONV, ReLU(), CONV, ReLU(), *HEAD), ["added added Conv2d", "added added ReLU"]),
        ((CONV, ReLU(), *HEAD), (CONV, Tanh(), *HEAD), ["changed ReLU\u00a0→\u00a0Tanh ReLU"]),
        ((CONV, MaxPool2d(kernel_size=2), *HEAD), (CONV, *HEAD), ["removed removed MaxPool2d"]),
        ((CONV, CONV, *HEAD), (CONV, Residual(layers=(CONV,)), *HEAD), ["added added Residual"]),
        ((ReLU(), *HEAD), (AvgPool2d(kernel_size=2), *HEAD), ["removed removed ReLU", "added added AvgPool2d"]),
    ],
    ids=["nothing", "a longer one", "another activation", "no pooling", "a skip", "another kind of layer"],
)
def test_layers_are_aligned_by_what_they_are(a: Layers, b: Layers, differences: list[str]) -> None:
    assert sorted(told(a, b)) == sorted(differences)


def test_every_layer_of_both_is_in_one_pair_and_in_its_order() -> None:
    kinds = (CONV, ReLU(), Tanh(), MaxPool2d(kernel_size=1), Residual(layers=(CONV, ReLU())), CONV)
    for seed in range(40):
        random = Random(seed)
        a, b = ((CONV, *random.choices(kinds, k=random.randint(0, 12)), *HEAD) for _ in range(2))
        pairs = found(a, b).pairs
        for side, layers in (("a", a), ("b", b)):
            numbers = [getattr(pair, side).number for pair in pairs if getattr(pair, side)]
            flat = [number for layer in trace(layers, MNIST) for number in (layer, *layer.inner)]
            assert numbers == [layer.number for layer in flat]
        assert not [pair for pair in found(a, a).pairs if pair.change != "same"]


@pytest.mark.parametrize("width", WIDTHS)
def test_stages_that_correspond_stand_over_each_other_and_marks_are_words_too(width: Width) -> None:
    of_both = found(resolve("lenet5", {}, MNIST, 10), resolve("custom-mlp", {}, MNIST, 10))
    svg = ET.fromstring(difference_drawing(of_both, ("<LeNet>", "MLP"), width=width, alone=True))
    texts = [("".join(text.itertext()), text.get("x"), text.get("class")) for text in svg.iter() if text.get("x")]
    outputs = [x for words, x, kind in texts if words == "OUTPUT" and kind == "net-name"]
    assert len(outputs) == 2
    assert outputs[0] == outputs[1]
    notes = [words for words, _, kind in texts if kind == "net-note"]
    assert notes.count("− removed") == 4
    assert [note.replace("\u00a0", " ") for note in notes if "→" in note] == ["≠ units 120 → 75", "≠ units 84 → 32"]
    assert "<LeNet>" in [words for words, _, kind in texts if kind == "net-heading"]
