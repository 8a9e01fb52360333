"""Launching once: a client that repeats a request, because it heard no answer, gets what the first one made."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col

from core.known_datasets import datasets_here
from core.named_networks import with_layers
from core.queue import enqueue
from core.run_config import RunConfig, resolve_run
from core.runs import run_by_id
from core.sources import continuation, settle
from core.tables import IdempotencyKey, Run

KEPT_FOR = timedelta(hours=24)


class KeyReused(ValueError):
    """The key was given before, with another body."""


def is_known(session: Session, key: str) -> bool:
    return session.get(IdempotencyKey, key) is not None


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


def enqueue_once(session: Session, config: RunConfig, key: str) -> tuple[Run, bool]:
    """The run, and whether this call made it; raises KeyReused, InvalidRunConfig, and RunNotFound where that run was
    purged since. What was asked is compared, not what came of it: its source may have moved on."""
    return _run_once(session, key, config.model_dump_json(), lambda: config)


def continue_once(session: Session, run_id: int, epochs: int, key: str) -> tuple[Run, bool]:
    """The same for a run that goes on where this one ended, up to `epochs` in all."""
    asked = json.dumps({"continue": run_id, "epochs": epochs})
    return _run_once(session, key, asked, lambda: continuation(run_by_id(session, run_id), epochs))


def _run_once(session: Session, key: str, asked: str, config: Callable[[], RunConfig]) -> tuple[Run, bool]:
    def make() -> int:
        config_with_layers = with_layers(session, config())
        run = enqueue(session, settle(session, resolve_run(config_with_layers, datasets_here(session))))
        assert run.id is not None
        return run.id

    run_id, is_new = once(session, key, asked, make)
    return run_by_id(session, run_id), is_new
