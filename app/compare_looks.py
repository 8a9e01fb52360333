"""How the groups of a comparison are told apart: hue and dash are the architecture's, as on every page; groups that
share an architecture take darker shades of it and other markers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from app.palette import DASHES, look_of
from core.comparison import Group

# Plotly's name of a marker, and its outline around (0, 0) for the legend
SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        "circle": "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z",
        "square": "M-3.2-3.2h6.4v6.4h-6.4z",
        "triangle-up": "M0-4.2 4 3h-8z",
        "diamond": "M0-4.6 4.6 0 0 4.6-4.6 0z",
        "cross": "M-1.4-4.2h2.8v2.8h2.8v2.8h-2.8v2.8h-2.8v-2.8h-2.8v-2.8h2.8z",
        "triangle-down": "M0 4.2 4-3h-8z",
        "star": "M0-5 1.3-1.6 4.8-1.5 2 .7 3 4 0 2-3 4-2 .7-4.8-1.5-1.3-1.6z",
    }
)
SHADES = ("", "-b", "-c")  # endings of the tokens: the architecture's colour, and darker (in dark: lighter) ones


@dataclass(frozen=True)
class GroupLook:
    """`colour` is a CSS colour; `dash` and `symbol` are Plotly's names, `dasharray` and `outline` SVG's."""

    colour: str
    dash: str
    dasharray: str
    symbol: str
    outline: str


def looks_of(groups: Sequence[Group]) -> dict[str, GroupLook]:
    """By config hash. Where all are of one architecture, whose colour then says nothing, the dashes vary too."""
    is_one_architecture = len({group.run.architecture for group in groups}) == 1
    before: Counter[str] = Counter()
    looks = {}
    for group in groups:
        architecture = group.run.architecture
        looks[group.config_hash] = _variant(architecture, before[architecture], varies_dash=is_one_architecture)
        before[architecture] += 1
    return looks


def _variant(architecture: str, number: int, *, varies_dash: bool) -> GroupLook:
    look = look_of(architecture)
    dashes = list(DASHES)
    dash = dashes[(dashes.index(look.dash) + number) % len(dashes)] if varies_dash else look.dash
    symbol = list(SYMBOLS)[number % len(SYMBOLS)]
    colour = f"var(--arch-{look.number}{SHADES[number % len(SHADES)]})"
    return GroupLook(colour, dash, DASHES[dash], symbol, SYMBOLS[symbol])
