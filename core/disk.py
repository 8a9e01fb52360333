"""How much of the disk the data folder takes, and what is left."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func
from sqlmodel import Session, select

from core.settings import Settings
from core.tables import Artifact


@dataclass(frozen=True)
class DiskUse:
    """All in bytes. `runs_bytes` is what their artifacts hold, as recorded."""

    runs_bytes: int
    datasets_bytes: int
    database_bytes: int
    free_bytes: int
    total_bytes: int


def disk_use(session: Session, settings: Settings) -> DiskUse:
    disk = shutil.disk_usage(settings.data_dir)
    file = settings.database_file
    return DiskUse(
        runs_bytes=session.exec(select(func.coalesce(func.sum(Artifact.num_bytes), 0))).one(),
        datasets_bytes=sum(_bytes_below(folder) for folder in (settings.datasets_dir, settings.materialised_dir)),
        database_bytes=sum(f.stat().st_size for f in file.parent.glob(f"{file.name}*") if f.is_file()),
        free_bytes=disk.free,
        total_bytes=disk.total,
    )


def _bytes_below(folder: Path) -> int:
    """Files may come and go meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(parent, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
