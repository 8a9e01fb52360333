"""The files of imports: uploads under names of our own, what lies in the import folder, and what a stopped one left.

A client never names a path: an upload gets a number from us, an entry of the import folder is looked up in its listing.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, col, select

from core.database import Database
from core.dataset_tables import DatasetTask
from core.dataset_tasks import OPEN, cancel_task
from core.settings import Settings

MOST_ENTRIES = 200  # of the import folder, that are listed
_UPLOAD = re.compile(r"upload-[0-9a-f]{32}")
_STAGING = re.compile(r"\.import-(\d{1,19})")
_GONE = re.compile(r"\..+\.gone-[0-9a-f]{8}")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")


class EntryNotFound(LookupError):
    """The import folder has nothing of that name that could be imported."""


class NoRoom(OSError):
    """The disk has not the room that an upload takes."""


@dataclass(frozen=True)
class Entry:
    """An archive or a folder that lies in the import folder; a folder's bytes are not counted."""

    name: str
    is_folder: bool
    num_bytes: int | None


def new_upload(settings: Settings) -> Path:
    """A path of our own for what comes in; its folder is there."""
    settings.incoming_dir.mkdir(parents=True, exist_ok=True)
    return settings.incoming_dir / f"upload-{secrets.token_hex(16)}"


def entries(settings: Settings) -> list[Entry]:
    """By name, at most MOST_ENTRIES; links and hidden files are left out."""
    try:
        with os.scandir(settings.import_folder) as found:
            listed = sorted((entry for entry in found if _can_be_imported(entry)), key=lambda entry: entry.name)
            return [_entry(one) for one in listed[:MOST_ENTRIES]]
    except OSError:  # not there: nobody has put anything into it
        return []


def entry_named(settings: Settings, name: str) -> Entry:
    """Raises EntryNotFound for whatever is not in the listing."""
    for entry in entries(settings):
        if entry.name == name:
            return entry
    raise EntryNotFound(f"There is no archive or folder of that name in {settings.import_folder}.")


def path_of_source(settings: Settings, source: dict[str, str]) -> Path:
    """Where the files of an import lie: {"upload": ...} or {"entry": ...}. Raises EntryNotFound."""
    if "upload" in source:
        assert _UPLOAD.fullmatch(source["upload"])
        return settings.incoming_dir / source["upload"]
    return settings.import_folder / entry_named(settings, source["entry"]).name


def staging_of(settings: Settings, task_id: int) -> Path:
    """Where the images of an import are made ready before they take their place."""
    return settings.materialised_dir / f".import-{task_id}"


def remove_files_of(settings: Settings, task: DatasetTask) -> None:
    """What an import that has ended leaves behind; what the user put into the import folder stays."""
    assert task.id is not None
    shutil.rmtree(staging_of(settings, task.id), ignore_errors=True)
    upload = task.wishes.get("source", {}).get("upload")
    if upload and _UPLOAD.fullmatch(upload):
        (settings.incoming_dir / upload).unlink(missing_ok=True)


def remove_files_of_ended(session: Session, settings: Settings) -> None:
    """What nobody was left to remove: of imports cancelled after their worker had died, or tried too often."""
    for task in session.exec(select(DatasetTask).where(col(DatasetTask.state).not_in(OPEN))):
        remove_files_of(settings, task)


def cancel_and_remove(database: Database, settings: Settings, task_id: int) -> DatasetTask:
    """Raises TaskNotFound."""
    with database.writing() as session:
        task, was_queued = cancel_task(session, task_id)
    if was_queued:
        remove_files_of(settings, task)
    return task


def remove_stale_files(session: Session, settings: Settings) -> None:
    """At the server's start: uploads that were cut off, and what was being removed, or made by imports that have ended,
    when a process was killed."""
    open_tasks = session.exec(select(DatasetTask).where(col(DatasetTask.state).in_(OPEN))).all()
    kept = {task.wishes.get("source", {}).get("upload") for task in open_tasks}
    for file in _inside(settings.incoming_dir):
        if _UPLOAD.match(file.name) and file.name not in kept:
            file.unlink(missing_ok=True)
    at_work = {task.id for task in open_tasks}
    for folder in _inside(settings.materialised_dir):
        match = _STAGING.fullmatch(folder.name)
        if _GONE.fullmatch(folder.name) or (match and int(match[1]) not in at_work):
            shutil.rmtree(folder, ignore_errors=True)


def remove_images(settings: Settings, name: str) -> None:
    """Of a dataset in the store; gone under its name at once, even where its files are many."""
    folder = settings.materialised_dir / name
    gone = settings.materialised_dir / f".{name}.gone-{secrets.token_hex(4)}"
    with suppress(FileNotFoundError):
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _inside(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from list(folder.iterdir())


def _can_be_imported(entry: "os.DirEntry[str]") -> bool:
    if entry.name.startswith(".") or not entry.name.isprintable() or entry.is_symlink():
        return False
    return entry.is_dir(follow_symlinks=False) or (
        entry.is_file(follow_symlinks=False) and entry.name.lower().endswith(ARCHIVES)
    )


def _entry(entry: "os.DirEntry[str]") -> Entry:
    is_folder = entry.is_dir(follow_symlinks=False)
    return Entry(entry.name, is_folder, None if is_folder else entry.stat(follow_symlinks=False).st_size)
