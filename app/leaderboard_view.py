"""The Leaderboard's view, which is its URL: the dataset, filters, what is pinned, and the page."""

from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.compare_view import HASH
from app.dependencies import LARGEST_ID
from core.runs import RunFilter
from core.tags import MAX_TAG_LENGTH

PAGE_SIZE = 50
LEAST_SEEDS_OFFERED = (2, 3, 5, 10)


class LeaderboardView(BaseModel):
    """What the query string says. A GET form sends empty texts: they mean everything."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field("", max_length=64)  # empty: the one with most completed runs
    architecture: str = Field("", max_length=64)
    experiment: int | None = Field(None, ge=1, le=LARGEST_ID)
    tag: str = Field("", max_length=MAX_TAG_LENGTH)
    min_seeds: int = Field(1, ge=1, le=1000)
    baseline: Annotated[str, Field(pattern=HASH, max_length=64)] = ""  # empty: the leader
    page: int = Field(1, ge=1, le=1_000_000)

    @field_validator("experiment", mode="before")
    @classmethod
    def _empty_is_every_experiment(cls, experiment: object) -> object:
        return None if experiment == "" else experiment

    @property
    def is_filtered(self) -> bool:
        return bool(self.architecture or self.experiment or self.tag or self.min_seeds > 1)

    def filter_on(self, dataset: str) -> RunFilter:
        return RunFilter(
            architectures=(self.architecture,) if self.architecture else (), datasets=(dataset,),
            experiments=(self.experiment,) if self.experiment else (), tags=(self.tag,) if self.tag else (),
        )  # fmt: skip

    def link(self, **changes: object) -> str:
        """The query string of this view, changed, on its first page unless that is the change."""
        changed = self.model_copy(update={"page": 1} | changes)
        values = changed.model_dump(mode="json", exclude_defaults=True)
        return f"?{urlencode(values)}" if values else ""
