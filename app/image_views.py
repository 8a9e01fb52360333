"""The views of what runs say of the images, which are their URLs: runs, classes, order, page."""

from typing import Annotated, Literal

from pydantic import Field

from app.compare_view import Compared
from core.readings import Better, Order

Class = Annotated[int, Field(ge=0, le=255)]  # its number: labels are bytes
MOST_PAGES = 100_000


class OfImages(Compared):
    def seen_from(self, origin: str) -> str:
        """The query string of an image's page that leads back to this view."""
        return self.query(**self.how(), origin=origin)


class ErrorsView(OfImages):
    """Errors of runs; `label` and `said` keep those of one class read as another."""

    label: Class | None = None
    said: Class | None = None
    show: Literal["errors", "suspects"] = "errors"
    order: Order = "sure"
    page: int = Field(1, ge=1, le=MOST_PAGES)


class DisagreementsView(OfImages):
    """Where two groups of a comparison disagree; without `first` and `second`, its first two groups."""

    first: str = Field("", pattern=r"^([0-9a-f]{4,64})?$")
    second: str = Field("", pattern=r"^([0-9a-f]{4,64})?$")
    label: Class | None = None
    better: Better = "either"
    page: int = Field(1, ge=1, le=MOST_PAGES)


class ImageView(ErrorsView, DisagreementsView):
    """One image, and the view that it was seen in: a page of ours by name, never an address."""

    origin: Literal["", "errors", "disagreements"] = ""

    def back(self) -> str:
        """The query string of that view."""
        return self.query(**self.how("origin"))
