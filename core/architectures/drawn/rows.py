"""Where everything goes: stages side by side in rows of a given width, their words under them.

Several networks, stage over stage, are laid out in the same columns: a place that one of them leaves empty is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.architectures.drawn.solids import Scale, Solid, solid_of
from core.architectures.drawn.stages import Stage
from core.architectures.drawn.text import text_width, wrapped

MARGIN = 14.0  # at both ends of a row; links run off into it where a row breaks
GAP = 30.0
NAME_SIZE, WORDS_SIZE = 12.5, 11.0
LINE_HEIGHT = 1.3
SKIP_LANE = 36.0  # above a row that an arc passes
LABEL_GAP = 12.0
ROW_GAP = 22.0
HEADING = 26.0  # what a network's own heading takes, where several are drawn
LABEL_WIDTH = 116.0  # words break there, unless what is drawn above them is wider


@dataclass(frozen=True)
class Line:
    """`name` stands in bold before the text."""

    text: str
    size: float
    kind: str  # the end of its CSS class
    name: str = ""

    @property
    def width(self) -> float:
        return text_width(self.name, self.size, bold=True) + text_width(self.text, self.size)


@dataclass(frozen=True)
class Cell:
    """A stage with its words, placed once `x` (the column's centre) and `base` (where the body stands) are known."""

    stage: Stage
    solid: Solid
    lines: tuple[Line, ...]
    status: str = ""  # of a difference: "added", "removed", "changed"
    x: float = 0.0
    base: float = 0.0
    row: int = 0

    @property
    def width(self) -> float:
        return max(self.solid.width, *(line.width for line in self.lines))

    @property
    def words_height(self) -> float:
        return sum(line.size * LINE_HEIGHT for line in self.lines)

    @property
    def origin(self) -> tuple[float, float]:
        """The upper left corner of the body."""
        return self.x - self.solid.width / 2, self.base - self.solid.height


@dataclass(frozen=True)
class Arrangement:
    """`bands`: for each row, for each network, the y of its upper edge."""

    width: float
    height: float
    networks: tuple[tuple[Cell, ...], ...]
    bands: tuple[tuple[float, ...], ...]


def cell_of(stage: Stage, scale: Scale, *, status: str = "", notes: Sequence[str] = ()) -> Cell:
    solid = solid_of(stage, scale)
    room = max(LABEL_WIDTH, solid.width)
    name, colon, rest = stage.title.partition(":")
    lines = [Line(colon + rest, NAME_SIZE, "name", name), Line(stage.size, NAME_SIZE, "size")]
    before = f"{' · '.join(stage.before)}, then" if stage.before else ""
    told = [(before, "op"), (stage.operation, "op"), (stage.marks, "mark"), *((note, "note") for note in notes)]
    for words, kind in told:
        lines += [Line(text, WORDS_SIZE, kind) for text in wrapped(words, WORDS_SIZE, room)]
    return Cell(stage, solid, tuple(lines), status)


def arrange(networks: Sequence[Sequence[Cell | None]], limit: float) -> Arrangement:
    """In rows of at most `limit` pixels, unless one stage alone is wider; as few rows as that takes, evenly filled."""
    widths = [max(cell.width for cell in column if cell is not None) for column in zip(*networks, strict=True)]
    rows = _rows(widths, limit)
    num_bands = len(networks)
    placed: list[list[Cell]] = [[] for _ in networks]
    bands: list[tuple[float, ...]] = []
    y = 0.0
    for row, columns in enumerate(rows):
        tops = []
        for network, cells in enumerate(networks):
            here = [cells[column] for column in columns]
            tops.append(y)
            if not any(here) and not _has_skip(cells, columns):
                continue
            y += (HEADING if num_bands > 1 else 0.0) + (SKIP_LANE if _has_skip(cells, columns) else 6.0)
            base = y + max((cell.solid.height for cell in here if cell is not None), default=0.0)
            for cell, x in zip(here, _centres([widths[column] for column in columns]), strict=True):
                if cell is not None:
                    placed[network].append(replace(cell, x=x, base=base, row=row))
            words = max((cell.words_height for cell in here if cell is not None), default=0.0)
            y = base + LABEL_GAP + words + ROW_GAP
        bands.append(tuple(tops))
    width = max(_extent([widths[column] for column in columns]) for columns in rows)
    return Arrangement(width, y - ROW_GAP + 12.0, tuple(tuple(cells) for cells in placed), tuple(bands))


def _has_skip(cells: Sequence[Cell | None], columns: range) -> bool:
    """Whether an arc passes over any of these columns."""
    places = [place for place, cell in enumerate(cells) if cell is not None]  # of each stage of this network
    for place, cell in enumerate(cells):
        start = None if cell is None else cell.stage.skip_from
        if start is not None and places[start] < columns.stop and place >= columns.start:
            return True
    return False


def _rows(widths: Sequence[float], limit: float) -> list[range]:
    fewest = len(_filled(widths, limit))
    low, high = max(_extent([width]) for width in widths), limit
    while high - low > 1.0:
        middle = (low + high) / 2
        low, high = (low, middle) if len(_filled(widths, middle)) == fewest else (middle, high)
    return _filled(widths, max(low, high))


def _filled(widths: Sequence[float], limit: float) -> list[range]:
    rows, start = [], 0
    for place in range(1, len(widths) + 1):
        if place == len(widths) or _extent(widths[start : place + 1]) > limit:
            rows.append(range(start, place))
            start = place
    return rows


def _extent(widths: Sequence[float]) -> float:
    return sum(widths) + GAP * (len(widths) - 1) + 2 * MARGIN


def _centres(widths: Sequence[float]) -> list[float]:
    centres, x = [], MARGIN
    for width in widths:
        centres.append(x + width / 2)
        x += width + GAP
    return centres
