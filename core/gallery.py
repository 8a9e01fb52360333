"""The gallery: images that users made, as networks saw them, with what they are and what was said of them then."""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import JSON, LargeBinary, func
from sqlmodel import Field, Session, SQLModel, col, select

from core.column_types import UtcDateTime
from core.tables import Json

MOST_IMAGES = 500
MOST_BYTES = 2**17  # of an image, before it is packed; those of 96×96 in colour have 27 KiB


class GalleryFull(ValueError):
    """There is no room for another image; the message says what to do."""


class ImageGone(LookupError):
    """The gallery has no image of that number."""


class KeptImage(SQLModel, table=True):
    """An image of the gallery; `label`: the name of the class that its maker meant."""

    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    dataset: str
    label: str
    shape: Json = Field(sa_type=JSON)  # [channels, height, width]
    content: bytes = Field(sa_type=LargeBinary)  # zlib over the pixels
    answers: Json = Field(sa_type=JSON)  # [{"run": 1, "model": "LeNet-5, seed 0", "epoch": 3, "said": "7", ...}]
    created_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(C, H, W)"""
        return np.frombuffer(zlib.decompress(self.content), np.uint8).reshape(self.shape)


def keep_image(
    session: Session, dataset: str, label: str, pixels: NDArray[np.uint8], answers: Sequence[dict[str, object]]
) -> KeptImage:
    """Raises GalleryFull."""
    if pixels.nbytes > MOST_BYTES:
        raise GalleryFull(f"An image of the gallery may have {MOST_BYTES:,} bytes; this one has {pixels.nbytes:,}.")
    if session.exec(select(func.count()).select_from(KeptImage)).one() >= MOST_IMAGES:
        raise GalleryFull(f"The gallery holds {MOST_IMAGES} images; delete one first.")
    kept = KeptImage(
        dataset=dataset, label=label, shape=list(pixels.shape), content=zlib.compress(pixels.tobytes(), 9),
        answers=list(answers), created_at=datetime.now(UTC),
    )  # fmt: skip
    session.add(kept)
    session.flush()
    return kept


def kept_images(session: Session) -> list[KeptImage]:
    """The newest first."""
    return list(session.exec(select(KeptImage).order_by(col(KeptImage.id).desc())))


def kept_image(session: Session, image_id: int) -> KeptImage:
    """Raises ImageGone."""
    kept = session.get(KeptImage, image_id)
    if kept is None:
        raise ImageGone(f"The gallery has no image {image_id}; it may have been deleted.")
    return kept


def delete_image(session: Session, image_id: int) -> None:
    """Raises ImageGone."""
    session.delete(kept_image(session, image_id))
