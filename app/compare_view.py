"""The Compare page's view, which is its URL: what is compared, how its curves are drawn, the table's order."""

import re
from collections.abc import Iterable
from typing import Annotated, Literal, Self
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.compare_axes import XAxis
from app.compare_table import COLUMNS
from core.chosen_runs import Choice
from core.effects import Outcome

IDS = r"^([0-9]{1,18}(,[0-9]{1,18})*)?$"
HASHES = r"^([0-9a-f]{4,64}(,[0-9a-f]{4,64})*)?$"
NETWORK = "network"  # the sort by label
CONFIG = "config."  # begins the column of a field of the config
HASH = r"^([0-9a-f]{4,64})?$"
MOST_CHARACTERS = 8_000  # a thousand ids; the server reads addresses of 64 KiB at most
Ids = Annotated[str, Field(pattern=IDS, max_length=MOST_CHARACTERS)]
Hashes = Annotated[str, Field(pattern=HASHES, max_length=MOST_CHARACTERS)]


class Compared(BaseModel):
    """Comma lists; a form with boxes to tick says a name several times."""

    model_config = ConfigDict(frozen=True)

    runs: tuple[Ids, ...] = Field((), max_length=1000)
    experiment: tuple[Ids, ...] = Field((), max_length=1000)
    groups: tuple[Hashes, ...] = Field((), max_length=1000)

    @property
    def choice(self) -> Choice:
        runs, experiments, groups = (_listed(said) for said in (self.runs, self.experiment, self.groups))
        return Choice(tuple(map(int, runs)), tuple(map(int, experiments)), groups)

    def query(self, **more: object) -> str:
        """The query string that asks for the same runs."""
        values = {name: value for name, value in (self.chosen() | more).items() if value not in ("", None)}
        return f"?{urlencode(values, safe=',')}" if values else ""

    def chosen(self) -> dict[str, object]:
        """The runs as the query string names them."""
        lists = {name: ",".join(_listed(getattr(self, name))) for name in Compared.model_fields}
        return {name: value for name, value in lists.items() if value}

    def changed(self, **changes: object) -> Self:
        return self.model_copy(update=changes)

    def link(self, **changes: object) -> str:
        """The query string of this view, changed."""
        view = self.changed(**changes)
        return view.query(**view.how())

    def how(self, *but: str) -> dict[str, str]:
        """What of the view is unlike the usual, but for these fields, as its query string says it."""
        values = self.model_dump(exclude={*Compared.model_fields, *but}, exclude_defaults=True, exclude_none=True)
        return {name: ",".join(value) if isinstance(value, tuple) else str(value) for name, value in values.items()}


class EffectView(Compared):
    """The same, and what of the parameters is looked at: the figure, and the two fields of the heat map."""

    effect: Outcome = "test_accuracy"
    across: Annotated[str, Field(max_length=100)] = ""  # paths in a run config; empty: the first that vary
    down: Annotated[str, Field(max_length=100)] = ""


class CompareView(EffectView):
    """The same, and how it is looked at."""

    baseline: Annotated[str, Field(pattern=HASH, max_length=64)] = ""  # what it is held against; empty: the first group
    lines: Literal["mean", "interval", "seeds"] = "mean"  # with the range as band, with the interval, or each seed
    x: XAxis = "epoch"  # of the curves
    scale: Literal["linear", "log"] = "linear"  # of the losses
    span: Literal["all", "end"] = "all"  # the whole curves, or where they end
    report: Literal["on", "off"] = "on"
    literature: Literal["on", "off"] = "on"  # lines of what was published, in the test accuracy
    figure: Literal["test_accuracy", "test_loss", "train_accuracy", "train_loss"] = "test_accuracy"
    config: Literal["differing", "all"] = "differing"
    sort: str = Field("", max_length=200)  # a column, with a minus in front for descending; empty: as launched
    columns: tuple[Annotated[str, Field(max_length=MOST_CHARACTERS)], ...] = Field((), max_length=1000)  # empty: usual
    rows: Literal["first", "all"] = "first"  # of the tables: of hundreds of groups the first, or all
    table: Literal["all", "differing"] = "all"  # of these columns, all or those in which the groups differ

    @field_validator("sort")
    @classmethod
    def _sort_is_known(cls, sort: str) -> str:
        key = sort.removeprefix("-")
        if sort and key != NETWORK and not _is_column(key):
            raise ValueError(f"must be one of {', '.join(COLUMNS)}, with a minus in front for descending")
        return sort

    @field_validator("columns")
    @classmethod
    def _columns_are_known(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        keys = _listed(columns)
        if unknown := [key for key in keys if not _is_column(key)]:
            raise ValueError(f"{unknown[0]} is none of {', '.join(COLUMNS)}, or a field of the config after {CONFIG}")
        return keys

    def with_runs(self, run_ids: Iterable[int]) -> Self:
        return self.model_copy(update={"runs": (*self.runs, *map(str, run_ids))})


def _is_column(key: str) -> bool:
    return key in COLUMNS or re.fullmatch(re.escape(CONFIG) + r"[\w.]+", key) is not None


def _listed(said: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for text in said for part in text.split(",") if part))
