"""The learning-rate schedule as a small drawing: a path in percent of the plot, ticks, and the same in words."""

import math
from dataclasses import dataclass

from core.run_config import RunConfig
from core.schedules import learning_rate_at

NUM_POINTS = 240  # one for about every two pixels of the plot
HEADROOM = 1.1  # the peak stays clear of the upper edge
MAX_EPOCH_TICKS = 6


@dataclass(frozen=True)
class SchedulePlot:
    """`line` and `area` are SVG paths in a 100 by 100 box; a tick is (percent from left or bottom, label)."""

    line: str
    area: str
    epoch_ticks: list[tuple[float, str]]
    rate_ticks: list[tuple[float, str]]
    words: str


def plot_schedule(config: RunConfig, num_images: int) -> SchedulePlot:
    """What the trainer will use on `num_images` training images."""
    steps_per_epoch = math.ceil(num_images / config.batch_size)
    last = config.epochs * steps_per_epoch
    steps = sorted({1 + round((last - 1) * point / NUM_POINTS) for point in range(NUM_POINTS + 1)})
    rates = [learning_rate_at(config, step, steps_per_epoch) for step in steps]
    peak = max(rates)
    # A single step is drawn as a level line.
    places = [100 * (step - 1) / max(1, last - 1) for step in steps] if last > 1 else [0.0, 100.0]
    heights = [100 - 100 * rate / (peak * HEADROOM) for rate in (rates if last > 1 else rates * 2)]
    line = "M" + " L".join(f"{x:.2f},{y:.2f}" for x, y in zip(places, heights, strict=True))
    return SchedulePlot(
        line=line,
        area=f"{line} L100,100 L0,100 Z",
        epoch_ticks=[(100 * epoch / config.epochs, f"{epoch:,}") for epoch in _epoch_ticks(config.epochs)],
        rate_ticks=[(100 * share / HEADROOM, f"{peak * share:.3g}") for share in (0, 0.5, 1)],
        words=f"Learning rate over {config.epochs:,} epochs: {rates[0]:.3g} at the first step, "
        f"at most {peak:.3g}, {rates[-1]:.3g} at the last.",
    )


def _epoch_ticks(epochs: int) -> list[int]:
    """From 0, at a distance of 1, 2 or 5 times a power of ten."""
    sizes = (digit * 10**power for power in range(5) for digit in (1, 2, 5))
    distance = next(size for size in sizes if epochs / size <= MAX_EPOCH_TICKS)
    return list(range(0, epochs + 1, distance))
