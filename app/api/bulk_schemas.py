"""The shapes of the same change to many runs."""

from typing import Annotated

from pydantic import Field

from app.api.schemas import Shape
from app.dependencies import LARGEST_ID
from core.bulk import MAX_RUNS, Action, Refusal
from core.tags import MAX_TAG_LENGTH


class BulkChange(Shape):
    """The same for many runs."""

    action: Action
    ids: tuple[Annotated[int, Field(ge=1, le=LARGEST_ID)], ...] = Field(
        min_length=1, max_length=MAX_RUNS, examples=[[1, 2, 3]]
    )
    tag: str = Field("", max_length=MAX_TAG_LENGTH, description="for `tag` and `untag`", examples=["try"])


class RefusalOut(Shape):
    id: int
    reason: str = Field(examples=["Run 3 is completed; it cannot be cancelled."])


class BulkOut(Shape):
    done: tuple[int, ...] = Field(description="ids of the runs that were changed, or were so already")
    refused: tuple[RefusalOut, ...]


def refusal_out(refusal: Refusal) -> RefusalOut:
    return RefusalOut(id=refusal.run_id, reason=str(refusal.error))
