"""Which runs wait, in what order, and whether any is handed out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from core.events import record_event
from core.run_state import RunState
from core.tables import QueueControl, Run


def pause_queue(session: Session, paused: bool, *, with_running: bool = False) -> None:
    """A paused queue hands out no runs; those under way go on, unless it is paused with them: then each goes back to
    its front at the next report, and on from its last recorded epoch when the queue is resumed. None is held by it."""
    control, now = session.get_one(QueueControl, 1), datetime.now(UTC)
    control.paused_at = (control.paused_at or now) if paused else None
    control.stopped_at = (control.stopped_at or now) if paused and with_running else None
    if control.stopped_at is not None:
        _to_the_front(session)
    record_event(session, "queue", paused=paused, with_running=control.stopped_at is not None)


def is_paused(session: Session) -> bool:
    return session.get_one(QueueControl, 1).paused_at is not None


def stops_running(session: Session) -> bool:
    """Whether the queue is paused with its running runs: then they are to come back to it."""
    return session.get_one(QueueControl, 1).stopped_at is not None


def _to_the_front(session: Session) -> None:
    """Gives every running run a priority above those that wait, for when it is back."""
    highest = session.exec(select(func.max(Run.priority)).where(Run.state == RunState.QUEUED)).one()
    if highest is not None:
        behind = col(Run.state) == RunState.RUNNING, col(Run.priority) <= highest
        session.exec(update(Run).where(*behind).values(priority=highest + 1))


def next_in_line() -> Any:  # SQLAlchemy's Select, whose type parameters say nothing more here
    """Ids of the runs that may be claimed, in the order in which they will be."""
    return (
        select(Run.id)
        .where(Run.state == RunState.QUEUED, col(Run.held_at).is_(None))
        .order_by(col(Run.priority).desc(), col(Run.id))
    )


def is_trained_alone(run: Run) -> bool:
    """Never in a stack: a run of a benchmark, one that reproduces another or starts from one, one that an older version
    queued, and one that crashed with no epoch since: if it is what kills the trainer, then only itself."""
    return run.stack_key is None or run.crashes > 0 or run.repeat is not None or run.reproduces_id is not None


def stackable_with(first: Run) -> Any:
    """Ids of those in line that can be trained as one stack with this one, which is not trained alone; in their order.

    Resumed runs go on from the same epoch, with the same number of threads.
    """
    threads = func.json_extract(Run.environment, "$.threads")
    return next_in_line().where(
        Run.stack_key == first.stack_key, Run.crashes == 0,
        col(Run.repeat).is_(None), col(Run.reproduces_id).is_(None), Run.epochs_done == first.epochs_done,
        threads.is_not_distinct_from((first.environment or {}).get("threads")), col(Run.id) != first.id,
    )  # fmt: skip


def in_stacks(line: Sequence[Run], most: int) -> list[list[Run]]:
    """The runs of a line as they will be claimed, at most so many together, in the order in which each stack starts."""
    stacks: list[list[Run]] = []
    unfilled: dict[tuple[object, ...], list[Run]] = {}
    for run in line:
        alike = run.stack_key, run.epochs_done, (run.environment or {}).get("threads")
        if most == 1 or is_trained_alone(run):
            stacks.append([run])
        elif len(unfilled.get(alike, ())) in (0, most):
            stacks.append([run])
            unfilled[alike] = stacks[-1]
        else:
            unfilled[alike].append(run)
    return stacks


def num_stacks_beside(session: Session, first: Run) -> int:
    """How many slots the rest of the line could keep busy, each with one run or all that are alike."""
    others = select(func.count(func.distinct(func.coalesce(Run.stack_key, col(Run.id))))).where(
        col(Run.id).in_(next_in_line()), col(Run.stack_key).is_distinct_from(first.stack_key)
    )
    return session.exec(others).one()
