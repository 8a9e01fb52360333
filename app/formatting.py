"""Figures as a person reads them: the filters of the templates. None is shown as a dash."""

from collections.abc import Mapping
from datetime import UTC, datetime

from markupsafe import Markup
from pydantic import JsonValue

from app.palette import look_of
from core.architectures.catalogue import FAMILIES
from core.datasets import DATASETS
from core.experiment_words import in_words, path_words
from core.tables import Run

NOTHING = "–"
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_AGES = ((60, "s"), (60, "min"), (24, "h"), (float("inf"), "d"))  # how many of a unit make the next


def percent(fraction: float | None, digits: int = 2) -> str:
    """0.98892 is "98.89 %"."""
    return NOTHING if fraction is None else f"{100 * fraction:.{digits}f} %"


def points(fraction: float) -> str:
    """A difference of fractions: 0.0021 is "+0.21 pp"."""
    return f"{signed(100 * fraction, 2)} pp"


def signed(value: float, digits: int = 4) -> str:
    """A difference: 0.0123 is "+0.0123"; what rounds to nothing has no sign."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if float(text[1:]) else text[1:]


def number(value: float | None, digits: int = 4) -> str:
    """A measured figure: `digits` significant ones."""
    return NOTHING if value is None else f"{value:.{digits}g}"


def count(value: float | None) -> str:
    """1234 is "1,234"."""
    return NOTHING if value is None else f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """0.42 is "0.42 s", 80 is "1 min 20 s", 5000 is "1 h 23 min"."""
    if seconds is None:
        return NOTHING
    if seconds < 9.95:
        return f"{seconds:.2g} s" if seconds >= 0.0005 else "0 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two_units(whole, 60, "min", 1, "s")
    return _two_units(whole, 3600, "h", 60, "min") if whole < 48 * 3600 else _two_units(whole, 86400, "d", 3600, "h")


def roughly(seconds: float | None) -> str:
    """An estimate, as exact as a person would say it: "4 s", "40 s", "5 min", "1 h 20 min"."""
    if seconds is None or seconds >= 3600:
        return duration(seconds)
    if seconds < 57.5:
        return f"{max(1, round(seconds)) if seconds < 20 else 5 * round(seconds / 5)} s"
    return f"{max(1, round(seconds / 60))} min"


def _two_units(whole: int, large: int, large_word: str, small: int, small_word: str) -> str:
    rest = whole % large // small
    return f"{whole // large} {large_word}" + (f" {rest} {small_word}" if rest else "")


def size(num_bytes: float | None) -> str:
    """1536 is "1.5 KiB"."""
    if num_bytes is None:
        return NOTHING
    for unit in ("B", "KiB", "MiB", "GiB"):
        if num_bytes < 1000:
            return f"{num_bytes:.{0 if unit == 'B' or num_bytes >= 100 else 1}f} {unit}"
        num_bytes /= 1024
    return f"{num_bytes:.1f} TiB"


def ordinal(place: int) -> str:
    """3 is "third", 11 is "11th", 22 is "22nd"."""
    if place <= len(_ORDINALS):
        return _ORDINALS[place - 1]
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


def day(moment: datetime) -> str:
    """ "24 December", with its year where that is not this one."""
    return f"{moment.day} {moment:%B}" + ("" if moment.year == datetime.now(UTC).year else f" {moment.year}")


def ago(moment: datetime | None) -> str | Markup:
    """A <time> that static/ages.js keeps true: "just now", "5 min ago", "3 d ago"."""
    if moment is None:
        return NOTHING
    age = (datetime.now(UTC) - moment).total_seconds()
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        moment.isoformat(timespec="seconds"), moment.strftime("%Y-%m-%d %H:%M:%S UTC"), _age(age)
    )


def _age(seconds: float) -> str:
    if seconds < 10:
        return "just now"
    for length, word in _AGES:
        if seconds < length:
            return f"{int(seconds)} {word} ago"
        seconds /= length
    raise AssertionError("the last unit has no end")


def shown_state(run: Run) -> str:
    """The state as the page names it: a wish that is not obeyed yet, or a hold, goes before it."""
    if run.cancel_requested_at is not None and run.state == "running":
        return "cancelling"
    if run.held_at is not None and run.state in ("queued", "running"):
        return "held" if run.state == "queued" else "pausing"
    return run.state.value


def architecture_title(name: str) -> str:
    return FAMILIES[name].title if name in FAMILIES else name


def dataset_title(name: str) -> str:
    return DATASETS[name].title if name in DATASETS else name


def varied_words(varied: Mapping[str, JsonValue]) -> str:
    """What makes a group another than the rest, its network's name apart: "pool max, learning rate 0.1"."""
    network = varied.get("architecture")
    own = network.get("parameters") if isinstance(network, dict) else None
    others = {path: value for path, value in varied.items() if path != "architecture"}
    return in_words((own if isinstance(own, dict) else {}) | others)


def group_words(varied: Mapping[str, JsonValue], architecture: str) -> str:
    """The same in one line, with its network's title where that varies or nothing does."""
    title = [architecture_title(architecture)] if "architecture" in varied or not varied else []
    return ", ".join([*title, *filter(None, [varied_words(varied)])])


FILTERS = {
    "percent": percent,
    "points": points,
    "number": number,
    "count": count,
    "duration": duration,
    "roughly": roughly,
    "bytes": size,
    "ordinal": ordinal,
    "ago": ago,
    "day": day,
    "shown_state": shown_state,
    "architecture_title": architecture_title,
    "dataset_title": dataset_title,
    "look": look_of,
    "path_words": path_words,
    "varied_words": varied_words,
}
