"""What takes room on the disk, the clean-up of old checkpoints, and the bin."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field

from app.api.schemas import Shape, from_row
from app.dependencies import CurrentDatabase, CurrentSettings, Reading, RunId, TurnToWrite
from app.errors import problems
from core.bin import count_in_bin, empty_bin, goes_at, purge_run, runs_in_bin
from core.disk import bytes_in_bin, bytes_of_runs, disk_use, free_space
from core.run_state import RunState
from core.spent_checkpoints import MOST_DAYS, remove_spent_checkpoints, spent_checkpoints

Days = Annotated[int, Query(ge=0, le=MOST_DAYS, description="Count runs that completed at least so many days ago.")]

router = APIRouter(tags=["storage"])


class SpentOut(Shape):
    """Checkpoints of completed runs that are not in the bin; weights, figures and logs are never among them."""

    num_runs: int
    num_files: int
    num_bytes: int


class StorageOut(Shape):
    """All in bytes, the runs' files as recorded."""

    checkpoints_bytes: int
    weights_bytes: int = Field(description="what runs left beside checkpoints")
    bin_bytes: int = Field(description="all files of the runs in the bin")
    datasets_bytes: int
    database_bytes: int
    copies_bytes: int = Field(description="the database as it was before each migration")
    free_bytes: int
    total_bytes: int
    floor_bytes: int = Field(description="with less free than this no run is started")
    spent_checkpoints: SpentOut = Field(description="what cleaning up would free")


class CleanUp(Shape):
    model_config = ConfigDict(strict=True)

    completed_days_ago: int = Field(0, ge=0, le=MOST_DAYS, description="at least so many days; 0 takes all completed")


class BinnedRunOut(Shape):
    id: int
    name: str
    state: RunState
    num_bytes: int
    deleted_at: AwareDatetime
    goes_at: AwareDatetime = Field(description="from then on it is removed for good")


class BinOut(Shape):
    num_bytes: int
    num_runs: int
    runs: tuple[BinnedRunOut, ...] = Field(description="the last deleted first, as many as asked for")


class EmptiedOut(Shape):
    num_runs: int


@router.get("/storage")
def get_storage(session: Reading, settings: CurrentSettings, completed_days_ago: Days = 0) -> StorageOut:
    """What takes how much of the disk, what is free, and what cleaning up old checkpoints would free."""
    spent = from_row(SpentOut, spent_checkpoints(session, completed_days_ago=completed_days_ago))
    floor_bytes = free_space(settings).floor_bytes
    return from_row(StorageOut, disk_use(session, settings), floor_bytes=floor_bytes, spent_checkpoints=spent)


@router.post("/storage/clean-checkpoints", responses=problems(400))
def clean_checkpoints(asked: CleanUp, database: CurrentDatabase, settings: CurrentSettings, _: TurnToWrite) -> SpentOut:
    """Remove the checkpoints of completed runs, which cannot be trained further then. Others keep theirs."""
    days = asked.completed_days_ago
    return from_row(SpentOut, remove_spent_checkpoints(database, settings.runs_dir, completed_days_ago=days))


@router.get("/bin")
def get_bin(session: Reading, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> BinOut:
    """The deleted runs, each with the day on which it goes for good."""
    runs = runs_in_bin(session, limit=limit)
    sizes = bytes_of_runs(session, [run.id for run in runs if run.id is not None])
    told = tuple(from_row(BinnedRunOut, run, num_bytes=sizes[run.id or 0], goes_at=goes_at(run)) for run in runs)
    return BinOut(num_bytes=bytes_in_bin(session), num_runs=count_in_bin(session), runs=told)


@router.post("/bin/empty")
def empty(database: CurrentDatabase, settings: CurrentSettings, _: TurnToWrite) -> EmptiedOut:
    """Remove all runs in the bin for good, with all that is theirs."""
    return EmptiedOut(num_runs=empty_bin(database, settings.runs_dir))


@router.delete("/bin/{run_id}", status_code=204, response_class=Response, responses=problems(404, 409))
def purge(run_id: RunId, database: CurrentDatabase, settings: CurrentSettings, _: TurnToWrite) -> None:
    """Remove one run in the bin for good, with all that is its own."""
    purge_run(database, settings.runs_dir, run_id)
