"""Networks that users composed, kept under a name and a version. A version never changes: an edit makes the next.

A run config keeps its layers whole, so what happens here changes no run.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlmodel import Session, col, func, select, update

from core.architectures.catalogue import UnknownArchitecture
from core.architectures.layers import LAYERS, Layers
from core.architectures.names import name_problem, split_version, with_version
from core.architectures.shapes import ArchitectureError, trace_classifier
from core.datasets import Dataset
from core.invalid_run_config import InvalidRunConfig
from core.tables import SavedArchitecture

MAX_NOTES_LENGTH = 2000


def save(
    session: Session, name: str, layers: Layers, dataset: Dataset, notes: str = ""
) -> tuple[SavedArchitecture, bool]:
    """The version with these layers, and whether this call made it: the newest one's own layers are saved once.

    Raises InvalidRunConfig with `name` or `layers`."""
    versions = _versions(session, name)
    problems = {"name": problem} if (problem := _taken(name, versions)) else {}
    try:
        trace_classifier(layers, dataset.image_shape, len(dataset.classes))
    except ArchitectureError as error:
        problems[error.path] = str(error)
    if problems:
        raise InvalidRunConfig(problems)
    raw = LAYERS.dump_python(layers, mode="json")
    if versions and versions[-1].layers == raw:
        versions[-1].hidden_at = None
        session.add(versions[-1])
        return versions[-1], False
    saved = SavedArchitecture(
        name=name,
        version=versions[-1].version + 1 if versions else 1,
        layers=raw,
        dataset=dataset.name,
        image_shape=list(dataset.image_shape),
        num_classes=len(dataset.classes),
        notes=notes,
        created_at=datetime.now(UTC),
    )
    session.add(saved)
    session.flush()
    return saved, True


def hide(session: Session, name: str) -> None:
    """All versions, or the one that is named, are listed no more; raises UnknownArchitecture where none was listed."""
    name, version = split_version(name)
    mine = [col(SavedArchitecture.name) == name, col(SavedArchitecture.hidden_at).is_(None)]
    if version is not None:
        mine.append(col(SavedArchitecture.version) == version)
    if session.exec(update(SavedArchitecture).where(*mine).values(hidden_at=datetime.now(UTC))).rowcount == 0:
        raise UnknownArchitecture(name)


def restore(session: Session, name: str) -> None:
    """Undoes `hide`; raises UnknownArchitecture where there is nothing to undo."""
    name, version = split_version(name)
    mine = [col(SavedArchitecture.name) == name, col(SavedArchitecture.hidden_at).is_not(None)]
    if version is not None:
        mine.append(col(SavedArchitecture.version) == version)
    if session.exec(update(SavedArchitecture).where(*mine).values(hidden_at=None)).rowcount == 0:
        raise UnknownArchitecture(name)


def is_deleted(session: Session, reference: str) -> bool:
    """Whether such a one is there and listed no more."""
    name, version = split_version(reference)
    return any(saved.hidden_at and version in (None, saved.version) for saved in _versions(session, name))


def versions_listed(session: Session, reference: str) -> list[SavedArchitecture]:
    """Of the network that is named, the oldest first."""
    return [saved for saved in _versions(session, split_version(reference)[0]) if saved.hidden_at is None]


def saved_architectures(session: Session) -> list[SavedArchitecture]:
    """Every version that is listed, the newest of each name first."""
    listed = select(SavedArchitecture).where(col(SavedArchitecture.hidden_at).is_(None))
    name = func.lower(SavedArchitecture.name)
    return list(session.exec(listed.order_by(name, col(SavedArchitecture.version).desc())))


def newest_of_each(session: Session) -> list[SavedArchitecture]:
    newest: dict[str, SavedArchitecture] = {}
    for saved in saved_architectures(session):
        newest.setdefault(saved.name, saved)
    return list(newest.values())


def saved_named(session: Session, reference: str) -> SavedArchitecture:
    """ "mine@2" is that version, listed or not; "mine" the newest that is listed. Raises UnknownArchitecture."""
    name, version = split_version(reference)
    wanted = select(SavedArchitecture).where(SavedArchitecture.name == name)
    if version is not None:
        wanted = wanted.where(SavedArchitecture.version == version)
    else:
        wanted = wanted.where(col(SavedArchitecture.hidden_at).is_(None))
    found = session.exec(wanted.order_by(col(SavedArchitecture.version).desc()).limit(1)).first()
    if found is None:
        raise UnknownArchitecture(reference)
    return found


def reference_of(saved: SavedArchitecture) -> str:
    return with_version(saved.name, saved.version)


def _versions(session: Session, name: str) -> list[SavedArchitecture]:
    """All of this name in any case, listed or not, the oldest first."""
    alike = select(SavedArchitecture).where(func.lower(SavedArchitecture.name) == name.lower())
    return list(session.exec(alike.order_by(col(SavedArchitecture.version))))


def _taken(name: str, versions: Sequence[SavedArchitecture]) -> str | None:
    other = next((saved.name for saved in versions if saved.name != name), None)
    if (problem := name_problem(name)) is not None or other is None:
        return problem
    return f"differs from {other}, which there is, in nothing but its capitals"
