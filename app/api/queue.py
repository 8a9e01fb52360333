"""The queue as a whole: who waits, and whether runs are handed out."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlmodel import Session

from app.api.schemas import Shape
from app.dependencies import Reading, Writing
from core.benchmark_mode import Stage, stage
from core.queue_order import is_paused, pause_queue, stops_running
from core.run_state import RunState
from core.runs import count_by_state, queue_positions
from core.workers import disk_is_low, live_workers

router = APIRouter(prefix="/queue", tags=["queue"])


class QueueOut(Shape):
    paused: bool
    paused_with_running: bool = Field(description="paused, and what was running has come back, or does so in a moment")
    benchmark: Stage | None = Field(
        description="running: a benchmark's run is trained alone, and nothing else starts; next: one is first in line, "
        "and nothing starts until what is under way has ended and it is alone"
    )
    free_space_low: bool = Field(description="no run starts until there is room on the disk")
    waiting: tuple[int, ...] = Field(description="ids of the runs that wait, in the order in which they start")
    num_runs: dict[RunState, int] = Field(description="how many runs are in each state")


@router.get("")
def get_queue(session: Reading) -> QueueOut:
    """Whether the queue hands out runs, and which wait, in order."""
    return _queue(session)


@router.post("/pause")
def pause(
    session: Writing,
    with_running: Annotated[bool, Query(description="The running runs go back to the front of the queue.")] = False,
) -> QueueOut:
    """Hand out no more runs; those under way go on. Paused `with_running`, they go back to the front of the queue
    within half a second of training: the epoch under way is lost, and when the queue is resumed they go on from their
    last checkpoint. A run that is held stays held."""
    pause_queue(session, True, with_running=with_running)
    return _queue(session)


@router.post("/resume")
def resume(session: Writing) -> QueueOut:
    """Hand out runs again."""
    pause_queue(session, False)
    return _queue(session)


def _queue(session: Session) -> QueueOut:
    return QueueOut(
        paused=is_paused(session),
        paused_with_running=stops_running(session),
        benchmark=stage(session),
        free_space_low=disk_is_low(live_workers(session)),
        waiting=tuple(queue_positions(session)),
        num_runs=count_by_state(session),
    )
