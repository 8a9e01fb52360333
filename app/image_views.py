"""The views of what runs say of the images, which are their URLs: runs, classes, order, page."""

from typing import Annotated, Literal

from pydantic import Field

from app.compare_view import Compared
from core.readings import Better, Order

Class = Annotated[int, Field(ge=0, le=255)]  # its number: labels are bytes
MOST_PAGES = 100_000


class ErrorsView(Compared):
    """Errors of runs; `label` and `said` keep those of one class read as another."""

    label: Class | None = None
    said: Class | None = None
    show: Literal["errors", "suspects"] = "errors"
    order: Order = "sure"
    page: int = Field(1, ge=1, le=MOST_PAGES)


class DisagreementsView(Compared):
    """Where two groups of a comparison disagree; without `first` and `second`, its first two groups."""

    first: str = Field("", pattern=r"^([0-9a-f]{4,64})?$")
    second: str = Field("", pattern=r"^([0-9a-f]{4,64})?$")
    label: Class | None = None
    better: Better = "either"
    page: int = Field(1, ge=1, le=MOST_PAGES)
