"""Launching once: a client that repeats a request, because it heard no answer, gets what the first one made."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col

from core.queue import enqueue
from core.run_config import ResolvedRun
from core.runs import run_by_id
from core.tables import IdempotencyKey, Run

KEPT_FOR = timedelta(hours=24)


class KeyReused(ValueError):
    """The key was given before, with another body."""


def once(session: Session, key: str, body: str, make: Callable[[], int]) -> tuple[int, bool]:
    """The id of what `make` makes, and whether this call made it: once for each key. Raises KeyReused."""
    asked = hashlib.sha256(body.encode()).digest()
    now = datetime.now(UTC)
    session.exec(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < now - KEPT_FOR))
    answered = session.get(IdempotencyKey, key)
    if answered is None:
        made_id = make()
        session.add(IdempotencyKey(key=key, body_sha256=asked, made_id=made_id, created_at=now))
        return made_id, True
    if answered.body_sha256 != asked:
        raise KeyReused("This Idempotency-Key was used with another body; take a new key for a new launch.")
    return answered.made_id, False


def enqueue_once(session: Session, resolved: ResolvedRun, key: str) -> tuple[Run, bool]:
    """The run, and whether this call made it; raises KeyReused, and RunNotFound where that run was purged since."""

    def make() -> int:
        run = enqueue(session, resolved)
        assert run.id is not None
        return run.id

    run_id, is_new = once(session, key, resolved.config.model_dump_json(), make)
    return run_by_id(session, run_id), is_new
