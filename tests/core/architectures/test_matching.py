"""A width that brings the parameters closest to a number; and what can be told of a network that is still wrong."""

import pytest

from core.architectures.catalogue import resolve
from core.architectures.examination import examine
from core.architectures.layers import Conv2d, Flatten, Layers, LayerSpec, Linear, MaxPool2d, ReLU, Residual
from core.architectures.matching import NoWidth, match_parameters, with_width
from core.architectures.shapes import ArchitectureError, count_parameters

IMAGE = (1, 28, 28)
LENET = resolve("lenet5", {}, IMAGE, 10)
BLOCK = Residual(
    layers=(Conv2d(out_channels=4, kernel_size=3, padding=1), ReLU(), Conv2d(out_channels=6, kernel_size=1))
)


def counted(layers: Layers, place: tuple[int, ...], width: int) -> int | None:
    try:
        return count_parameters(with_width(layers, place, width), IMAGE)
    except ArchitectureError:
        return None


@pytest.mark.parametrize("target", [1, 5_000, 44_426, 61_706, 115_510, 9_999_999, 10**9])
@pytest.mark.parametrize("place", [(0,), (3,), (7,), (9,)])
def test_no_other_width_comes_closer(place: tuple[int, ...], target: int) -> None:
    found = match_parameters(LENET, place, target, IMAGE)
    assert count_parameters(found.layers, IMAGE) == found.num_parameters
    most = 4096 if place[0] < 7 else 65_536
    near = range(max(1, found.width - 3), min(most, found.width + 3) + 1)
    others = [count for width in (*near, 1, 4096) if (count := counted(LENET, place, width)) is not None]
    assert abs(found.num_parameters - target) == min(abs(count - target) for count in others)


def test_its_own_count_leaves_a_network_as_it_is() -> None:
    assert match_parameters(LENET, (7,), 44_426, IMAGE).layers == LENET


def test_a_width_inside_a_block_is_adjusted_and_one_that_the_block_needs_is_not() -> None:
    layers = (Conv2d(out_channels=6, kernel_size=3), BLOCK, Flatten(), Linear(out_features=10))
    found = match_parameters(layers, (1, 0), 50_000, IMAGE)
    assert abs(found.num_parameters - 50_000) < 40
    for place, reason in (((1, 2), "adds its input"), ((0,), "adds its input"), ((2,), "has no width")):
        with pytest.raises(NoWidth, match=reason):
            match_parameters(layers, place, 50_000, IMAGE)


@pytest.mark.parametrize(
    ("layers", "known", "blamed"),
    [
        ((), [], None),
        ((ReLU(), MaxPool2d(kernel_size=40), ReLU()), ["1"], "2"),
        ((ReLU(), Residual(layers=(ReLU(), Linear(out_features=2), ReLU()))), ["1", "2.1"], "2.2"),
        ((ReLU(), Residual(layers=(ReLU(), MaxPool2d(kernel_size=2)))), ["1", "2.1", "2.2"], "2"),
        ((Flatten(), Linear(out_features=65_536)), ["1"], "2"),
        ((Flatten(), Linear(out_features=7)), ["1", "2"], "2"),
        ((ReLU(),) * 101, [], ""),
    ],
)
def test_what_comes_before_the_layer_that_cannot_be_is_told(
    layers: tuple[LayerSpec, ...], known: list[str], blamed: str | None
) -> None:
    found = examine(layers, IMAGE, 10 if layers else None)
    assert (sorted(found.traced), found.refusal and found.refusal.layer) == (known, blamed)
