"""What is wrong with an import: with single files, which are all named, or with the whole, which ends it at once."""

from dataclasses import dataclass, field

MOST_NAMED = 100
MOST_COUNTED = 1_000  # bad files; more are not looked for
MAX_SHOWN = 160  # characters of a name


class ImportRefused(ValueError):
    """The whole cannot be imported; reason and suggestion are fit for the page."""

    def __init__(self, reason: str, suggestion: str = "", bad: "BadFiles | None" = None) -> None:
        super().__init__(reason)
        self.reason, self.suggestion, self.bad = reason, suggestion, bad or BadFiles()


class BadFile(ValueError):
    """One file cannot be imported; the reason begins as what is said of it: "is a link"."""


@dataclass
class BadFiles:
    """Names with reasons, so many at most; the rest is counted."""

    named: list[tuple[str, str]] = field(default_factory=list)
    num: int = 0

    def add(self, name: str, reason: str) -> None:
        self.num += 1
        if len(self.named) < MOST_NAMED:
            self.named.append((shown(name), reason))
        if self.num >= MOST_COUNTED:
            self.refuse_if_any()

    def refuse_if_any(self) -> None:
        """Raises ImportRefused: all or nothing."""
        if self.num:
            more = " or more" if self.num >= MOST_COUNTED else ""
            how_many, them = ("One file", "it") if self.num == 1 else (f"{self.num:,}{more} files", "them")
            raise ImportRefused(
                f"{how_many} cannot be used, so nothing was imported.",
                f"Mend or remove {them}, then import again.",
                self,
            )


def shown(name: str) -> str:
    """A name from outside as printable text: what is no character is written as its escape."""
    safe = "".join(
        character if character.isprintable() else character.encode("unicode_escape", "backslashreplace").decode()
        for character in name
    )
    return safe if len(safe) <= MAX_SHOWN else f"{safe[: MAX_SHOWN - 1]}…"
