"""What a run started from, and what could start from it, as its page says."""

from typing import Any

from sqlmodel import Session

from core.run_source import Source
from core.sources import can_be_continued
from core.tables import Run


def origin_of(session: Session, run: Run) -> dict[str, Any]:  # what the template names
    source = Source.model_validate(run.config["source"]) if run.config.get("source") else None
    return {
        "source": source, "origin": None if source is None else session.get(Run, source.run_id),
        "can_continue": can_be_continued(run), "inherited": epochs_inherited(run),
    }  # fmt: skip


def epochs_inherited(run: Run) -> int:
    """How many of its epochs the run trained that it continues."""
    source = run.config.get("source") or {}
    return int(source["epoch"]) if source.get("mode") == "continue" else 0
