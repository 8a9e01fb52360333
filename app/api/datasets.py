"""The datasets: what is known of each, what its images look like; imports of others, fetching, removal."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app.api.dataset_schemas import (
    DatasetOut,
    DatasetTaskOut,
    ImportIn,
    SampleOut,
    StatisticsOut,
    dataset_out,
    statistics_out,
    task_out,
)
from app.dependencies import CurrentDatabase, CurrentSettings, Reading, TurnToWrite, Writing
from app.errors import problems
from app.uploads import received
from core.database import Database
from core.dataset_places import delete_dataset, place_of, places_of_datasets
from core.dataset_statistics import statistics_of
from core.dataset_store import MaterialisedDataset, materialised
from core.dataset_tables import DatasetTask
from core.dataset_tasks import enqueue_fetch, enqueue_import, refuse_taken_name
from core.import_wishes import MAX_CLASSES, ImportWishes
from core.known_datasets import known_dataset

router = APIRouter(prefix="/datasets", tags=["catalogue"])

Name = Annotated[str, Path(max_length=64, examples=["digits"])]
MOST_SAMPLES = 200
FILE: dict[str, Any] = {  # Any: FastAPI's own type for what it puts into OpenAPI
    "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"format": "binary"}}}}
}


@router.get("")
def list_datasets(session: Reading, settings: CurrentSettings) -> list[DatasetOut]:
    """Every dataset a run can train on; figures that are null are known after its first use."""
    return [dataset_out(place) for place in places_of_datasets(session, settings)]


@router.post("", status_code=202, responses=problems(400, 409, 413, 429, 507), openapi_extra=FILE)
async def upload_dataset(
    request: Request, asked: Annotated[ImportIn, Query()], settings: CurrentSettings, database: CurrentDatabase
) -> DatasetTaskOut:
    """Import a .zip, .tar or .tar.gz, which is the body: class folders, {number}_{label}.png, or IDX files.

    It is checked and read by the worker; the answer is that task. One bad file is enough that nothing is imported, and
    the task names each."""
    wishes = ImportWishes.model_validate(asked.model_dump(exclude={"file_name"}))
    await run_in_threadpool(_refuse_early, database, wishes.name)
    file = await received(request, settings)
    source = {"upload": file.name, "shown": "".join(filter(str.isprintable, asked.file_name)) or "upload"}
    try:
        async with request.app.state.turn_to_write:
            return task_out(await run_in_threadpool(_queued, database, wishes, source))
    except BaseException:
        file.unlink(missing_ok=True)
        raise


@router.get("/{name}", responses=problems(404))
def get_dataset(name: Name, session: Reading, settings: CurrentSettings) -> DatasetOut:
    """One dataset, also one whose images were deleted and whose runs are left."""
    return dataset_out(place_of(session, settings, known_dataset(session, name)))


@router.get("/{name}/samples", responses=problems(404, 409))
def get_samples(
    name: Name, session: Reading, settings: CurrentSettings,
    split: Literal["train", "test"] = "train",
    label: Annotated[int | None, Query(ge=0, lt=MAX_CLASSES, description="Images of this class only.")] = None,
    per_class: Annotated[int, Query(ge=1, le=MOST_SAMPLES)] = 3,
) -> list[SampleOut]:  # fmt: skip
    """The first images of each class, or of one."""
    dataset = materialised(settings.materialised_dir, known_dataset(session, name).name)
    labels = range(len(dataset.manifest.classes)) if label is None else [label]
    return [sample for one in labels for sample in _samples(dataset, split, one, per_class)]


@router.get("/{name}/statistics", responses=problems(404, 409))
def get_statistics(name: Name, session: Reading, settings: CurrentSettings) -> StatisticsOut:
    """Images of each class, the mean image of each, and its pixels."""
    dataset = materialised(settings.materialised_dir, known_dataset(session, name).name)
    return statistics_out(statistics_of(dataset), dataset.manifest.classes)


@router.post("/{name}/fetch", status_code=202, responses=problems(404, 409))
def fetch_dataset(name: Name, session: Writing) -> DatasetTaskOut:
    """Have the worker make a dataset of the catalogue ready now, which its first run would do otherwise."""
    return task_out(enqueue_fetch(session, name))


@router.delete("/{name}", status_code=204, responses=problems(404, 409))
def remove_dataset(
    name: Name, database: CurrentDatabase, settings: CurrentSettings, _: TurnToWrite,
    files: Annotated[bool, Query(description="Also the files as they were published.")] = False,
) -> Response:  # fmt: skip
    """Delete its images. Those of the catalogue can be fetched again; an import can be imported again, under the same
    name only with the same images where runs are left. Refused while a run waits for it or trains on it."""
    delete_dataset(database, settings, name, with_files=files)
    return Response(status_code=204)


def _samples(
    dataset: MaterialisedDataset, split: Literal["train", "test"], label: int, per_class: int
) -> list[SampleOut]:
    manifest = dataset.manifest
    if label >= len(manifest.classes):
        return []
    return [
        SampleOut(
            number=number,
            label=label,
            class_name=manifest.classes[label],
            url=f"/datasets/{manifest.name}/images/{split}/{number}.png",
        )
        for number in dataset.numbers_of_class(split, label, per_class)
    ]


def _refuse_early(database: Database, name: str) -> None:
    """Before a large file is sent for nothing. Raises NameTaken, TooManyTasks."""
    with database.reading() as session:
        refuse_taken_name(session, name)


def _queued(database: Database, wishes: ImportWishes, source: dict[str, str]) -> DatasetTask:
    with database.writing() as session:
        return enqueue_import(session, wishes, source)
