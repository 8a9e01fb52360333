"""The processes that train, as they last reported."""

from fastapi import APIRouter
from pydantic import AwareDatetime, Field, JsonValue

from app.api.schemas import Shape, from_row
from app.dependencies import Reading
from core.workers import live_workers

router = APIRouter(prefix="/workers", tags=["queue"])


class WorkerOut(Shape):
    id: int
    host: str
    process_id: int
    slots: int = Field(description="runs it trains at once")
    threads: int = Field(description="CPU threads of each slot")
    heartbeat: int
    vitals: dict[str, JsonValue] | None = Field(description="device, memory and utilisation, as last measured")
    started_at: AwareDatetime


@router.get("")
def list_workers(session: Reading) -> list[WorkerOut]:
    """Workers whose heartbeat is heard."""
    return [from_row(WorkerOut, worker) for worker in live_workers(session)]
