"""Whether the server lives, and whether it can do its work: for whatever watches over it."""

from typing import Literal

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from app.api.schemas import Shape
from app.dependencies import CurrentDatabase, CurrentSettings, TurnToWrite
from app.errors import problems
from core.disk import free_space
from core.workers import live_workers

router = APIRouter(tags=["health"])


class Health(Shape):
    status: Literal["ok"] = "ok"


class Readiness(Shape):
    status: Literal["ready"] = "ready"
    num_workers: int = Field(description="workers whose heartbeat is heard; with none, runs wait")
    free_space_low: bool = Field(description="less is free than the floor: runs wait until there is room")


@router.get("/healthz")
async def healthz() -> Health:
    """The process answers."""
    return Health()


@router.get("/readyz", responses=problems(503))
def readyz(database: CurrentDatabase, settings: CurrentSettings, _: TurnToWrite) -> Readiness:
    """The database can be read and written."""
    try:
        with database.writing() as session:  # takes the write lock and changes nothing
            return Readiness(num_workers=len(live_workers(session)), free_space_low=free_space(settings).is_low)
    except OperationalError as error:
        raise HTTPException(503, f"The database cannot be written: {error.orig}.") from error
