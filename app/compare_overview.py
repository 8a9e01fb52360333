"""Hundreds of lines in one panel: those that look alike become one trace, whose parts the page still knows apart.

Plotly takes some milliseconds for each trace, whatever is in it, and a browser as long for its elements."""

import json
from base64 import b64encode
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.charts import Panel
from app.compare_traces import Trace

MANY = 60  # lines of a panel; with more nobody tells them apart by their looks. Guess, untuned
OF_A_PART = ("name", "uid", "meta", "x", "y", "customdata", "hovertemplate", "marker")  # no marker is drawn then
SHARED = "many-"  # how the uid of a trace begins that lines share
THIN, FAINT = 1.0, 0.06  # lines and bands, where hundreds lie over each other


def overview(traces: Sequence[Trace], told: str) -> list[Trace]:
    """The same lines and bands in as few traces as there are looks, in the order of their first. `meta.parts` of each
    line has for every part its group, its name, its run where it is of one, and how many points it takes, a gap at its
    end among them. `told` is the hover's template; %{text} in it, which static/charts.js fills in, is its name."""
    alike: dict[str, list[Trace]] = {}
    for trace in traces:
        is_part = "group" in trace["meta"]
        look = {name: value for name, value in trace.items() if name not in OF_A_PART}
        alike.setdefault(json.dumps(look, sort_keys=True) if is_part else trace["uid"], []).append(trace)
    return [
        _joined(parts, f"{SHARED}{number}", told) if "group" in parts[0]["meta"] else parts[0]
        for number, parts in enumerate(alike.values())
    ]


def _joined(parts: Sequence[Trace], uid: str, told: str) -> Trace:
    x, y = ([at for part in parts for at in (*part[axis], None)] for axis in "xy")
    look = {name: value for name, value in parts[0].items() if name not in OF_A_PART}
    look["line"] = {**look["line"], "width": min(look["line"]["width"], THIN)}
    if look.get("hoverinfo") == "skip":  # a band
        own: Trace = {"opacity": FAINT, "meta": {}}
    else:
        known = [(part["meta"]["group"], part["name"], part["meta"].get("run"), len(part["x"]) + 1) for part in parts]
        own = {"hovertemplate": told, "meta": {"parts": known}}
    return {**look, **own, "name": "", "uid": uid, "x": x, "y": y}


def packed(panels: Sequence[Panel]) -> Sequence[Panel]:
    """The numbers of traces that many lines share as Plotly takes them too, in base64: half of what they are as text,
    and read at once. A gap, which is no number, stands in `y` alone. As single floats they keep seven digits."""
    for panel in panels:
        for trace in panel.figure["data"]:
            if trace["uid"].startswith(SHARED):
                x, y = (np.array(trace[axis], np.float64) for axis in "xy")
                trace |= {"x": _base64(np.nan_to_num(x)), "y": _base64(y + 0 * x)}
    return panels


def _base64(numbers: NDArray[np.float64]) -> dict[str, str]:
    is_small = ((numbers >= 0) & (numbers < 256) & (numbers % 1 == 0)).all()
    kind = "u1" if is_small else "f4"
    return {"dtype": kind, "bdata": b64encode(numbers.astype(f"<{kind}").tobytes()).decode()}
