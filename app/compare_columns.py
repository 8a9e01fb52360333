"""Which columns the table of a comparison shows, and in what order its rows stand. Beside the figures, every field in
which the configs differ can be a column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from app.compare_sheets import field_words
from app.compare_table import COLUMNS, Column
from app.compare_view import CONFIG, NETWORK, CompareView
from core.comparison import Group
from core.config_differences import NETWORK as NETWORK_FIELD
from core.config_differences import differing
from core.experiment_words import path_words

# Fits a window of 1280 pixels; what the question needs first, since a narrow one shows no more.
USUAL = (
    "n", "last_test_accuracy", "last_test_loss", "last_train_accuracy", "last_train_loss", "best_epoch",
    "best_test_accuracy", "num_parameters", "num_multiply_adds", "seconds_per_epoch",
)  # fmt: skip


@dataclass(frozen=True)
class ConfigColumn:
    """A field of the config, the same in every seed of a group. Numbers sort as such, before words."""

    key: str
    title: str
    path: str
    heading: str = "config"
    is_field: bool = True

    @property
    def first_order(self) -> str:
        return self.key

    def told(self, group: Group) -> str:
        return field_words(group.fields, self.path)

    def place(self, group: Group) -> tuple[int, float, str] | None:
        value = group.fields.get(self.path)
        if isinstance(value, int | float):
            return (0, float(value), "")
        return None if value is None else (1, 0.0, self.told(group).casefold())


AnyColumn = Column | ConfigColumn


@dataclass(frozen=True)
class Columns:
    """`known` can be chosen, under their headings; `shown` are. `alike`: shown but for being the same in all groups."""

    known: Mapping[str, AnyColumn]
    shown: Sequence[AnyColumn]
    alike: Sequence[AnyColumn]

    @property
    def spans(self) -> list[tuple[str, int]]:
        """(heading, how many of the shown it spans)."""
        return [(heading, len(own)) for heading, own in _under_headings(self.shown)]

    @property
    def firsts(self) -> set[str]:
        """The keys of the first below each heading, the one without heading apart."""
        return {own[0].key for heading, own in _under_headings(self.shown) if heading}

    @property
    def offered(self) -> list[tuple[str, list[AnyColumn]]]:
        return list(_under_headings(list(self.known.values())))


def columns_of(groups: Sequence[Group], view: CompareView) -> Columns:
    """What the view names, else the usual ones; a field that is no longer among those that differ is left out."""
    known = _known(groups)
    asked = set(view.columns or USUAL)
    chosen = [column for column in known.values() if column.key in asked]
    alike = [column for column in chosen if _are_alike(column, groups)]
    hidden = alike if view.table == "differing" and len(groups) > 1 else []
    return Columns(known, [column for column in chosen if column not in hidden], hidden)


def _are_alike(column: AnyColumn, groups: Sequence[Group]) -> bool:
    """Looked at no further than to the first that differs: of hundreds of groups the second does."""
    return all(column.told(group) == column.told(groups[0]) for group in groups[1:])


MOST_ROWS = 50  # groups in a table until all are asked for: a browser takes a second for 200. Guess, untuned


def in_order(groups: Sequence[Group], view: CompareView) -> list[Group]:
    """By a column, those without the figure last; by label; as they are where nothing is asked for. A baseline that
    was pinned stays on top."""
    key, is_descending = view.sort.removeprefix("-"), view.sort.startswith("-")
    ordered = list(groups)
    if key == NETWORK:
        ordered.sort(key=lambda group: group.label.casefold(), reverse=is_descending)
    elif column := _known(groups).get(key):
        ordered = _by_column(groups, column, is_descending=is_descending)
    if view.baseline:
        ordered.sort(key=lambda group: not group.config_hash.startswith(view.baseline))
    return ordered


def _by_column(groups: Sequence[Group], column: AnyColumn, *, is_descending: bool) -> list[Group]:
    places = {group.config_hash: column.place(group) for group in groups}
    placed = [group for group in groups if places[group.config_hash] is not None]
    placed.sort(key=lambda group: places[group.config_hash], reverse=is_descending)  # type: ignore[arg-type, return-value]
    return placed + [group for group in groups if places[group.config_hash] is None]


def _known(groups: Sequence[Group]) -> dict[str, AnyColumn]:
    """The number of seeds, the fields that differ (the network's name is the row's), and every figure."""
    paths = [path for path in differing([group.fields for group in groups]) if path != NETWORK_FIELD]
    fields = {CONFIG + path: ConfigColumn(CONFIG + path, path_words(path), path) for path in paths}
    return {"n": COLUMNS["n"], **fields, **COLUMNS}


def _under_headings(columns: Sequence[AnyColumn]) -> Iterator[tuple[str, list[AnyColumn]]]:
    for heading, own in groupby(columns, key=lambda column: column.heading):
        yield heading, list(own)


def in_rows(groups: Sequence[Group], view: CompareView) -> Sequence[Group]:
    """Of these the first MOST_ROWS, where there are more and the view does not ask for all."""
    return groups[:MOST_ROWS] if view.rows == "first" else groups
