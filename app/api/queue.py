"""The queue as a whole: who waits, and whether runs are handed out."""

from fastapi import APIRouter
from pydantic import Field
from sqlmodel import Session

from app.api.schemas import Shape
from app.dependencies import Reading, Writing
from core.queue_order import is_paused, pause_queue
from core.run_state import RunState
from core.runs import count_by_state, queue_positions
from core.workers import disk_is_low, live_workers

router = APIRouter(prefix="/queue", tags=["queue"])


class QueueOut(Shape):
    paused: bool
    free_space_low: bool = Field(description="no run starts until there is room on the disk")
    waiting: tuple[int, ...] = Field(description="ids of the runs that wait, in the order in which they start")
    num_runs: dict[RunState, int] = Field(description="how many runs are in each state")


@router.get("")
def get_queue(session: Reading) -> QueueOut:
    """Whether the queue hands out runs, and which wait, in order."""
    return _queue(session)


@router.post("/pause")
def pause(session: Writing) -> QueueOut:
    """Hand out no more runs; those under way go on."""
    pause_queue(session, True)
    return _queue(session)


@router.post("/resume")
def resume(session: Writing) -> QueueOut:
    """Hand out runs again."""
    pause_queue(session, False)
    return _queue(session)


def _queue(session: Session) -> QueueOut:
    return QueueOut(
        paused=is_paused(session),
        free_space_low=disk_is_low(live_workers(session)),
        waiting=tuple(queue_positions(session)),
        num_runs=count_by_state(session),
    )
