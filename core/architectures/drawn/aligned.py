"""Two networks in the same columns, from their difference: stages that correspond stand over each other."""

from collections.abc import Iterator, Mapping, Sequence

from core.architectures.difference import Difference, LayerPair
from core.architectures.drawn.rows import Cell, cell_of
from core.architectures.drawn.solids import Scale
from core.architectures.drawn.stages import Stage, mark

Column = tuple[Stage | None, Stage | None]


def aligned(found: Difference, a: Sequence[Stage], b: Sequence[Stage], scale: Scale) -> list[list[Cell | None]]:
    """A list of cells for a and one for b, as long as each other; an empty place is None."""
    pairs_a = {pair.a.number: pair for pair in found.pairs if pair.a is not None}
    pairs_b = {pair.b.number: pair for pair in found.pairs if pair.b is not None}
    cells: list[list[Cell | None]] = [[], []]
    for left, right in _columns(found, a, b):
        if left is None or right is None:
            cells[0].append(cell_of(left, scale, status="removed", notes=("− removed",)) if left else None)
            cells[1].append(cell_of(right, scale, status="added", notes=("+ added",)) if right else None)
            continue
        words = [*_removed(left, right, pairs_a), *_changed(left, right, pairs_b)]
        status = "changed" if words else ""
        cells[0].append(cell_of(left, scale, status=status, notes=("≠ changed",) if words else ()))
        cells[1].append(cell_of(right, scale, status=status, notes=words))
    return cells


def _columns(found: Difference, a: Sequence[Stage], b: Sequence[Stage]) -> list[Column]:
    drawn_a = {stage.drawn.number: stage for stage in a if stage.drawn is not None}
    drawn_b = {stage.drawn.number: stage for stage in b if stage.drawn is not None}
    columns: list[Column] = [(a[0], b[0])]
    for pair in found.pairs:
        left = drawn_a.get(pair.a.number) if pair.a is not None else None
        right = drawn_b.get(pair.b.number) if pair.b is not None else None
        if left is not None or right is not None:
            columns.append((left, right))
    return columns


def _removed(left: Stage, right: Stage, pairs: Mapping[str, LayerPair]) -> Iterator[str]:
    for layer in left.layers:
        if pairs[layer.number].change == "removed":
            yield f"− {mark(layer.spec)}"
    if left.skip_from is not None and right.skip_from is None:
        yield "− skip"


def _changed(left: Stage, right: Stage, pairs: Mapping[str, LayerPair]) -> Iterator[str]:
    if right.kind == "input" and left.shape != right.shape:
        yield "≠ other images"
    for layer in right.layers:
        pair = pairs[layer.number]
        yield from (f"≠ {field.words}" for field in pair.fields)
        if pair.change == "added":
            yield f"+ {mark(layer.spec)}"
    if right.skip_from is not None and left.skip_from is None:
        yield "+ skip"
