"""`trainyard backup` and `trainyard restore`, as the console tells them."""

import sys
from pathlib import Path

from app.formatting import size
from core.backup import back_up
from core.backup_contents import BackupRefused, Manifest
from core.backup_restore import restore_backup
from core.settings import Settings


def back_up_to(settings: Settings, file: str) -> int:
    """The exit code: 1 where it was refused, and said why."""
    try:
        manifest = back_up(settings, Path(file))
    except BackupRefused as refused:
        return _tell(refused)
    told = f"Backed up {_contents(manifest)}, {size(Path(file).stat().st_size)}."
    print(f"{told} Not in it: the token, and images that can be fetched or made again.")
    return 0


def restore_from(settings: Settings, file: str) -> int:
    """The exit code: 1 where it was refused, and said why."""
    try:
        manifest = restore_backup(settings, Path(file))
    except BackupRefused as refused:
        return _tell(refused)
    print(f"Restored {_contents(manifest)} into {settings.data_dir}, as of {manifest.created_at:%Y-%m-%d %H:%M} UTC.")
    return 0


def _tell(refused: BackupRefused) -> int:
    print(f"trainyard: {refused}", file=sys.stderr)
    return 1


def _contents(manifest: Manifest) -> str:
    """In words; names on standard error what the backup lacks."""
    for name in manifest.left_out:
        print(f"trainyard: not in the backup, as it was missing or damaged: {name}", file=sys.stderr)
    runs = f"{_counted(manifest.num_runs, 'run')} with {_counted(manifest.num_files, 'file')}"
    return f"{runs} and {_counted(len(manifest.datasets), 'imported dataset')}" if manifest.datasets else runs


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
