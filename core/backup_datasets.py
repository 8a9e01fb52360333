"""The images of imported datasets in a backup: nobody else may have them. Those of the catalogue are made again."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.backup_contents import BackupRefused
from core.database import sqlite_module
from core.dataset_store import MANIFEST, DatasetBroken, DatasetMissing, materialised
from core.known_datasets import NAME

FOLDER = "materialised"  # as Settings.materialised_dir, below the data folder and in the tar
_FILES = (MANIFEST, *(f"{split}_{what}.npy" for split in ("train", "test") for what in ("images", "labels")))


@dataclass(frozen=True)
class NamedDataset:
    """A dataset that was imported, as the database has it; `sha256` is of its classes and images."""

    name: str
    sha256: str
    mean: float
    std: float

    @property
    def files(self) -> list[str]:
        """Their paths below the data folder and in the tar."""
        return [f"{FOLDER}/{self.name}/{file}" for file in _FILES]

    def is_whole(self, folder: Path) -> bool:
        """Whether its images lie below this folder and are those; reads all of them."""
        try:
            dataset = materialised(folder / FOLDER, self.name)
            dataset.check()
        except (DatasetMissing, DatasetBroken):
            return False
        manifest = dataset.manifest
        return (manifest.content_sha256, manifest.mean, manifest.std) == (self.sha256, self.mean, self.std)


def named_datasets(database_file: Path) -> list[NamedDataset]:
    """Those that were not deleted; raises BackupRefused for a name that none of ours has."""
    query = "SELECT name, sha256, mean, std FROM importeddataset WHERE deleted_at IS NULL ORDER BY name"
    with closing(sqlite_module().connect(database_file)) as connection:
        (is_known,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'importeddataset'").fetchone()
        named = [NamedDataset(*row) for row in connection.execute(query)] if is_known else []
    strange = next((one.name for one in named if not NAME.fullmatch(one.name)), None)
    if strange is not None:
        raise BackupRefused(f"The database names the dataset {strange!r}, which nobody can have imported.")
    return named
