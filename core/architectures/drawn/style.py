"""The looks of a drawing that stands alone, in colours of its own; on a page static/drawing.css has them in tokens."""

from core.architectures.drawn.text import FONT

_SHARED = f"""
text{{font-family:{FONT}}}
.net-line,.net-field,.net-cell{{fill:none;stroke-width:.9}}
.net-face{{stroke:none;fill-opacity:.07}}
.net-padding{{fill:none;stroke-width:.9;stroke-dasharray:3 3}}
.net-letter,.net-skip,.net-plus{{fill:none;stroke-linecap:round;stroke-linejoin:round}}
.net-skip{{stroke-width:1.5}}
.net-plus{{stroke-width:1.4}}
.net-hit{{fill:transparent;stroke:none}}
.net-stage{{outline:none}}
.net-tip{{display:none;pointer-events:none}}
.net-stage:hover .net-hit,.net-stage:focus .net-hit{{stroke-width:1.5}}
.net-stage:hover .net-tip,.net-stage:focus .net-tip{{display:block}}
.net-tip-name,.net-heading{{font-weight:600}}
.net-back{{stroke-width:1.5}}
.net-removed{{stroke-dasharray:7 4}}
.net-changed{{stroke-dasharray:1.5 3;stroke-linecap:round}}
"""
_COLOURS = """
.net-ground{{fill:{ground}}}
.net-input{{fill:{ground};stroke:{quiet}}}
.net-convolution.net-a{{fill:{conv_a};stroke:{conv_line}}}
.net-convolution.net-b{{fill:{conv_b};stroke:{conv_line}}}
.net-pooling.net-a{{fill:{pool_a};stroke:{pool_line}}}
.net-pooling.net-b{{fill:{pool_b};stroke:{pool_line}}}
.net-full{{fill:{conv_b};stroke:{conv_line}}}
.net-cell,.net-padding{{stroke:{conv_line}}}
.net-line,.net-field,.net-letter{{stroke:{ink}}}
.net-face,.net-name,.net-size,.net-heading{{fill:{ink}}}
.net-op,.net-mark{{fill:{quiet}}}
.net-mark{{fill:{accent}}}
.net-note{{fill:{caution}}}
.net-skip,.net-plus{{stroke:{accent}}}
.net-sum{{fill:{ground};stroke:{accent}}}
.net-stage:hover .net-hit,.net-stage:focus .net-hit{{stroke:{accent}}}
.net-tip rect{{fill:{ground};stroke:{quiet}}}
.net-tip text{{fill:{ink}}}
.net-back{{fill:{soft};stroke:{caution}}}
"""
_LIGHT = {
    "ground": "#ffffff", "ink": "#1d1f23", "quiet": "#5b5e66", "accent": "#3f4fa3",
    "caution": "#7a5200", "soft": "#faf0d9",
    "conv_a": "#e4e7f6", "conv_b": "#b4bce3", "conv_line": "#5765b2",
    "pool_a": "#f1efeb", "pool_b": "#d3cfc5", "pool_line": "#8b877e",
}  # fmt: skip
_DARK = {
    "ground": "#1e2024", "ink": "#e7e5e0", "quiet": "#a2a6ad", "accent": "#a9b6f5",
    "caution": "#e0b252", "soft": "#372c14",
    "conv_a": "#2f3656", "conv_b": "#4a5588", "conv_line": "#8d9ae0",
    "pool_a": "#33373e", "pool_b": "#4a4f58", "pool_line": "#868c96",
}  # fmt: skip


def style() -> str:
    """Light, and dark where the viewer is."""
    dark = _COLOURS.format(**_DARK)
    rules = f"{_SHARED}{_COLOURS.format(**_LIGHT)}@media (prefers-color-scheme:dark){{{dark}}}"
    return f"<style>{rules.replace(chr(10), '')}</style>"
