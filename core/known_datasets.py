"""The datasets of this installation: those of the catalogue, and those that were imported here."""

import re
from collections.abc import Mapping

from sqlmodel import Session, col, select

from core.dataset_tables import ImportedDataset
from core.datasets import DATASETS, Dataset, ImageShape, UnknownDataset

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)  # also of a folder, and of a part of an address


def datasets_here(session: Session) -> Mapping[str, Dataset]:
    """By name, those that a run can be launched on: the catalogue first, then imports by name."""
    rows = session.exec(
        select(ImportedDataset).where(col(ImportedDataset.deleted_at).is_(None)).order_by(col(ImportedDataset.name))
    )
    return {**DATASETS, **{row.name: as_dataset(row) for row in rows}}


def known_dataset(session: Session, name: str) -> Dataset:
    """Also one that was deleted, whose runs remain. Raises UnknownDataset."""
    if name in DATASETS:
        return DATASETS[name]
    row = session.get(ImportedDataset, name)
    if row is None:
        raise UnknownDataset(f"there is no dataset {name!r}; there are {', '.join(datasets_here(session))}")
    return as_dataset(row)


def image_shape_of(session: Session, name: str) -> ImageShape | None:
    """None for a dataset that only an older version knew."""
    try:
        return known_dataset(session, name).image_shape
    except UnknownDataset:
        return None


def as_dataset(row: ImportedDataset) -> Dataset:
    """As an entry of the catalogue; its title is its name."""
    channels, height, width = row.image_shape
    kind = "colour" if channels == 3 else "grey"
    return Dataset(
        name=row.name,
        title=row.name,
        summary=f"Imported: {row.num_train + row.num_test:,} {kind} images of {width}×{height} pixels.",
        classes=tuple(row.classes),
        image_shape=(channels, height, width),
        num_train=row.num_train,
        num_test=row.num_test,
        mean=row.mean,
        std=row.std,
        source=row.source,
        licence=row.licence,
        needs_network=False,
        is_imported=True,
    )
