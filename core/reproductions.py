"""Training a completed run again, with the threads and on the kind of device that it had."""

import json
from typing import Any

from sqlmodel import Session, col, select

from core.architectures.layers import LAYERS
from core.events import record_event
from core.idempotency import once
from core.queue import enqueue
from core.run_config import MAX_NAME_LENGTH, ResolvedRun, parse_run_config
from core.run_state import IllegalMove, RunState
from core.runs import run_by_id
from core.tables import Run


def reproduce(session: Session, run_id: int) -> Run:
    """A queued run that trains this one again, from its stored layers. Raises RunNotFound, IllegalMove."""
    original = run_by_id(session, run_id)
    if original.state is not RunState.COMPLETED:
        raise IllegalMove(run_id, original.state, "reproduced before it is completed")
    if original.deleted_at is not None:
        raise IllegalMove(run_id, original.state, "reproduced while it is in the bin")
    device = (original.environment or {}).get("device", original.config["device"])
    name = f"Again: {original.name}"[:MAX_NAME_LENGTH]
    resolved = ResolvedRun(
        config=parse_run_config(original.config | {"name": name, "device": device}),
        layers=LAYERS.validate_python(original.layers),
        num_parameters=original.num_parameters,
        num_multiply_adds=original.num_multiply_adds,
        config_hash=original.config_hash,
    )
    again = enqueue(session, resolved)
    again.reproduces_id = run_id
    record_event(session, "changed", run_id, reproduced_by=again.id, ended=False)
    return again


def reproduce_once(session: Session, run_id: int, key: str) -> tuple[Run, bool]:
    """The new run, and whether this call made it; raises what `reproduce` does, and KeyReused."""

    def make() -> int:
        again = reproduce(session, run_id)
        assert again.id is not None
        return again.id

    again_id, is_new = once(session, key, json.dumps({"reproduce": run_id}), make)
    return run_by_id(session, again_id), is_new


def threads_of(session: Session, run: Run) -> int | None:
    """As its first attempt had, or that of the run it reproduces: others round otherwise. None: the worker's own."""
    environment: dict[str, Any] | None = run.environment
    if environment is None and run.reproduces_id is not None:
        environment = session.exec(select(Run.environment).where(Run.id == run.reproduces_id)).first()
    return (environment or {}).get("threads")


def reproductions_of(session: Session, run: Run, *, limit: int = 5) -> list[Run]:
    """The newest runs out of the bin that train this one again, the newest first."""
    own = select(Run).where(Run.reproduces_id == run.id, col(Run.deleted_at).is_(None))
    return list(session.exec(own.order_by(col(Run.id).desc()).limit(limit)))
