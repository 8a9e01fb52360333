"""The shapes of datasets and of the tasks that bring them."""

from pydantic import AwareDatetime, Field

from app.api.schemas import Shape
from core.dataset_places import DatasetPlace
from core.dataset_statistics import Statistics
from core.dataset_tables import DatasetTask
from core.import_wishes import ImportWishes
from core.run_state import RunState


class DatasetOut(Shape):
    name: str = Field(examples=["digits"])
    title: str
    summary: str
    classes: tuple[str, ...]
    image_shape: tuple[int, ...] = Field(
        min_length=3, max_length=3, description="(channels, height, width)", examples=[[1, 28, 28]]
    )
    num_train: int | None = Field(examples=[1437])
    num_test: int | None = Field(examples=[360])
    mean: float | None = Field(description="of pixels in [0, 1]; null until measured")
    std: float | None
    source: str
    licence: str
    needs_network: bool = Field(description="whether its first use fetches it")
    is_imported: bool = Field(description="whether it was imported here, rather than listed with every installation")
    is_ready: bool = Field(description="whether its images lie here already")
    num_bytes: int = Field(description="that its images take on the disk")
    files_bytes: int = Field(description="that its files as published take beside them")
    num_runs: int = Field(description="that were launched on it, those in the bin as well")


class SampleOut(Shape):
    """An image of a split; its pixels are at `url`, as PNG."""

    number: int
    label: int
    class_name: str
    url: str = Field(examples=["/datasets/digits/images/train/0.png"])


class ClassStatisticsOut(Shape):
    class_name: str
    num_train: int
    num_test: int
    mean_image: tuple[tuple[tuple[int, ...], ...], ...] = Field(description="(C, H, W), levels from 0 to 255, of train")


class StatisticsOut(Shape):
    """Of the train split, but for `num_test`; means and deviations are of pixels in [0, 1]."""

    classes: tuple[ClassStatisticsOut, ...]
    channel_means: tuple[float, ...]
    channel_stds: tuple[float, ...]
    histogram: tuple[int, ...] = Field(description="pixels in each of 32 ranges of 8 levels, from black")


class ImportIn(ImportWishes):
    """What an upload is to become; in the query, as the body is the file."""

    file_name: str = Field("upload", max_length=200, description="what the file is called, for the record")


class FolderImportIn(ImportWishes):
    """What an entry of the import folder is to become."""

    entry: str = Field(max_length=255, description="its name in GET /api/v1/import-folder", examples=["shapes.zip"])


class EntryOut(Shape):
    name: str
    is_folder: bool
    num_bytes: int | None = Field(description="null of a folder")


class ImportFolderOut(Shape):
    folder: str = Field(description="on the server's machine; what is put there can be imported")
    entries: tuple[EntryOut, ...]


class BadFileOut(Shape):
    name: str
    reason: str = Field(examples=["is a link, a device or a pipe"])


class DatasetTaskOut(Shape):
    """An import or a fetch: queued, done by the worker, and what came of it."""

    id: int
    kind: str = Field(examples=["import"])
    dataset: str
    state: RunState
    says: str = Field(description="what is being done", examples=["reading image 1,200 of 70,000"])
    fraction: float | None = Field(description="how far that is")
    reason: str | None = Field(description="why it failed")
    suggestion: str | None
    bad_files: tuple[BadFileOut, ...] = Field(description="the first hundred; one is enough that nothing is imported")
    num_bad_files: int
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None


def dataset_out(place: DatasetPlace) -> DatasetOut:
    """With the manifest's figures once the images lie here."""
    manifest = place.manifest
    measured = manifest.model_dump(include={"classes", "num_train", "num_test", "mean", "std"}) if manifest else {}
    here = {name: getattr(place, name) for name in ("num_bytes", "files_bytes", "num_runs")}
    return DatasetOut.model_validate(vars(place.dataset) | measured | here | {"is_ready": manifest is not None})


def statistics_out(statistics: Statistics, classes: tuple[str, ...]) -> StatisticsOut:
    rows = zip(classes, statistics.num_train, statistics.num_test, statistics.mean_images, strict=True)
    return StatisticsOut(
        classes=tuple(
            ClassStatisticsOut(class_name=name, num_train=train, num_test=test, mean_image=image.tolist())
            for name, train, test, image in rows
        ),
        channel_means=statistics.channel_means,
        channel_stds=statistics.channel_stds,
        histogram=statistics.histogram,
    )


def task_out(task: DatasetTask) -> DatasetTaskOut:
    told = task.model_dump(include=set(DatasetTaskOut.model_fields) - {"bad_files"})
    bad_files = tuple(BadFileOut(name=name, reason=reason) for name, reason in task.bad_files)
    return DatasetTaskOut.model_validate(told | {"bad_files": bad_files})
