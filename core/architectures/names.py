"""What a network of the user's own may be called, and how its name is said with a version: "mine@2"."""

import re

from core.architectures.catalogue import FAMILIES

MAX_NAME_LENGTH = 40
MAX_REFERENCE_LENGTH = 64
# Commas, semicolons, spaces and "@" stand between names in forms and addresses.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_REFERENCE = re.compile(r"(.*)@([1-9][0-9]{0,8})", re.DOTALL)


def name_problem(name: str) -> str | None:
    """Why no network can be saved under it; None where one can."""
    if not name:
        return "is missing: the network needs a name"
    if len(name) > MAX_NAME_LENGTH:
        return f"must have at most {MAX_NAME_LENGTH} characters"
    if _NAME.fullmatch(name) is None:
        return "may have letters (A to Z), digits, dots, hyphens and underscores, and begins with a letter or digit"
    if name.lower() in FAMILIES:
        return "is a family of the catalogue; take another"
    return None


def split_version(reference: str) -> tuple[str, int | None]:
    """ "mine@2" -> ("mine", 2), "mine" -> ("mine", None)."""
    found = _REFERENCE.fullmatch(reference)
    return (found[1], int(found[2])) if found else (reference, None)


def with_version(name: str, version: int) -> str:
    return f"{name}@{version}"
