"""What a page shows of a network: its drawing, its layers as rows, its counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from core.architectures.difference import Difference
from core.architectures.drawing import difference_drawings, drawings_of
from core.architectures.facts import LayerFacts, layer_facts
from core.architectures.layers import Layers
from core.architectures.outcomes import Shape
from core.known_networks import Network

MOST_KEPT = 128  # drawings: some 50 kB each


@dataclass(frozen=True)
class NetworkCard:
    network: Network
    rows: Sequence[LayerFacts]  # those inside a Residual after it
    num_parameters: int
    num_multiply_adds: int
    drawing: Markup


def card_of(network: Network) -> NetworkCard:
    """Raises ArchitectureError."""
    rows = layer_facts(network.layers, network.image_shape)
    return NetworkCard(
        network,
        tuple(flat(rows)),
        sum(row.num_parameters for row in rows),
        sum(row.num_multiply_adds for row in rows),
        drawn(network.layers, network.image_shape, network.title),
    )


@lru_cache(MOST_KEPT)
def drawn(layers: Layers, image_shape: Shape, title: str) -> Markup:
    """As templates/partials/networks/macros.html takes it; the title is escaped by the drawing."""
    return Markup(drawings_of(layers, image_shape, title=title))


def both_drawn(found: Difference, titles: tuple[str, str]) -> Markup:
    return Markup(difference_drawings(found, titles))


def flat(rows: Sequence[LayerFacts]) -> Iterator[LayerFacts]:
    for row in rows:
        yield row
        yield from flat(row.inner)
