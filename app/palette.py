"""How each architecture is drawn, the same on every page: one colour of Okabe and Ito's set and one dash pattern.

The colours are tokens (`--arch-1` to `--arch-8` in static/tokens.css), since light and dark need different ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from zlib import crc32

from core.architectures.names import split_version


@dataclass(frozen=True)
class Look:
    """`number` names the colour token; `dash` is Plotly's name of the pattern, `dasharray` SVG's."""

    number: int
    dash: str
    dasharray: str

    @property
    def colour(self) -> str:
        """A CSS colour."""
        return f"var(--arch-{self.number})"


DASHES = {
    "solid": "none",
    "dash": "7 4",
    "dot": "1.5 3.5",
    "dashdot": "7 3 1.5 3",
    "longdash": "12 4",
    "longdashdot": "12 3 1.5 3",
}


def _look(number: int, dash: str) -> Look:
    return Look(number, dash, DASHES[dash])


LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "lenet5": _look(1, "solid"),
        "lenet5-1998": _look(2, "dash"),
        "custom-mlp": _look(3, "dot"),
        "report-mlp": _look(4, "dashdot"),
        "lenet5-moon": _look(5, "longdash"),
        "lenet5-moon2": _look(6, "longdashdot"),
    }
)
# Of networks that users composed: the two colours that are left, in turn, with every dash.
_OF_OTHERS = tuple(_look(number, dash) for dash in DASHES for number in (7, 8))


def look_of(architecture: str) -> Look:
    """The look of an architecture. One that is not in the catalogue keeps the same one of twelve, by its name alone;
    the next version of it, as "mine@3", has the next."""
    if architecture in LOOKS:
        return LOOKS[architecture]
    name, version = split_version(architecture)
    return _OF_OTHERS[(crc32(name.encode()) + (version or 1)) % len(_OF_OTHERS)]
