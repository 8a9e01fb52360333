"""Launching once: a client that repeats a request, because it heard no answer, gets the same run."""

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col

from core.queue import enqueue
from core.run_config import ResolvedRun
from core.runs import run_by_id
from core.tables import IdempotencyKey, Run

KEPT_FOR = timedelta(hours=24)


class KeyReused(ValueError):
    """The key was given before, with another run config."""


def enqueue_once(session: Session, resolved: ResolvedRun, key: str) -> tuple[Run, bool]:
    """The run, and whether this call made it; raises KeyReused, and RunNotFound where that run was deleted since."""
    asked = hashlib.sha256(resolved.config.model_dump_json().encode()).digest()
    now = datetime.now(UTC)
    session.exec(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < now - KEPT_FOR))
    answered = session.get(IdempotencyKey, key)
    if answered is None:
        run = enqueue(session, resolved)
        assert run.id is not None
        session.add(IdempotencyKey(key=key, body_sha256=asked, run_id=run.id, created_at=now))
        return run, True
    if answered.body_sha256 != asked:
        raise KeyReused("This Idempotency-Key was used with another run config; take a new key for a new run.")
    return run_by_id(session, answered.run_id), False
