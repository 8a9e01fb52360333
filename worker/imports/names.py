"""Names of files from outside: which are taken, which are passed over, and which are refused."""

import re
import unicodedata
from pathlib import PurePosixPath

from worker.imports.refusals import BadFile

MAX_LENGTH, MAX_DEPTH = 512, 12
_DRIVE = re.compile(r"[A-Za-z]:")
_JOINERS = "\u200c\u200d"  # that some scripts, and emoji, are written with
IMAGES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"})
WORDS = frozenset({".txt", ".md", ".csv", ".tsv", ".json", ".html", ".rst", ".yaml", ".yml"})
WORDS_WITHOUT_SUFFIX = frozenset({"license", "licence", "readme", "copying", "citation"})
LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


def safe_path(name: str) -> PurePosixPath:
    """The parts below the archive's root; raises BadFile for a name that is no plain one below it.

    Every kind of space is the usual one: the Mac puts a narrow one into the names of screenshots.
    """
    name = "".join(" " if unicodedata.category(one) == "Zs" else one for one in unicodedata.normalize("NFC", name))
    if "\0" in name:
        raise BadFile("has a NUL in its name")
    if any(not character.isprintable() and character not in _JOINERS for character in name):
        raise BadFile("has a control character, or no character at all, in its name")
    if name.startswith("/") or _DRIVE.match(name):
        raise BadFile("has an absolute path")
    if "\\" in name:
        raise BadFile("has a backslash in its name")
    path = PurePosixPath(name)
    if ".." in path.parts:
        raise BadFile("leads out of its folder with ..")
    if not path.parts or not all(part.strip() for part in path.parts):
        raise BadFile("has no name")
    if len(name) > MAX_LENGTH or len(path.parts) > MAX_DEPTH:
        raise BadFile(f"has a name of more than {MAX_LENGTH} characters or {MAX_DEPTH} folders")
    return path


def is_folder_icon(name: str) -> bool:
    """Of a Mac; that its name ends with a carriage return makes it no plain one."""
    return name.rsplit("/", 1)[-1] in ("Icon\r", "._Icon\r")


def is_litter(path: PurePosixPath) -> bool:
    """What systems leave behind: no images, and no harm."""
    return any(part.startswith((".", "._")) or part.lower() in LITTER for part in path.parts)


def is_words(path: PurePosixPath) -> bool:
    """A text beside the images, such as a licence: passed over, and told."""
    return path.suffix.lower() in WORDS or path.name.lower() in WORDS_WITHOUT_SUFFIX


def is_image(path: PurePosixPath) -> bool:
    return path.suffix.lower() in IMAGES


class SeenNames:
    """Notices a name that was there before, also where only a file system that knows no case would."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def add(self, path: PurePosixPath) -> None:
        """Raises BadFile."""
        key, name = str(path).casefold(), str(path)
        before = self._seen.setdefault(key, name)
        if before is not name:
            raise BadFile("is there twice" if before == name else "differs from another name only in case")
