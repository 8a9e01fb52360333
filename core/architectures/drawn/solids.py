"""The body of a stage: feature maps as offset planes, flat values as a slanted bar; where links meet it.

Pixels, y downwards, the origin at the upper left corner of what is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2, sqrt

from core.architectures.drawn.stages import Stage

Point = tuple[float, float]

MOST_PLANES = 12  # drawn of a stack; more are lines too close to tell apart
LARGEST_SIDE = 112.0  # of the largest map; four pixels to one of MNIST's. This and what follows at zoom 1
SMALLEST_SIDE = 7.0  # a map of 1×1 stays in sight
LONGEST_BAR = 190.0
BAR_PER_ROOT = 12.5  # so that 120 values are 137 pixels long
SMALLEST_BAR = 14.0
BAR_WIDTH = 15.0
PLANE_STEP = 8.0  # along the depth, from plane to plane
DEEPER = 12.0  # pixels of depth for each doubling beyond the planes that are drawn
ALONG = (0.74, 0.67)  # of the depth's unit vector: the paper's is about (0.7, 0.7)


@dataclass(frozen=True)
class Scale:
    """One for all that is drawn together."""

    per_pixel: float  # of a map
    per_root: float  # of a flat layer's number of values: lengths go with the square root
    zoom: float = 1.0


@dataclass(frozen=True)
class Solid:
    """`front` is the front plane's upper left corner; `top` and `bottom` are where lines to and from bars meet it."""

    width: float
    height: float
    planes: tuple[Point, ...]  # upper left corners, the rearmost first; none for a bar
    sides: tuple[float, float]  # of a plane; a bar's extent along x and y
    is_bar: bool

    @property
    def front(self) -> Point:
        return self.planes[-1]

    @property
    def entry(self) -> tuple[Point, Point]:
        """Upper and lower end of the side that a link from a flat layer, or to one, arrives at."""
        if self.is_bar:
            return (0.0, 0.0), (self.sides[0], self.sides[1])
        return self.planes[0], (self.front[0], self.front[1] + self.sides[1])

    @property
    def exit(self) -> tuple[Point, Point]:
        if self.is_bar:
            return (BAR_WIDTH, 0.0), (BAR_WIDTH + self.sides[0], self.sides[1])
        back, front = self.planes[0], self.front
        return (back[0] + self.sides[0], back[1]), (front[0] + self.sides[0], front[1] + self.sides[1])


def scale_of(stages: Sequence[Stage], zoom: float = 1.0) -> Scale:
    sides = [side for stage in stages if len(stage.shape) == 3 for side in stage.shape[1:]]
    roots = [sqrt(stage.shape[0]) for stage in stages if len(stage.shape) == 1]
    per_root = min(BAR_PER_ROOT, LONGEST_BAR / max(roots)) if roots else BAR_PER_ROOT
    return Scale(zoom * LARGEST_SIDE / max(sides) if sides else zoom, zoom * per_root, zoom)


def solid_of(stage: Stage, scale: Scale) -> Solid:
    if len(stage.shape) == 1:
        length = max(SMALLEST_BAR, scale.per_root * sqrt(stage.shape[0]))
        sides = (length * ALONG[0], length * ALONG[1])
        return Solid(sides[0] + BAR_WIDTH, sides[1], (), sides, is_bar=True)
    channels, height, width = stage.shape
    sides = (max(SMALLEST_SIDE, width * scale.per_pixel), max(SMALLEST_SIDE, height * scale.per_pixel))
    num_planes, depth = min(channels, MOST_PLANES), depth_of(channels) * scale.zoom
    steps = [depth * place / max(1, num_planes - 1) for place in range(num_planes)]
    planes = tuple((step * ALONG[0], step * ALONG[1]) for step in steps)
    return Solid(planes[-1][0] + sides[0], planes[-1][1] + sides[1], planes, sides, is_bar=False)


def depth_of(channels: int) -> float:
    """Linear as long as every map has its plane, then with the logarithm: 256 maps are 1.6 times as deep as 12."""
    shown = PLANE_STEP * (min(channels, MOST_PLANES) - 1)
    return shown + (DEEPER * log2(channels / MOST_PLANES) if channels > MOST_PLANES else 0.0)
