"""A network as SVG, in the manner of figure 2 of LeCun et al. (1998), from its layer specs alone.

Feature maps are stacks of offset planes to one scale, flat layers are bars, lines lead from each receptive field to the
value made of it. What has no maps of its own (activation, batch norm, dropout) is said in words under what it acts on.
Compressed: of more than twelve maps twelve are drawn and the depth grows with the logarithm; a bar's length goes with
the square root of its values; a map below seven pixels is drawn with seven.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Literal

from core.architectures.difference import Difference
from core.architectures.drawn.aligned import aligned
from core.architectures.drawn.bodies import body, heading, hit, told, words
from core.architectures.drawn.links import links, skips
from core.architectures.drawn.rows import Arrangement, arrange, cell_of
from core.architectures.drawn.solids import Scale, scale_of
from core.architectures.drawn.stages import stages_of
from core.architectures.drawn.style import style
from core.architectures.drawn.svg import number, said
from core.architectures.layers import Layers
from core.architectures.outcomes import Shape
from core.architectures.shapes import TracedLayer, trace

Width = Literal["narrow", "medium", "wide"]
# Pixels of a row at most, and how large bodies are drawn in it; words have one size. A page shows the one that fits.
WIDTHS: Mapping[Width, float] = {
    "narrow": 296.0,
    "medium": 600.0,
    "wide": 1180.0,
}  # a phone's panel, half a page, a page
ZOOMS: Mapping[Width, float] = {"narrow": 0.72, "medium": 0.9, "wide": 1.0}
LARGEST = 1.2  # that a page enlarges it, at most


def drawing_of(layers: Layers, image_shape: Shape, *, title: str, width: Width = "wide", alone: bool = False) -> str:
    """An `<svg>` for images of `image_shape`; `title` is a person's text, escaped here. No layers: the input alone.

    `alone` adds what a file needs: namespace, ground and colours. Without it static/drawing.css gives the looks.
    Raises ArchitectureError.
    """
    traced = trace(layers, image_shape) if layers else ()
    stages = stages_of(traced, image_shape)
    scale = scale_of(stages, ZOOMS[width])
    arranged = arrange([[cell_of(stage, scale) for stage in stages]], WIDTHS[width])
    return _svg(arranged, scale, (f"{title}, drawn: {_counts(traced)}",), width=width, alone=alone)


def drawings_of(layers: Layers, image_shape: Shape, *, title: str) -> str:
    """The drawing for every width of a page; its style shows one."""
    return _of_every_width(lambda width: drawing_of(layers, image_shape, title=title, width=width))


def difference_drawing(found: Difference, titles: tuple[str, str], *, width: Width, alone: bool = False) -> str:
    """Both networks in the same columns, to one scale; what was added, removed or changed is marked, in words too."""
    a, b = (stages_of(traced, traced[0].input_shape) for traced in (found.a, found.b))
    scale = scale_of([*a, *b], ZOOMS[width])
    arranged = arrange(aligned(found, a, b, scale), WIDTHS[width])
    labels = f"{titles[0]}, drawn: {_counts(found.a)}", f"{titles[1]}, drawn below it: {_counts(found.b)}"
    return _svg(arranged, scale, labels, headings=titles, width=width, alone=alone)


def difference_drawings(found: Difference, titles: tuple[str, str]) -> str:
    return _of_every_width(lambda width: difference_drawing(found, titles, width=width))


def _of_every_width(draw: Callable[[Width], str]) -> str:
    return f'<div class="drawing">{"".join(draw(width) for width in WIDTHS)}</div>'


def _counts(traced: Sequence[TracedLayer]) -> str:
    num_parameters = sum(layer.num_parameters for layer in traced)
    num_multiply_adds = sum(layer.num_multiply_adds for layer in traced)
    return f"{num_parameters:,} parameters, {num_multiply_adds:,} multiply-adds per image"


def _svg(
    arranged: Arrangement,
    scale: Scale,
    labels: Sequence[str],
    *,
    headings: Sequence[str] = (),
    width: Width,
    alone: bool,
) -> str:
    """Bodies first, then what lies over them, then what can be pointed at."""
    parts: list[str] = []
    for network, cells in enumerate(arranged.networks):
        parts.append(f'<g class="net-network net-network-{network + 1}">')
        for place, cell in enumerate(cells):
            parts += body(cell, cells[place + 1].stage if place + 1 < len(cells) else None, scale)
        parts += links(arranged, network, scale)
        parts += skips(arranged, network)
        for cell in cells:
            parts += words(cell)
        parts.append("</g>")
    floor = arranged.height if alone else inf
    for network, title in enumerate(headings):
        parts += heading(arranged, network, title)
    parts += [hit(cell, arranged.width, floor) for cells in arranged.networks for cell in cells]
    sides = f"{number(arranged.width)} {number(arranged.height)}"
    label = said("; ".join(labels))
    sized = f'viewBox="0 0 {sides}" role="group" aria-label="{label}"'
    if not alone:
        limit = f'style="max-width:{number(arranged.width * LARGEST)}px"'
        return f'<svg class="net net-{width}" {limit} {sized}>{"".join(parts)}</svg>'
    told_all = said(" ".join(told(cell) for cells in arranged.networks for cell in cells))
    size = f'width="{number(arranged.width)}" height="{number(arranged.height)}"'
    head = f"<title>{label}</title><desc>{told_all}</desc>{style()}<rect class='net-ground' {size}/>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {sized}>{head}{"".join(parts)}</svg>'
