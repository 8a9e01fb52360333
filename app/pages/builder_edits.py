"""What the builder's buttons do to a network: "add Conv2d", "remove 3", "up 3.1", "move 2>5". Pure.

A place is written as on the page, "3", or "3.1" inside a Residual, from 1; `""` is before the first layer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.pages.builder_draft import TYPES, Composed, Draft, Drafts
from core.architectures.examination import Examination
from core.architectures.outcomes import Shape

Place = tuple[int, ...]  # indices, from 0
NEVER_INSIDE = frozenset({"Residual", "Softmax"})
_NEW = {
    "Conv2d": {"out_channels": "16", "kernel_size": "3", "stride": "1", "padding": "1", "bias": "yes"},
    "MaxPool2d": {"kernel_size": "2", "stride": ""},
    "AvgPool2d": {"kernel_size": "2", "stride": ""},
    "Dropout": {"p": "0.5"},
    "Linear": {"out_features": "64", "bias": "yes"},
}


@dataclass(frozen=True)
class Edited:
    """`focus` is the id of what has the focus then, `said` what a person must be told."""

    composed: Composed
    focus: str = ""
    said: str = ""


def edited(before: Composed, wish: str, examination: Examination, image_shape: Shape) -> Edited:
    """Whatever is no wish, or about a layer that is not there, changes nothing."""
    verb, _, what = wish.partition(" ")
    if verb == "add" and what in TYPES:
        return _added(before, what, examination, image_shape)
    if verb == "move":
        return _moved(before, what)
    place = place_of(what, before.drafts)
    if place is None:
        return Edited(before)
    match verb:
        case "remove":
            return _removed(before, place)
        case "copy":
            copied = _changed(before.drafts, place, lambda level, at: [*level[: at + 1], *level[at:]])
            return _at(before, copied, _shifted(place, 1), "copy")
        case "up" | "down":
            return _stepped(before, place, -1 if verb == "up" else 1)
        case _:
            return Edited(before)


def place_of(number: str, drafts: Drafts) -> Place | None:
    """Where "3" or "3.1" is; None where there is none such."""
    if re.fullmatch(r"[1-9][0-9]{0,3}(\.[1-9][0-9]{0,3})?", number) is None:
        return None
    place = tuple(int(part) - 1 for part in number.split("."))
    level = drafts
    for index in place:
        if index >= len(level):
            return None
        level = level[index].inner
    return place


def _gap(target: str, drafts: Drafts) -> Place | None:
    """A place, or the one after the last of its level; "" is after all."""
    if not target:
        return (len(drafts),)
    found = place_of(target, drafts)
    outer, _, last = target.rpartition(".")
    block = place_of(outer, drafts) if found is None and last.isdecimal() else None
    if block is None or draft_at(drafts, block).type != "Residual":
        return found
    return (*block, len(draft_at(drafts, block).inner))


def number_of(place: Place) -> str:
    return ".".join(str(index + 1) for index in place)


def draft_at(drafts: Drafts, place: Place) -> Draft:
    draft = drafts[place[0]]
    return draft if len(place) == 1 else draft.inner[place[1]]


def _added(before: Composed, kind: str, examination: Examination, image_shape: Shape) -> Edited:
    place = place_of(before.at, before.drafts)
    if place is None:
        new = _new(kind, image_shape)
        return _at(before, (new, *before.drafts), (0,), "at")
    if len(place) > 1 and kind in NEVER_INSIDE:
        place = place[:1]
    traced = examination.traced.get(number_of(place))
    new = _new(kind, traced.output_shape if traced is not None else ())
    here = draft_at(before.drafts, place)
    if here.type == "Residual" and not here.inner and kind not in NEVER_INSIDE:
        place = (*place, -1)
    drafts = _changed(before.drafts, place, lambda level, at: [*level[: at + 1], new, *level[at + 1 :]])
    return _at(before, drafts, _shifted(place, 1), "at")


def _new(kind: str, shape: Shape) -> Draft:
    """With what is usual; a block keeps the shape that it gets."""
    if kind != "Residual":
        return Draft(kind, _NEW.get(kind, {}))
    if len(shape) == 1:
        return Draft(kind, inner=(Draft("Linear", _NEW["Linear"] | {"out_features": str(shape[0])}), Draft("ReLU")))
    channels = str(shape[0] if shape else 16)
    convolution = Draft("Conv2d", _NEW["Conv2d"] | {"out_channels": channels})
    return Draft(kind, inner=(convolution, Draft("BatchNorm2d"), Draft("ReLU")))


def _removed(before: Composed, place: Place) -> Edited:
    left = _changed(before.drafts, place, lambda level, at: [*level[:at], *level[at + 1 :]])
    after = place if place_of(number_of(place), left) is not None else _shifted(place, -1)
    if after[-1] >= 0:
        return _at(before, left, after, "remove")
    return _at(before, left, after[:-1], "at" if after[:-1] else "")


def _stepped(before: Composed, place: Place, by: int) -> Edited:
    to = _shifted(place, by)
    if to[-1] < 0 or place_of(number_of(to), before.drafts) is None:
        return Edited(before, _id("at", place))

    def swapped(level: list[Draft], at: int) -> list[Draft]:
        level[at], level[at + by] = level[at + by], level[at]
        return level

    return _at(before, _changed(before.drafts, place, swapped), to, "up" if by < 0 else "down")


def _moved(before: Composed, what: str) -> Edited:
    """ "2>5": layer 2 goes before layer 5; "2>" after all, "2>4.1" into a block, "2>4.9" to its end."""
    number, _, target = what.partition(">")
    place = place_of(number, before.drafts)
    to = _gap(target, before.drafts)
    if place is None or to is None or place == to or to[: len(place)] == place:
        return Edited(before)
    draft = draft_at(before.drafts, place)
    if len(to) > 1 and draft.type in NEVER_INSIDE:
        return Edited(before, _id("at", place), f"A {draft.type} cannot be inside a Residual.")
    left = _changed(before.drafts, place, lambda level, at: [*level[:at], *level[at + 1 :]])
    if place[:-1] == to[: len(place) - 1] and place[-1] < to[len(place) - 1]:  # what is before it has gone
        to = (*to[: len(place) - 1], to[len(place) - 1] - 1, *to[len(place) :])
    drafts = _changed(left, to, lambda level, at: [*level[:at], draft, *level[at:]])
    return _at(before, drafts, to, "at")


def _changed(drafts: Drafts, place: Place, change: Callable[[list[Draft], int], list[Draft]]) -> Drafts:
    first, *inside = place
    if not inside:
        return tuple(change(list(drafts), first))
    block = drafts[first]
    block = replace(block, inner=tuple(change(list(block.inner), inside[0])))
    return (*drafts[:first], block, *drafts[first + 1 :])


def _shifted(place: Place, by: int) -> Place:
    return (*place[:-1], place[-1] + by)


def _at(before: Composed, drafts: Drafts, place: Place, focus: str) -> Edited:
    return Edited(replace(before, drafts=drafts, at=number_of(place)), _id(focus, place) if focus else "at-0")


def _id(part: str, place: Place) -> str:
    return f"{part}-{number_of(place).replace('.', '-')}"
