"""How wide a line of a drawing is, and where it breaks: without a font, so never narrower than a browser draws it."""

from functools import lru_cache

# Advance widths of DejaVu Sans in thousandths of an em, rounded up to 50: it is the widest face that `FONT` may become.
_WIDTHS = {
    character: width
    for width, characters in {
        300: "'IJijl",
        350: " \u00a0,./:;\\|·",
        400: "!()-[]ft²",
        450: "r",
        500: '"*_`–',
        550: "?csz",
        600: "FLkvxy",
        650: "$0123456789EPSTYabdeghnopqu{}",
        700: "ABCKRVXZ",
        750: "NU",
        800: "&DGHOQ",
        850: "#+<=>^w~×−≠⊕→",
        900: "M",
        950: "%",
    }.items()
    for character in characters
}
_WIDEST = 1000  # of those listed; an em, which is what a CJK character takes
_BOLD = 1.16  # DejaVu Sans Bold against the regular, at the widest ("r": 493 to 411 is more, but never stands alone)
FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, Roboto, DejaVu Sans, sans-serif"  # the paper's is Helvetica


@lru_cache(4096)  # the same few words come again and again
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Pixels, at a font size in pixels; at least what a browser needs."""
    return sum(_WIDTHS.get(character, _WIDEST) for character in text) / 1000 * size * (_BOLD if bold else 1.0)


def wrapped(text: str, size: float, width: float) -> list[str]:
    """The words in lines of `width` pixels; a word that is wider stands alone on its line. U+00A0 breaks nothing."""
    lines: list[str] = []
    for word in filter(None, text.split(" ")):
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def fitted(text: str, size: float, width: float) -> str:
    """As much of it as goes into `width` pixels in bold."""
    if text_width(text, size, bold=True) <= width:
        return text
    while text and text_width(f"{text}…", size, bold=True) > width:
        text = text[:-1]
    return f"{text}…"
