"""Random architecture specs, sound ones and hostile ones: each is either built by torch with the shapes and counts that
were predicted, or refused with a reason at a place; nothing else may come of it.

    python -m tests.spec_fuzz --count 100000     (make specs N=100000)

torch builds on its "meta" device: shapes are computed, nothing is allocated.
"""

import argparse
import json
import math
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from core.architectures.layers import LAYERS, Layers
from core.architectures.shapes import ArchitectureError, TracedLayer, parse_layers, trace
from worker.models import ResidualBlock, build

IMAGES = ((1, 28, 28), (3, 32, 32), (1, 8, 8), (3, 96, 96), (1, 5, 31), (2, 1, 1))
ON_MAPS = ("Conv2d", "BatchNorm2d", "ReLU", "Tanh", "Sigmoid", "GELU", "MaxPool2d", "AvgPool2d", "Dropout", "Residual")
WHEN_FLAT = ("Linear", "ReLU", "Tanh", "Sigmoid", "GELU", "Dropout", "Linear")
TYPES = (*ON_MAPS, "Flatten", "Linear", "Softmax")
HOSTILE: tuple[Any, ...] = (  # Any: what JSON can hold, and what it cannot
    None, True, False, "", "3", "2*3", "__import__('os')", "∞", "\x00", "<script>", -1, 0, 2**31, 2**63, 10**400,
    -(10**30), 1.5, 3.0, 1e308, math.nan, math.inf, -math.inf, [], {}, [3], {"a": 1}, "9" * 5000, [[[[[]]]]], b"\xff",
)  # fmt: skip
FIELDS = ("type", "out_channels", "kernel_size", "stride", "padding", "bias", "out_features", "p", "layers", "shell")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    started = time.perf_counter()
    outcomes = fuzz(asked.count, asked.seed)
    print(f"{asked.count:,} specs in {time.perf_counter() - started:.0f} s, seed {asked.seed}")
    for outcome, count in outcomes.most_common():
        print(f"{count:>9,}  {outcome}")


def fuzz(count: int, seed: int) -> Counter[str]:
    """What became of so many random specs; raises AssertionError, with the spec, where it is anything else."""
    chance = random.Random(seed)
    outcomes = Counter[str]()
    for number in range(count):
        raw, image = random_spec(chance), chance.choice(IMAGES)
        try:
            outcomes[outcome_of(raw, image)] += 1
        except Exception as error:
            raise AssertionError(f"spec {number} of seed {seed} for {image}: {raw!r}") from error
    return outcomes


def outcome_of(raw: Any, image: tuple[int, ...]) -> str:
    """ "built", or in a few words why it was refused. Whatever else is raised is a fault."""
    try:
        layers = parse_layers(raw)
        traced = trace(layers, image)
    except ArchitectureError as refusal:
        return why_refused(raw, refusal)
    assert LAYERS.validate_python(json.loads(LAYERS.dump_json(layers))) == layers
    is_built_as_predicted(layers, traced, image)
    return "built"


def why_refused(raw: Any, refusal: ArchitectureError) -> str:
    """It has a reason, and the layer it blames is there."""
    assert len(refusal.reason) > 8, refusal
    assert refusal.layer or str(refusal).startswith("The network "), refusal
    place: Any = raw
    for at in map(int, filter(None, refusal.layer.split("."))):
        place = (place["layers"] if isinstance(place, dict) else place)[at - 1]
    told = refusal.reason.split(":")[0] if refusal.reason.startswith("is refused") else refusal.reason
    return "refused: " + "".join("n" if letter.isdigit() else letter for letter in told).replace(",", "")[:28]


def is_built_as_predicted(layers: Layers, traced: Sequence[TracedLayer], image: tuple[int, ...]) -> None:
    with torch.device("meta"):
        model = build(layers, image)
        images = torch.empty(2, *image)
    assert sum(weights.numel() for weights in model.parameters()) == sum(layer.num_parameters for layer in traced)
    _follow(model, traced, images)


def _follow(model: nn.Sequential, traced: Sequence[TracedLayer], x: Tensor) -> Tensor:
    for module, layer in zip(model, traced, strict=True):
        if isinstance(module, ResidualBlock):
            _follow(module.inner, layer.inner, x)
        x = module(x)
        assert tuple(x.shape) == (2, *layer.output_shape), layer
    return x


def random_spec(chance: random.Random) -> Any:
    """Half are plausible, of which many fit; the rest have something in them that no client should send."""
    spec = _plausible(chance)
    draw = chance.random()
    if draw < 0.55:
        return spec
    if draw < 0.58:
        return chance.choice((*HOSTILE, {"layers": spec}, [spec], spec * 30))
    if draw < 0.7:
        chance.shuffle(spec)
        return spec
    for _ in range(chance.randint(1, 3)):
        _spoil(chance, spec)
    return spec


def _plausible(chance: random.Random) -> list[Any]:
    layers = [_layer(chance, chance.choice(ON_MAPS)) for _ in range(chance.randint(0, 8))]
    if chance.random() < 0.85:
        layers.append({"type": "Flatten"})
        layers += [_layer(chance, chance.choice(WHEN_FLAT)) for _ in range(chance.randint(0, 4))]
        layers += [{"type": "Softmax"}] if chance.random() < 0.2 else []
    return layers


def _layer(chance: random.Random, kind: str, *, inside: bool = False) -> dict[str, Any]:
    side = chance.choice((1, 2, 3, 3, 5, 7))
    match kind:
        case "Conv2d":
            same = inside or chance.random() < 0.5
            sides = {"kernel_size": side, "padding": side // 2 if same else chance.randint(0, 3)}
            stride = {} if same else {"stride": chance.randint(1, 3)}
            channels = chance.choice((1, 1, 2, 3, 4, 8, 32, 256, 4096))
            return {"type": kind, "out_channels": channels, "bias": chance.random() < 0.5, **sides, **stride}
        case "MaxPool2d" | "AvgPool2d":
            window = {"type": kind, "kernel_size": 1 if inside else chance.choice((2, 2, 3, 4))}
            return window | {"stride": chance.choice((None, 1, 2, 3))} if chance.random() < 0.5 else window
        case "Linear":
            return {"type": kind, "out_features": chance.choice((1, 10, 84, 120, 1000, 65_536))}
        case "Dropout":
            return {"type": kind, "p": chance.choice((0, 0.5, 0.999))}
        case "Residual":
            count = chance.randint(1, 3)
            return {"type": kind, "layers": [_layer(chance, chance.choice(ON_MAPS[:-1]), inside=True)] * count}
        case _:
            return {"type": kind}


def _spoil(chance: random.Random, layers: list[Any]) -> None:
    if not layers or chance.random() < 0.1:
        layers.insert(chance.randint(0, len(layers)), chance.choice((*HOSTILE, _layer(chance, chance.choice(TYPES)))))
        return
    at = chance.randrange(len(layers))
    layer = layers[at]
    if not isinstance(layer, dict):
        return
    layer = layers[at] = dict(layer)
    field = chance.choice(tuple(layer)) if layer and chance.random() < 0.7 else chance.choice(FIELDS)
    if chance.random() < 0.2:
        layer.pop(field, None)
    else:
        layer[field] = chance.choice(
            (*HOSTILE, *TYPES, chance.randint(-5, 70), 10 ** chance.randint(0, 6), [dict(layer)])
        )


if __name__ == "__main__":
    main()
