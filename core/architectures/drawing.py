"""A network as SVG, in the manner of figure 2 of LeCun et al. (1998), from its layer specs alone.

Feature maps are stacks of offset planes to one scale, flat layers are bars, lines lead from each receptive field to the
value made of it. What has no maps of its own (activation, batch norm, dropout) is said in words under what it acts on.
Compressed: of more than twelve maps twelve are drawn and the depth grows with the logarithm; a bar's length goes with
the square root of its values; a map below seven pixels is drawn with seven.
"""

from core.architectures.drawn.bodies import body, hit, told, words
from core.architectures.drawn.links import links, skips
from core.architectures.drawn.rows import Arrangement, arrange, cell_of
from core.architectures.drawn.solids import Scale, scale_of
from core.architectures.drawn.stages import stages_of
from core.architectures.drawn.style import style
from core.architectures.drawn.svg import number, said
from core.architectures.layers import Layers
from core.architectures.outcomes import Shape
from core.architectures.shapes import trace

# Pixels of a row at most, and how large bodies are drawn in it; words have one size. A page shows the one that fits.
WIDTHS = {"narrow": 296.0, "medium": 600.0, "wide": 1180.0}  # a phone's panel, half a page, a page
ZOOMS = {"narrow": 0.72, "medium": 0.9, "wide": 1.0}


def drawing_of(layers: Layers, image_shape: Shape, *, title: str, width: str = "wide", alone: bool = False) -> str:
    """An `<svg>` for images of `image_shape`; `title` is a person's text, escaped here. No layers: the input alone.

    `alone` adds what a file needs: namespace, ground and colours. Without it static/drawing.css gives the looks.
    Raises ArchitectureError.
    """
    traced = trace(layers, image_shape) if layers else ()
    stages = stages_of(traced, image_shape)
    scale = scale_of(stages, ZOOMS[width])
    arranged = arrange([[cell_of(stage, scale) for stage in stages]], WIDTHS[width])
    num_parameters = sum(layer.num_parameters for layer in traced)
    num_multiply_adds = sum(layer.num_multiply_adds for layer in traced)
    counts = f"{num_parameters:,} parameters, {num_multiply_adds:,} multiply-adds per image"
    return svg_of(arranged, scale, f"{title}, drawn: {len(stages)} stages, {counts}", width=width, alone=alone)


def drawings_of(layers: Layers, image_shape: Shape, *, title: str) -> str:
    """The drawing for every width of a page; its style shows one."""
    drawn = "".join(drawing_of(layers, image_shape, title=title, width=width) for width in WIDTHS)
    return f'<div class="drawing">{drawn}</div>'


def svg_of(arranged: Arrangement, scale: Scale, label: str, *, width: str, alone: bool) -> str:
    """Bodies first, then what lies over them, then what can be pointed at."""
    parts: list[str] = []
    for network, cells in enumerate(arranged.networks):
        following = [cell.stage for cell in cells[1:]]
        for cell, after in zip(cells, [*following, None], strict=True):
            parts += body(cell, after, scale)
        parts += links(arranged, network, scale)
        parts += skips(arranged, network)
        for cell in cells:
            parts += words(cell)
    parts += [hit(cell, arranged.width) for cells in arranged.networks for cell in cells]
    sides = f"{number(arranged.width)} {number(arranged.height)}"
    sized = f'viewBox="0 0 {sides}" role="group" aria-label="{said(label)}"'
    if alone:
        told_all = " ".join(told(cell) for cells in arranged.networks for cell in cells)
        size = f'width="{number(arranged.width)}" height="{number(arranged.height)}"'
        head = f"<title>{said(label)}</title><desc>{said(told_all)}</desc>{style()}"
        ground = f'<rect class="net-ground" width="{number(arranged.width)}" height="{number(arranged.height)}"/>'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {sized}>{head}{ground}{"".join(parts)}</svg>'
    style_of_width = f'style="max-width:{number(arranged.width * 1.2)}px"'
    return f'<svg class="net net-{width}" {style_of_width} {sized}>{"".join(parts)}</svg>'
