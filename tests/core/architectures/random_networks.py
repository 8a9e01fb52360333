"""Networks that fit, made at random."""

from random import Random

from core.architectures.layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layers,
    LayerSpec,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Softmax,
)
from core.architectures.shapes import ArchitectureError, trace

DEEPEST = 60  # layers, up to which words may not overlap


def random_layers(random: Random, image_shape: tuple[int, int, int], num_layers: int) -> Layers:
    """A network that fits, of about so many layers: convolutions, poolings, residual blocks, then flat ones."""
    layers: list[LayerSpec] = []
    while sum(1 + len(spec.layers) if isinstance(spec, Residual) else 1 for spec in layers) < num_layers - 6:
        channels = random.choice([1, 3, 8, 16, 40])
        same = Conv2d(out_channels=channels, kernel_size=random.choice([1, 3, 5]), padding=0)
        same = same.model_copy(update={"padding": same.kernel_size // 2})
        choice: list[list[LayerSpec]] = [
            [same, BatchNorm2d(), ReLU()],
            [Conv2d(out_channels=channels, kernel_size=3, stride=2, padding=1, bias=False)],
            [MaxPool2d(kernel_size=2)],
            [AvgPool2d(kernel_size=3, stride=1)],
            [same, Residual(layers=(BatchNorm2d(), ReLU(), same, Dropout(p=0.125), same)), ReLU()],
        ]
        more = random.choice(choice)
        try:
            trace((*layers, *more, Flatten(), Linear(out_features=64)), image_shape)
        except ArchitectureError:
            more = [Conv2d(out_channels=2, kernel_size=1)]
        layers += more
    return (*layers, Flatten(), Linear(out_features=64), ReLU(), Linear(out_features=10), Softmax())
