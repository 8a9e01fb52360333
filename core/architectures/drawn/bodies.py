"""A stage on the page: its planes or its bar, the words under it, and the panel that hover and keyboard show."""

from collections.abc import Iterator
from math import inf

from core.architectures.drawn.rows import LABEL_GAP, LINE_HEIGHT, MARGIN, Arrangement, Cell
from core.architectures.drawn.solids import BAR_WIDTH, MOST_PLANES, Scale
from core.architectures.drawn.stages import Stage
from core.architectures.drawn.svg import number, points, polygon, rectangle, said, text
from core.architectures.drawn.text import fitted, wrapped
from core.architectures.labels import counted, layer_label
from core.architectures.layers import Conv2d

MOST_CELLS = 12  # a bar of at most so many values shows each
SMALLEST_PADDING = 5.0  # pixels; narrower frames would be clutter around every 3×3 convolution
HEADING_SIZE = 13.0
TIP_WIDTH, TIP_SIZE, TIP_PAD = 240.0, 11.5, 9.0
# The handwritten letter of the paper's figure, on a plane of 1 by 1.
LETTER = ((0.17, 0.75), (0.36, 0.33), (0.47, 0.2), (0.58, 0.33), (0.8, 0.78)), ((0.25, 0.42), (0.61, 0.52))


def body(cell: Cell, following: Stage | None, scale: Scale) -> Iterator[str]:
    """`following` says how much padding is laid around the front plane."""
    x, y = cell.origin
    if cell.status:
        yield _frame(cell, f"back net-{cell.status}")
    if cell.solid.is_bar:
        yield from _bar(cell)
        return
    width, height = cell.solid.sides
    last = len(cell.solid.planes) - 1
    for place, (dx, dy) in enumerate(cell.solid.planes):
        shade = "ab"[(last - place) % 2]  # the front plane is always the lighter
        yield rectangle(x + dx, y + dy, width, height, f"{cell.stage.kind} net-{shade}")
    yield from _padding(cell, following, scale)
    if cell.stage.kind == "input":
        yield from _letter(cell)


def words(cell: Cell) -> Iterator[str]:
    y = cell.base + LABEL_GAP
    for line in cell.lines:
        yield text(cell.x, y + line.size, line.text, line.kind, name=line.name, size=line.size)
        y += line.size * LINE_HEIGHT


def heading(arranged: Arrangement, network: int, title: str) -> Iterator[str]:
    """Its title over every row that the network has a part of."""
    for row in sorted({cell.row for cell in arranged.networks[network]}):
        y = arranged.bands[row][network] + HEADING_SIZE + 4.0
        yield text(
            MARGIN,
            y,
            fitted(title, HEADING_SIZE, arranged.width - 2 * MARGIN),
            "heading",
            size=HEADING_SIZE,
            anchor="start",
        )


def hit(cell: Cell, room: float, floor: float = inf) -> str:
    """The stage as what can be pointed at and focused: its frame, its words for a screen reader, its panel.

    The panel keeps within `room` pixels from the left, and above `floor` where there is nothing to see below it.
    """
    tip = _tip(cell, room, floor)
    return (
        f'<g class="net-stage" role="img" tabindex="0" aria-label="{said(told(cell))}">{_frame(cell, "hit")}{tip}</g>'
    )


def _frame(cell: Cell, kind: str) -> str:
    left, top = cell.x - cell.width / 2 - 6.0, cell.base - cell.solid.height - 8.0
    height = cell.solid.height + LABEL_GAP + cell.words_height + 16.0
    at, size = f'x="{number(left)}" y="{number(top)}"', f'width="{number(cell.width + 12.0)}" height="{number(height)}"'
    return f'<rect class="net-{kind}" {at} {size} rx="6"/>'


def told(cell: Cell) -> str:
    """The stage in a sentence or three."""
    stage = cell.stage
    made = ", ".join(filter(None, (*stage.before, stage.operation, *stage.after)))
    notes = ", ".join(line.text for line in cell.lines if line.kind == "note")
    costs = "" if stage.kind == "input" and not stage.num_parameters else f" {_costs(stage)}."
    return f"{stage.title} {stage.size}.{f' {made}.' if made else ''}{costs}{f' {notes}.' if notes else ''}"


def _costs(stage: Stage) -> str:
    return f"{counted(stage.num_parameters, 'parameter')}, {_work(stage)}"


def _work(stage: Stage) -> str:
    return f"{counted(stage.num_multiply_adds, 'multiply-add')} per image"


def _tip(cell: Cell, room: float, floor: float) -> str:
    stage, width = cell.stage, min(TIP_WIDTH, room - 8.0)
    rows = [(words, "tip-name") for words in wrapped(f"{stage.title} {stage.size}", TIP_SIZE, width - 2 * TIP_PAD)]
    for layer in stage.layers:
        label = f"{layer.number} {layer_label(layer.spec)}"
        rows += [(words, "tip-layer") for words in wrapped(label, TIP_SIZE, width - 2 * TIP_PAD)]
    if stage.kind != "input" or stage.num_parameters:
        rows += [(counted(stage.num_parameters, "parameter"), "tip-count"), (_work(stage), "tip-count")]
    if len(stage.shape) == 3 and stage.shape[0] > MOST_PLANES:
        rows.append((f"{MOST_PLANES} of its {stage.shape[0]:,} maps are drawn", "tip-layer"))
    height = len(rows) * TIP_SIZE * 1.4 + 2 * TIP_PAD
    left = min(max(4.0, cell.x - width / 2), room - width - 4.0)
    above = cell.base - cell.solid.height - height - 12.0
    below = cell.base + LABEL_GAP + cell.words_height + 12.0
    top = above if above >= 0.0 else below if below + height <= floor else 2.0
    frame = f'<rect x="{number(left)}" y="{number(top)}" width="{number(width)}" height="{number(height)}" rx="5"/>'
    lines = "".join(
        text(left + TIP_PAD, top + TIP_PAD + TIP_SIZE * (1.4 * place + 1), words, kind, size=TIP_SIZE, anchor="start")
        for place, (words, kind) in enumerate(rows)
    )
    return f'<g class="net-tip" aria-hidden="true">{frame}{lines}</g>'


def _padding(cell: Cell, following: Stage | None, scale: Scale) -> Iterator[str]:
    """A dashed frame where zeros are laid around the map, as the next convolution sees it."""
    spec = following.drawn.spec if following is not None and following.drawn is not None else None
    if not isinstance(spec, Conv2d) or spec.padding * scale.per_pixel < SMALLEST_PADDING:
        return
    (x, y), (dx, dy), (width, height) = cell.origin, cell.solid.front, cell.solid.sides
    by = min(spec.padding * scale.per_pixel, 12.0)  # no further than words and neighbours allow
    yield rectangle(x + dx - by, y + dy - by, width + 2 * by, height + 2 * by, "padding")


def _letter(cell: Cell) -> Iterator[str]:
    (x, y), (dx, dy), (width, height) = cell.origin, cell.solid.front, cell.solid.sides
    side = min(width, height)
    left, top = x + dx + (width - side) / 2, y + dy + (height - side) / 2
    for stroke in LETTER:
        at = [(left + side * across, top + side * down) for across, down in stroke]
        yield f'<path class="net-letter" stroke-width="{number(side * 0.045)}" d="M{points(at)}"/>'


def _bar(cell: Cell) -> Iterator[str]:
    (x, y), (dx, dy) = cell.origin, cell.solid.sides
    corners = ((x, y), (x + BAR_WIDTH, y), (x + BAR_WIDTH + dx, y + dy), (x + dx, y + dy))
    yield polygon(corners, "full")
    count = cell.stage.shape[0]
    if 1 < count <= MOST_CELLS:
        for place in range(1, count):
            step = (x + dx * place / count, y + dy * place / count)
            yield f'<path class="net-cell" d="M{points((step,))}h{number(BAR_WIDTH)}"/>'
