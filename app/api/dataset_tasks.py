"""The tasks that bring datasets, and what lies in the import folder."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.api.dataset_schemas import DatasetTaskOut, EntryOut, FolderImportIn, ImportFolderOut, task_out
from app.api.schemas import from_row
from app.dependencies import LARGEST_ID, CurrentDatabase, CurrentSettings, Reading, TurnToWrite, Writing
from app.errors import problems
from core.dataset_files import cancel_and_remove, entries, entry_named
from core.dataset_tasks import enqueue_import, newest_tasks, task_by_id
from core.import_wishes import ImportWishes

router = APIRouter(tags=["catalogue"])

TaskId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The task's id.", examples=[1])]


@router.get("/dataset-tasks")
def list_dataset_tasks(session: Reading, limit: Annotated[int, Query(ge=1, le=200)] = 20) -> list[DatasetTaskOut]:
    """Imports and fetches: those under way first, then the newest."""
    return [task_out(task) for task in newest_tasks(session, limit)]


@router.get("/dataset-tasks/{task_id}", responses=problems(404))
def get_dataset_task(task_id: TaskId, session: Reading) -> DatasetTaskOut:
    """How far it is, what came of it, and each file that was refused."""
    return task_out(task_by_id(session, task_id))


@router.post("/dataset-tasks/{task_id}/cancel", responses=problems(404))
def cancel_dataset_task(
    task_id: TaskId, database: CurrentDatabase, settings: CurrentSettings, _: TurnToWrite
) -> DatasetTaskOut:
    """Nothing of it is left; one that has ended stays as it is."""
    return task_out(cancel_and_remove(database, settings, task_id))


@router.get("/import-folder")
def list_import_folder(settings: CurrentSettings) -> ImportFolderOut:
    """What lies on the server's machine to be imported by its name; nothing outside of this folder can be named."""
    found = tuple(from_row(EntryOut, entry) for entry in entries(settings))
    return ImportFolderOut(folder=str(settings.import_folder), entries=found)


@router.post("/import-folder", status_code=202, responses=problems(400, 404, 409))
def import_from_folder(asked: FolderImportIn, session: Writing, settings: CurrentSettings) -> DatasetTaskOut:
    """Import an archive or a folder from there; it stays as it is."""
    name = entry_named(settings, asked.entry).name
    wishes = ImportWishes.model_validate(asked.model_dump(exclude={"entry"}))
    return task_out(enqueue_import(session, wishes, {"entry": name, "shown": name}))
