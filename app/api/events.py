"""The live stream: server-sent events, for pages at /events and for programs at /api/v1/events."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.dependencies import LARGEST_ID, CurrentLive

router = APIRouter()


@router.get("/events", response_class=EventSourceResponse, tags=["live"])
async def events(
    live: CurrentLive,
    after: Annotated[
        int | None, Query(ge=0, le=LARGEST_ID, description="Replay what came after this event; without it, from now.")
    ] = None,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=LARGEST_ID, description="Sent by browsers when they connect again.")
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """What happens, as it happens: `state`, `changed`, `epoch`, `deleted`, `purged`, `experiment` (launched, renamed or
    ended), `queue` and `worker` events, numbered, and
    `progress` (not numbered, at most twice a second per running run). `reset` says: too far behind, read anew."""
    known = [number for number in (after, last_event_id) if number is not None]
    async with aclosing(live.messages(max(known, default=None))) as messages:
        async for message in messages:
            yield message
