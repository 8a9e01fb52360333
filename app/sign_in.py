"""What lets a visitor in: the token, the cookie that a browser got for it, or a code that works once."""

import hashlib
import hmac
import secrets
from contextlib import suppress
from pathlib import Path
from time import monotonic, time

SESSION_COOKIE = "trainyard_session"
CODE_SECONDS = 600  # time to go from terminal to browser; the link may stay in a log for ever. Guess, untuned
MAX_GUESSES = 30  # different wrong tokens in a minute, from all visitors together; guess, untuned


class TooManyGuesses(Exception):
    """For the rest of the minute nobody's token is looked at."""


class TokenCheck:
    """Knows the server's token."""

    def __init__(self, token: str) -> None:
        self._token = token
        # What the cookie of a signed-in browser holds: made from the token, which cannot be had back from it.
        self.session = hmac.new(token.encode(), b"trainyard session", hashlib.sha256).hexdigest()
        self._minute, self._wrong = 0.0, set[str]()

    def is_token(self, shown: str) -> bool:
        """Raises TooManyGuesses. A program that shows one outdated token again and again makes a single guess."""
        minute = monotonic() // 60
        if minute != self._minute:
            self._minute, self._wrong = minute, set()
        if len(self._wrong) >= MAX_GUESSES:  # the right one too, or a refusal would tell that it is wrong
            raise TooManyGuesses("Too many wrong tokens were shown; wait a minute.")
        is_right = _is_same(shown, self._token)
        if not is_right:
            self._wrong.add(shown)
        return is_right

    def is_session(self, cookie: str) -> bool:
        return _is_same(cookie, self.session)


def new_code(folder: Path) -> str:
    """A code that the server over this data folder takes once; an empty file named by the code's hash stands for it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in folder.iterdir():
        if not _is_fresh(file):
            file.unlink(missing_ok=True)
    code = secrets.token_urlsafe(24)
    _file_of(folder, code).touch(mode=0o600, exist_ok=False)
    return code


def is_code(folder: Path, code: str) -> bool:
    """Whether it can be used now; a look does not use it."""
    return _is_fresh(_file_of(folder, code))


def use_code(folder: Path, code: str) -> bool:
    """Whether it could be used, which it now no longer can: of two that try at once, one removes the file."""
    is_good = is_code(folder, code)
    try:
        _file_of(folder, code).unlink()
    except FileNotFoundError:
        return False
    return is_good


def _file_of(folder: Path, code: str) -> Path:
    return folder / hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()


def _is_fresh(file: Path) -> bool:
    with suppress(FileNotFoundError):
        return abs(time() - file.stat().st_mtime) < CODE_SECONDS  # a clock set back makes none last longer
    return False


def _is_same(shown: str, secret: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(shown.encode("utf-8", "replace"), secret.encode())
