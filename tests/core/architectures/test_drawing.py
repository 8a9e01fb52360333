"""A network's drawing: what stands on it, that it is the same each time, and that no two words lie on each other."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations
from random import Random

import pytest

from core.architectures.catalogue import FAMILIES, resolve
from core.architectures.drawing import WIDTHS, Width, drawing_of
from core.architectures.drawn.text import text_width
from core.architectures.layers import (
    BatchNorm2d,
    Conv2d,
    Flatten,
    Layers,
    Linear,
    ReLU,
    Residual,
    Softmax,
)
from core.architectures.shapes import MAX_LAYERS, count_multiply_adds, count_parameters
from tests.core.architectures.random_networks import DEEPEST, random_layers

MNIST = (1, 28, 28)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(layers: Layers, image_shape: tuple[int, int, int] = MNIST, width: Width = "wide") -> ET.Element:
    return ET.fromstring(drawing_of(layers, image_shape, title="It", width=width, alone=True))


def boxes(svg: ET.Element) -> list[tuple[float, float, float, float, str]]:
    """Of the words that always show: left, top, right, bottom."""
    found = []
    for text in svg.iter(f"{SVG}text"):
        if text.attrib["class"].startswith("net-tip"):
            continue
        words, size = "".join(text.itertext()).replace("\u00a0", " "), float(text.attrib["font-size"])
        half = text_width(words, size) / 2
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        found.append((x - half, y - size, x + half, y + 0.2 * size, words))
    return found


def costs(svg: ET.Element) -> list[int]:
    """Every parameter and multiply-add that its stages tell of."""
    told = " ".join(stage.attrib["aria-label"] for stage in svg.iter(f"{SVG}g") if "aria-label" in stage.attrib)
    return [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) (?:parameter|multiply-add)", told)]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_figure_of_the_paper_is_recognised(name: str) -> None:
    words = [box[-1] for box in boxes(drawn(resolve(name, {}, MNIST, 10)))]
    names = [word.split(":")[0] for word in words if word[:2] in ("IN", "OU") or ":" in word]
    flat = ["INPUT", "F1", "F2", "OUTPUT"]
    assert names == (flat if name == "custom-mlp" else ["INPUT", "C1", "S2", "C3", "S4", "C5", "F6", "OUTPUT"])
    assert ("batch norm · ReLU" in words) == name.startswith("lenet5-moon")


def test_the_shapes_and_costs_of_each_stage_can_be_read_by_a_screen_reader() -> None:
    svg = drawn(resolve("lenet5-1998", {}, MNIST, 10))
    told = [
        stage.attrib["aria-label"].replace("\u00a0", " ")
        for stage in svg.iter(f"{SVG}g")
        if stage.attrib.get("tabindex") == "0"
    ]
    assert told[1] == (
        "C1: feature maps 6@28×28. convolution 5×5, padding 2, tanh. 156 parameters, 117,600 multiply-adds per image."
    )
    assert len(told) == 8
    assert "61,706 parameters" in svg.attrib["aria-label"]
    assert " ".join(told) == (svg.findtext(f"{SVG}desc") or "").replace("\u00a0", " ")


@pytest.mark.parametrize("width", WIDTHS)
def test_no_two_words_overlap_and_none_leaves_the_drawing_up_to_sixty_layers(width: Width) -> None:
    for seed in range(25):
        random = Random(seed)
        image_shape = random.choice([(1, 28, 28), (3, 32, 32), (3, 96, 96), (1, 8, 8), (3, 20, 64)])
        layers = random_layers(random, image_shape, random.randint(8, DEEPEST))
        svg = drawn(layers, image_shape, width)
        _, _, right, bottom = map(float, svg.attrib["viewBox"].split())
        assert sum(costs(svg)) == sum(count(layers, image_shape) for count in (count_parameters, count_multiply_adds))
        found = boxes(svg)
        assert len(found) > 8
        for left, top, end, low, words in found:
            assert min(left, top, right - end, bottom - low) >= 0, (seed, words)
        for one, other in combinations(found, 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (seed, one, other)


def test_each_skip_is_an_arc_with_a_sum_and_the_order_of_what_is_added_is_told() -> None:
    block = Residual(layers=(BatchNorm2d(), ReLU(), Conv2d(out_channels=8, kernel_size=3, padding=1)))
    layers = (Conv2d(out_channels=8, kernel_size=3), block, ReLU(), block, Residual(layers=(ReLU(),)), Flatten())
    svg = drawn(layers)
    kinds = [mark.attrib.get("class", "") for mark in svg.iter()]
    assert kinds.count("net-skip") == kinds.count("net-sum") == 2
    words = [box[-1] for box in boxes(svg)]
    assert words[-3:] == ["OUTPUT", "5408", "flattened"]
    assert {"batch norm · ReLU, then", "+ C1 · ReLU", "+ C2 · x + ReLU(x)"} <= set(words)


def test_the_same_layers_make_the_same_bytes_and_every_network_that_fits_is_drawn() -> None:
    layers = resolve("lenet5-moon2", {}, MNIST, 10)
    assert drawing_of(layers, MNIST, title="It") == drawing_of(layers, MNIST, title="It")
    assert len(boxes(drawn((), MNIST))) == 2  # nothing but its input
    drawn((ReLU(), Flatten(), Softmax()))
    drawn((Conv2d(out_channels=3, kernel_size=64, padding=32), Flatten()), (1, 1, 1))
    drawn((Linear(out_features=7),) * MAX_LAYERS, (5,))  # type: ignore[arg-type]


def test_a_title_is_a_text_whatever_it_holds() -> None:
    svg = drawing_of((), MNIST, title='<script>"&\x00\ud800\x1b', alone=True)
    assert "&lt;script&gt;&quot;&amp;, drawn" in svg
    ET.fromstring(svg)
