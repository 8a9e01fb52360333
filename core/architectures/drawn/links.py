"""The lines between stages: pyramids from a receptive field to the value it makes, edges of full connections, skips.

What a field and its value are is worked out from window, stride and padding: the square drawn is the one seen.
"""

from collections.abc import Iterator
from itertools import pairwise

from core.architectures.drawn.rows import Arrangement, Cell
from core.architectures.drawn.solids import Point, Scale
from core.architectures.drawn.svg import line, polygon, rectangle
from core.architectures.layers import AvgPool2d, Conv2d, MaxPool2d

# Where on a map the value of a pyramid lies, as shares of its sides, in turn: in and out do not meet on one map.
PLACES = ((0.72, 0.74), (0.3, 0.3))
BEYOND = 34.0  # where the pyramid of a broken row would end
SKIP_HEIGHT = 22.0  # of an arc above what it starts and ends at, at least
SIGN_RADIUS = 6.5


def links(arranged: Arrangement, network: int, scale: Scale) -> Iterator[str]:
    cells = arranged.networks[network]
    for place, (cell, following) in enumerate(pairwise(cells)):
        if following.stage.kind in ("convolution", "pooling"):
            yield from _pyramid(cell, following, scale, PLACES[place % 2], arranged.width)
        else:
            yield from _edges(cell, following, arranged.width)


def skips(arranged: Arrangement, network: int) -> Iterator[str]:
    cells = arranged.networks[network]
    for cell in cells:
        if cell.stage.skip_from is not None:
            yield from _skip(cells[cell.stage.skip_from], cell, arranged, network)


def _pyramid(cell: Cell, following: Cell, scale: Scale, place: Point, end: float) -> Iterator[str]:
    left, upper, right, lower = _field(cell, following, scale, place)
    target = _value(following, place, scale)
    yield rectangle(left, upper, right - left, lower - upper, "field")
    corners = ((left, upper), (right, upper), (right, lower), (left, lower))
    if cell.row == following.row:
        yield polygon((corners[1], target, corners[2]), "face")
        yield from (line(corner, target) for corner in corners)
    else:
        goal = (end + BEYOND, (upper + lower) / 2)
        yield from (line(corner, _at(corner, goal, end)) for corner in corners)
        source = (-BEYOND, target[1])
        spread = (lower - upper) / 2
        yield from (line(_at((source[0], source[1] + dy), target, 0.0), target) for dy in (-spread, spread))


def _field(cell: Cell, following: Cell, scale: Scale, place: Point) -> tuple[float, float, float, float]:
    """Left, upper, right, lower, cut off at the map's edges: what is beyond them is padding."""
    assert following.stage.drawn is not None
    spec = following.stage.drawn.spec
    assert isinstance(spec, Conv2d | MaxPool2d | AvgPool2d)
    padding = spec.padding if isinstance(spec, Conv2d) else 0
    origin, front = cell.origin, cell.solid.front
    edges = []
    for axis, (made, seen) in enumerate(zip(following.stage.shape[:0:-1], cell.stage.shape[:0:-1], strict=True)):
        first = round(place[axis] * (made - 1)) * spec.stride - padding
        per_pixel = cell.solid.sides[axis] / seen
        start, stop = max(0, first), min(seen, first + spec.kernel_size)
        offset = origin[axis] + front[axis]
        edges.append((offset + start * per_pixel, offset + max(start + 1, stop) * per_pixel))
    return edges[0][0], edges[1][0], edges[0][1], edges[1][1]


def _value(cell: Cell, place: Point, scale: Scale) -> Point:
    """The middle of the one value that is made."""
    point = []
    for axis, made in enumerate(cell.stage.shape[:0:-1]):
        middle = (round(place[axis] * (made - 1)) + 0.5) / made
        point.append(cell.origin[axis] + cell.solid.front[axis] + middle * cell.solid.sides[axis])
    return point[0], point[1]


def _edges(cell: Cell, following: Cell, end: float) -> Iterator[str]:
    for leaving, arriving in zip(cell.solid.exit, following.solid.entry, strict=True):
        start, goal = _moved(cell, leaving), _moved(following, arriving)
        if cell.row == following.row:
            yield line(start, goal)
        else:
            yield line(start, (end, start[1]))
            yield line((0.0, goal[1]), goal)


def _skip(start: Cell, cell: Cell, arranged: Arrangement, network: int) -> Iterator[str]:
    lane = [tops[network] + 12.0 for tops in arranged.bands]
    if len(arranged.networks) > 1:
        lane = [y + 26.0 for y in lane]
    out_x, in_x = _crown(start) + 8.0, _crown(cell) - 8.0
    leaving, arriving = start.base - start.solid.height - 3.0, cell.base - cell.solid.height - SIGN_RADIUS - 3.0
    if start.row == cell.row:
        y = lane[cell.row]
        path = f"M{_p(out_x, leaving)}C{_p(out_x, y)} {_p(out_x, y)} {_p((out_x + in_x) / 2, y)}"
        yield f'<path class="net-skip" d="{path}S{_p(in_x, y)} {_p(in_x, arriving - SIGN_RADIUS)}"/>'
    else:
        y = lane[start.row]
        yield _open_path(
            f"M{_p(out_x, leaving)}Q{_p(out_x, y)} {_p(min(out_x + 30, arranged.width), y)}H{arranged.width:g}"
        )
        for row in range(start.row + 1, cell.row):
            yield _open_path(f"M0 {lane[row]:.1f}H{arranged.width:g}")
        y = lane[cell.row]
        yield _open_path(f"M0 {y:.1f}H{max(0.0, in_x - 30):.1f}Q{_p(in_x, y)} {_p(in_x, arriving - SIGN_RADIUS)}")
    yield f'<circle class="net-sum" cx="{in_x:.1f}" cy="{arriving:.1f}" r="{SIGN_RADIUS}"/>'
    yield f'<path class="net-plus" d="M{_p(in_x - 3.5, arriving)}h7m-3.5 -3.5v7"/>'


def _crown(cell: Cell) -> float:
    """The x of the middle of a body's upper edge."""
    sides = (2 * 7.5, 0.0) if cell.solid.is_bar else cell.solid.sides
    return cell.origin[0] + sides[0] / 2


def _open_path(path: str) -> str:
    return f'<path class="net-skip" d="{path}"/>'


def _p(x: float, y: float) -> str:
    return f"{x:.1f} {y:.1f}"


def _at(start: Point, goal: Point, x: float) -> Point:
    """The point of the line at x."""
    share = (x - start[0]) / (goal[0] - start[0])
    return x, start[1] + share * (goal[1] - start[1])


def _moved(cell: Cell, point: Point) -> Point:
    return cell.origin[0] + point[0], cell.origin[1] + point[1]
