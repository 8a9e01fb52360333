"""Where the images of a dataset lie, how much room they take, and how they are removed."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session, col, select

from core.database import Database
from core.dataset_files import remove_images
from core.dataset_store import DatasetBroken, DatasetMissing, Manifest, materialised
from core.dataset_tables import DatasetTask, ImportedDataset
from core.dataset_tasks import OPEN, num_runs_on
from core.datasets import RAW_FOLDERS, Dataset
from core.disk import bytes_below
from core.known_datasets import datasets_here, known_dataset
from core.run_state import ENDED
from core.settings import Settings
from core.tables import Run


class DatasetInUse(ValueError):
    """Runs wait for it or train on it, or it is being made ready."""


@dataclass(frozen=True)
class DatasetPlace:
    """A dataset and what of it lies here. `manifest` is None where its images do not; `files_bytes` are those as they
    were published, which are kept beside the images."""

    dataset: Dataset
    manifest: Manifest | None
    is_broken: bool
    folder: Path
    num_bytes: int
    files: Path | None
    files_bytes: int
    num_runs: int
    task: DatasetTask | None  # that is open


def places_of_datasets(session: Session, settings: Settings) -> list[DatasetPlace]:
    """Of every dataset that a run can be launched on."""
    return [place_of(session, settings, dataset) for dataset in datasets_here(session).values()]


def place_of(session: Session, settings: Settings, dataset: Dataset) -> DatasetPlace:
    folder, files = settings.materialised_dir / dataset.name, _files_of(settings, dataset.name)
    manifest, is_broken = None, False
    try:
        manifest = materialised(settings.materialised_dir, dataset.name).manifest
    except DatasetMissing:
        pass
    except DatasetBroken:
        is_broken = True
    own = select(DatasetTask).where(DatasetTask.dataset == dataset.name, col(DatasetTask.state).in_(OPEN))
    return DatasetPlace(
        dataset=dataset, manifest=manifest, is_broken=is_broken, folder=folder, num_bytes=bytes_below(folder),
        files=files, files_bytes=bytes_below(files) if files else 0, num_runs=num_runs_on(session, dataset.name),
        task=session.exec(own).first(),
    )  # fmt: skip


def delete_dataset(database: Database, settings: Settings, name: str, *, with_files: bool = False) -> None:
    """Its images, and of an import its name, unless runs speak of it; `with_files`: also the files as published.

    Raises UnknownDataset, DatasetInUse.
    """
    with database.writing() as session:
        known_dataset(session, name)
        _refuse_in_use(session, name)
        row = session.get(ImportedDataset, name)
        if row is not None and num_runs_on(session, name):
            row.deleted_at = row.deleted_at or datetime.now(UTC)
        elif row is not None:
            session.delete(row)
    remove_images(settings, name)
    files = _files_of(settings, name)
    if with_files and files is not None:
        shutil.rmtree(files, ignore_errors=True)


def _refuse_in_use(session: Session, name: str) -> None:
    open_runs = select(Run.id).where(Run.dataset == name, col(Run.state).not_in(ENDED))
    num = len(session.exec(open_runs).all())
    if num:
        runs = "A run waits for it or trains" if num == 1 else f"{num:,} runs wait for it or train"
        until = "Cancel it, or wait until it has" if num == 1 else "Cancel them, or wait until they have"
        raise DatasetInUse(f"{runs} on {name}. {until} ended.")
    at_work = select(DatasetTask.id).where(DatasetTask.dataset == name, col(DatasetTask.state).in_(OPEN))
    if session.exec(at_work.limit(1)).first() is not None:
        raise DatasetInUse(f"{name} is being made ready. Cancel that, or wait.")


def _files_of(settings: Settings, name: str) -> Path | None:
    """Of a published dataset; those of `archive` are the user's own and stay."""
    return settings.datasets_dir / RAW_FOLDERS[name] if name in RAW_FOLDERS else None
