"""Why a run config, or what else a user typed, is refused: field by field, in the words of the page."""

from collections.abc import Mapping, Sequence
from typing import Any


class InvalidRunConfig(ValueError):
    """The run config asks for something that cannot be trained; `problems` maps a field to its reason."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in problems.items()))
        self.problems = dict(problems)


def problems_of(
    mistakes: Sequence[Any],
) -> dict[str, str]:  # pydantic's error dicts, which FastAPI types as Any
    """Field and reason of each mistake that pydantic found, in the words of the page."""
    problems: dict[str, str] = {}
    for mistake in mistakes:
        inner = mistake.get("ctx", {}).get("error")
        if isinstance(inner, InvalidRunConfig):
            problems.update(inner.problems)
            continue
        path = [str(part) for part in mistake["loc"] if not str(part).startswith(("literal", "constrained"))]
        field = path[0] if path[:1] in (["validation"], ["seeds"]) else ".".join(path)
        reason = mistake["msg"].removeprefix("Value error, ")
        if field == "validation":
            reason = "must be none, or a number of images from 1 to 1,000,000"
        if field == "seeds":
            reason = "must be a number of seeds, at least 1, or a list of them"
        problems[field] = reason[:1].lower() + reason[1:]
    return problems
