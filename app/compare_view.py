"""The Compare page's view, which is its URL: what is compared, how its curves are drawn, the table's order."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.compare_table import COLUMNS, NETWORK
from core.chosen_runs import Choice

IDS = r"^([0-9]{1,18}(,[0-9]{1,18})*)?$"
HASHES = r"^([0-9a-f]{4,64}(,[0-9a-f]{4,64})*)?$"
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
        """The query string that asks for the same."""
        chosen = {name: ",".join(_listed(getattr(self, name))) for name in Compared.model_fields}
        values = {name: value for name, value in (chosen | more).items() if value not in ("", None)}
        return f"?{urlencode(values, safe=',')}" if values else ""

    def changed(self, **changes: object) -> Self:
        return self.model_copy(update=changes)

    def link(self, **changes: object) -> str:
        """The query string of this view, changed."""
        view = self.changed(**changes)
        how = view.model_dump(exclude=set(Compared.model_fields), exclude_defaults=True)
        return view.query(**how)


class CompareView(Compared):
    """The same, and how it is looked at."""

    baseline: Annotated[str, Field(pattern=HASH, max_length=64)] = ""  # what it is held against; empty: the first group
    lines: Literal["mean", "interval", "seeds"] = "mean"  # with the range as band, with the interval, or each seed
    scale: Literal["linear", "log"] = "linear"  # of the losses
    span: Literal["all", "end"] = "all"  # the whole curves, or where they end
    report: Literal["on", "off"] = "on"
    literature: Literal["on", "off"] = "on"  # lines of what was published, in the test accuracy
    figure: Literal["test_accuracy", "test_loss", "train_accuracy", "train_loss"] = "test_accuracy"
    config: Literal["differing", "all"] = "differing"
    sort: str = ""  # a column of the table, with a minus in front for descending; empty: in the order of launch

    @field_validator("sort")
    @classmethod
    def _sort_is_known(cls, sort: str) -> str:
        if sort and sort.removeprefix("-") not in (NETWORK, *COLUMNS):
            raise ValueError(f"must be one of {', '.join(COLUMNS)}, with a minus in front for descending")
        return sort

    def with_runs(self, run_ids: Iterable[int]) -> Self:
        return self.model_copy(update={"runs": (*self.runs, *map(str, run_ids))})


def _listed(said: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for text in said for part in text.split(",") if part))
