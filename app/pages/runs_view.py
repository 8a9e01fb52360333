"""The Runs page's view, which is its URL: filters, order and place in the list."""

from typing import cast, get_args
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.dependencies import LARGEST_ID
from core.run_state import RunState
from core.runs import RunFilter, SortKey
from core.tags import MAX_TAG_LENGTH

PAGE_SIZE = 50
MOST_ROWS = 500  # of a list grown by "show more", when it is fetched again


class RunsView(BaseModel):
    """What the query string says. A GET form sends empty texts: they mean everything."""

    model_config = ConfigDict(frozen=True)

    state: tuple[RunState, ...] = ()
    architecture: str = Field("", max_length=64)
    dataset: str = Field("", max_length=64)
    tag: str = Field("", max_length=MAX_TAG_LENGTH)
    experiment: int | None = Field(None, ge=1, le=LARGEST_ID)
    search: str = Field("", max_length=200)
    sort: str = "-id"  # a leading minus: descending
    cursor: str = Field("", max_length=2000)
    limit: int = Field(PAGE_SIZE, ge=1, le=MOST_ROWS)

    @field_validator("sort")
    @classmethod
    def _sort_is_known(cls, sort: str) -> str:
        if sort.removeprefix("-") not in get_args(SortKey):
            raise ValueError(f"must be one of {', '.join(get_args(SortKey))}, with a minus in front for descending")
        return sort

    @field_validator("experiment", mode="before")
    @classmethod
    def _empty_is_every_experiment(cls, experiment: object) -> object:
        return None if experiment == "" else experiment

    @property
    def is_filtered(self) -> bool:
        return bool(self.state or self.architecture or self.dataset or self.tag or self.experiment or self.search)

    def as_filter(self) -> RunFilter:
        return RunFilter(
            states=self.state,
            architectures=(self.architecture,) if self.architecture else (),
            datasets=(self.dataset,) if self.dataset else (),
            experiments=(self.experiment,) if self.experiment else (),
            tags=(self.tag,) if self.tag else (),
            search=self.search or None,
            sort=cast(SortKey, self.sort.removeprefix("-")),
            descending=self.sort.startswith("-"),
        )

    def link(self, **changes: object) -> str:
        """The query string of this view, changed: "" for the plain list, else "?" and what differs from it."""
        changed = self.model_copy(update={"cursor": "", "limit": PAGE_SIZE} | changes)
        values = changed.model_dump(mode="json", exclude_defaults=True)
        return f"?{urlencode(values, doseq=True)}" if values else ""

    def history_header(self, shown_url: str, path: str) -> dict[str, str]:
        """What htmx does with the address bar, which shows `shown_url`: a new entry, but none for a few more letters
        of the search."""
        before = sorted(parse_qsl(urlsplit(shown_url).query))
        after = sorted(parse_qsl(self.link().removeprefix("?")))
        if before == after:
            return {}
        is_only_search = _without_search(before) == _without_search(after)
        return {"HX-Replace-Url" if is_only_search else "HX-Push-Url": path + self.link()}


def _without_search(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in pairs if name != "search"]
