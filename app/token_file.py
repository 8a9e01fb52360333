"""The token that is made where others can reach the server and none is set: a file that its owner alone can read."""

import os
import re
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from core.settings import Settings

FOR_OTHERS = 0o077  # permission bits
MADE_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # secrets.token_urlsafe(32)


class TokenUnusable(Exception):
    """The token file cannot be made, read or trusted; the text tells the user why, and what to do."""


def with_token(settings: Settings) -> Settings:
    """The settings as the server takes them: wherever others can reach it, with a token. Raises TokenUnusable.

    On this machine alone a token is asked for where one is set, never because a file was left behind.
    """
    if settings.is_local_only or settings.token is not None:
        return settings
    return settings.model_copy(update={"token": SecretStr(_token_in(settings.token_file))})


def _token_in(file: Path) -> str:
    try:
        if not file.exists():
            _make(file)
        with file.open(encoding="ascii", errors="replace") as opened:
            mode, token = os.fstat(opened.fileno()).st_mode, opened.read().strip()
    except OSError as problem:
        raise TokenUnusable(
            f"the token file {file} cannot be made or read ({problem.strerror}); set TRAINYARD_TOKEN instead"
        ) from problem
    if mode & FOR_OTHERS:
        fault = f"can be read by others (mode {mode & 0o777:o}), who may know the token by now"
    elif not MADE_TOKEN.fullmatch(token):
        fault = "does not hold a token as Trainyard makes them"
    else:
        return token
    raise TokenUnusable(f"{file} {fault}; remove it, and the next start makes a new one")


def _make(file: Path) -> None:
    """Whole and closed to others from its first moment; of two servers that make it at once, one does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(prefix="token-", dir=file.parent)  # O_EXCL, mode 0600
    try:
        with os.fdopen(descriptor, "w") as opened:
            opened.write(secrets.token_urlsafe(32) + "\n")
            opened.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):  # the other was first
            os.link(unfinished, file)
    finally:
        Path(unfinished).unlink()
