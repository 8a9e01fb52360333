"""What makes a rename outlast a power cut, and a file its original."""

import os
import shutil
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Puts the folder's names on the disk; a file's content is for its writer to sync."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def link_or_copy(original: Path, target: Path) -> None:
    """A hard link, which costs nothing and outlives the original; a copy where the disk has no such links. Raises
    FileNotFoundError where there is nothing to link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(original, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(original, target)
