"""Hundreds of lines in one panel: those that look alike become one trace, whose parts the page still knows apart.

Plotly takes some milliseconds for each trace, whatever is in it, and a browser as long for its elements."""

import json
from collections.abc import Sequence

from app.compare_traces import Trace

MANY = 60  # lines of a panel; with more nobody tells them apart by their looks. Guess, untuned
OF_A_PART = ("name", "uid", "meta", "x", "y", "customdata", "hovertemplate", "marker")  # no marker is drawn then
THIN, FAINT = 1.0, 0.06  # lines and bands, where hundreds lie over each other


def overview(traces: Sequence[Trace], told: str) -> list[Trace]:
    """The same lines and bands in as few traces as there are looks, in the order of their first. `meta.parts` of each
    has for every part its group, its name, its run where it is of one, and how many points it takes, a gap at its end
    among them. `told` is the hover's template; %{text} in it, which static/compare.js fills in, is the part's name."""
    alike: dict[str, list[Trace]] = {}
    for trace in traces:
        is_part = "group" in trace["meta"]
        look = {name: value for name, value in trace.items() if name not in OF_A_PART}
        alike.setdefault(json.dumps(look, sort_keys=True) if is_part else trace["uid"], []).append(trace)
    return [
        _joined(parts, f"many-{number}", told) if "group" in parts[0]["meta"] else parts[0]
        for number, parts in enumerate(alike.values())
    ]


def _joined(parts: Sequence[Trace], uid: str, told: str) -> Trace:
    x: list[float | None] = []
    y: list[float | None] = []
    lengths = []
    for part in parts:
        start = len(x)
        x += [*part["x"], None]
        y += [*part["y"], None]
        lengths.append(len(x) - start)
    look = {name: value for name, value in parts[0].items() if name not in OF_A_PART}
    meta = {
        "parts": [
            [part["meta"]["group"], part["name"], part["meta"].get("run"), length]
            for part, length in zip(parts, lengths, strict=True)
        ]
    }
    look["line"] = {**look["line"], "width": min(look["line"]["width"], THIN)}
    look |= {"opacity": FAINT} if "fill" in look else {}
    hover = {} if look.get("hoverinfo") == "skip" else {"hovertemplate": told}
    return {**look, **hover, "name": "", "uid": uid, "meta": meta, "x": x, "y": y}
