"""What takes how much of the disk, and what is left. The runs' files count as recorded, each once."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from core.run_tables import Artifact
from core.settings import Settings
from core.tables import Run

CHECKPOINTS = ("checkpoint", "best_checkpoint")


@dataclass(frozen=True)
class DiskUse:
    """All in bytes. `weights_bytes` is what runs left beside checkpoints; both are without the runs in the bin.
    `copies_bytes`: the database as it was before each migration."""

    checkpoints_bytes: int
    weights_bytes: int
    bin_bytes: int
    datasets_bytes: int
    database_bytes: int
    copies_bytes: int
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class RunUse:
    run: Run
    num_bytes: int
    checkpoints_bytes: int


@dataclass(frozen=True)
class FreeSpace:
    """In bytes; below `floor_bytes` no run is started."""

    free_bytes: int
    total_bytes: int
    floor_bytes: int

    @property
    def is_low(self) -> bool:
        return self.free_bytes < self.floor_bytes


def free_space(settings: Settings) -> FreeSpace:
    disk = shutil.disk_usage(settings.data_dir)
    return FreeSpace(disk.free, disk.total, settings.min_free_mib * 2**20)


def disk_use(session: Session, settings: Settings) -> DiskUse:
    disk, name = shutil.disk_usage(settings.data_dir), settings.database_file.name
    checkpoints, weights, binned = _bytes_of_files(session)
    return DiskUse(
        checkpoints_bytes=checkpoints,
        weights_bytes=weights,
        bin_bytes=binned,
        datasets_bytes=sum(bytes_below(folder) for folder in (settings.datasets_dir, settings.materialised_dir)),
        database_bytes=_bytes_of(settings.data_dir, name, f"{name}-*"),
        copies_bytes=_bytes_of(settings.data_dir, f"{name}.schema-*"),
        free_bytes=disk.free,
        total_bytes=disk.total,
    )


def bytes_in_bin(session: Session) -> int:
    """What emptying the bin would free."""
    return _bytes_of_files(session)[2]


def largest_runs(session: Session, *, limit: int, in_bin: bool = False) -> list[RunUse]:
    """The runs whose files take most, in the bin or outside of it; those without files are left out."""
    files = _files()
    total = func.sum(files.c.num_bytes)
    checkpoints = func.sum(case((files.c.is_checkpoint, files.c.num_bytes), else_=0))
    deleted_at = col(Run.deleted_at)
    query = select(Run, total, checkpoints).join(files, col(Run.id) == files.c.run_id).group_by(col(Run.id))
    found = query.where(deleted_at.is_not(None) if in_bin else deleted_at.is_(None)).order_by(total.desc()).limit(limit)
    return [RunUse(*row) for row in session.exec(found)]


def bytes_of_runs(session: Session, run_ids: list[int]) -> dict[int, int]:
    """What each run's files take; 0 without any."""
    files = _files()
    sums = select(files.c.run_id, func.sum(files.c.num_bytes)).where(files.c.run_id.in_(run_ids))
    return dict.fromkeys(run_ids, 0) | dict(session.exec(sums.group_by(files.c.run_id)).all())


def _bytes_of_files(session: Session) -> tuple[int, int, int]:
    """Of checkpoints, of all else, and of what is in the bin."""
    files, in_bin = _files(), col(Run.deleted_at).is_not(None)
    kinds = (~in_bin & files.c.is_checkpoint, ~in_bin & ~files.c.is_checkpoint, in_bin)
    sums = [func.coalesce(func.sum(case((kind, files.c.num_bytes), else_=0)), 0) for kind in kinds]
    found = session.exec(select(*sums).select_from(files).join(Run, col(Run.id) == files.c.run_id)).one()
    return found[0], found[1], found[2]


def _files() -> Any:  # a subquery, whose columns SQLAlchemy types as Any
    """Each file once: the last checkpoint may also be the best."""
    is_checkpoint = col(Artifact.kind).in_(CHECKPOINTS).label("is_checkpoint")
    return select(Artifact.run_id, Artifact.file_name, Artifact.num_bytes, is_checkpoint).distinct().subquery()


def _bytes_of(folder: Path, *patterns: str) -> int:
    return sum(_size_of(file) for pattern in patterns for file in folder.glob(pattern))


def bytes_below(folder: Path) -> int:
    """Of all files in the folder and its folders; 0 where it is not there."""
    return sum(_size_of(Path(parent, name)) for parent, _, names in os.walk(folder) for name in names)


def _size_of(file: Path) -> int:
    """Files may come and go meanwhile."""
    try:
        return file.lstat().st_size
    except FileNotFoundError:
        return 0
