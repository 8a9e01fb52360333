"""Reading runs: one by id, a filtered and sorted page of many, their log, artifacts and place in the queue."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, select

from core.queue_order import next_in_line
from core.run_state import RunNotFound, RunState
from core.run_tables import Artifact, LogLine, Progress
from core.tables import Run, RunTag

SortKey = Literal[
    "id",
    "name",
    "state",
    "architecture",
    "dataset",
    "seed",
    "test_accuracy",
    "train_accuracy",
    "seconds_per_epoch",
]
# Where a figure is missing, the run sorts as if it had the lowest one.
_SORT_EXPRESSIONS: dict[str, Any] = {  # column expressions of several types
    "id": Run.id,
    "name": func.lower(Run.name),
    "state": Run.state,
    "architecture": Run.architecture,
    "dataset": Run.dataset,
    "seed": Run.seed,
    "test_accuracy": func.coalesce(Run.test_accuracy, -1.0),
    "train_accuracy": func.coalesce(Run.train_accuracy, -1.0),
    "seconds_per_epoch": func.coalesce(Run.seconds_per_epoch, -1.0),
}


class InvalidCursor(ValueError):
    """The cursor was not made by a listing with this sort order."""


@dataclass(frozen=True)
class RunFilter:
    """What to list. Empty tuples and None mean everything."""

    states: tuple[RunState, ...] = ()
    architectures: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    experiments: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()  # any of them
    search: str | None = None
    in_bin: bool = False  # the deleted ones and no other
    sort: SortKey = "id"
    descending: bool = True


@dataclass(frozen=True)
class RunPage:
    """Runs in order, how many match in all, and the cursor of the page after, None at the end."""

    runs: list[Run]
    num_matching: int
    next_cursor: str | None


def run_by_id(session: Session, run_id: int) -> Run:
    """The run, in the bin or not; raises RunNotFound."""
    run = session.get(Run, run_id)
    if run is None:
        raise RunNotFound(run_id)
    return run


def list_runs(session: Session, wanted: RunFilter, *, limit: int = 50, cursor: str | None = None) -> RunPage:
    """One page of the runs that match; raises InvalidCursor."""
    conditions = matching(wanted)
    expression = _SORT_EXPRESSIONS[wanted.sort]
    page = [*conditions, _after(cursor, wanted, expression)] if cursor else conditions
    order = (expression.desc(), col(Run.id).desc()) if wanted.descending else (expression, col(Run.id))
    # Ids first, which the index run_listed has: to sort whole runs would be to read them all.
    rows = session.exec(select(Run.id, expression).where(*page).order_by(*order).limit(limit + 1)).all()
    num_matching = session.exec(select(func.count()).select_from(Run).where(*conditions)).one()
    run_ids = [run_id for run_id, _ in rows[:limit]]
    runs = {run.id: run for run in session.exec(select(Run).where(col(Run.id).in_(run_ids)))}
    last_id, last_value = rows[limit - 1] if len(rows) > limit else (None, None)
    return RunPage(
        runs=[runs[run_id] for run_id in run_ids],
        num_matching=num_matching,
        next_cursor=_cursor(wanted, last_value, last_id) if last_id is not None else None,
    )


def check_cursor(wanted: RunFilter, cursor: str) -> None:
    """Raises InvalidCursor where `list_runs` would; an empty one is none."""
    if cursor:
        _after(cursor, wanted, _SORT_EXPRESSIONS[wanted.sort])


def count_by_state(session: Session) -> dict[RunState, int]:
    """How many runs are in each state, the bin apart; states without runs count 0."""
    listed = col(Run.deleted_at).is_(None)
    counted = session.exec(select(Run.state, func.count()).where(listed).group_by(col(Run.state))).all()
    return dict.fromkeys(RunState, 0) | {RunState(state): count for state, count in counted}


def queue_positions(session: Session) -> dict[int, int]:
    """Place in line, from 1, of every run that waits and is not held."""
    return {run_id: place for place, run_id in enumerate(session.exec(next_in_line()), start=1)}


def progress_of_run(session: Session, run_id: int) -> Progress | None:
    return session.get(Progress, run_id)


def log_of_run(session: Session, run_id: int, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
    """The newest `limit` log lines with an id above `after`, oldest first."""
    newest = select(LogLine).where(LogLine.run_id == run_id, col(LogLine.id) > after)
    return list(session.exec(newest.order_by(col(LogLine.id).desc()).limit(limit)))[::-1]


def artifacts_of_run(session: Session, run_id: int) -> list[Artifact]:
    return list(session.exec(select(Artifact).where(Artifact.run_id == run_id).order_by(col(Artifact.id))))


def matching(wanted: RunFilter) -> list[ColumnElement[bool]]:
    """What a run must be to be listed; the order apart."""
    deleted_at = col(Run.deleted_at)
    conditions: list[ColumnElement[bool]] = [deleted_at.is_not(None) if wanted.in_bin else deleted_at.is_(None)]
    if wanted.states:
        conditions.append(col(Run.state).in_(wanted.states))
    if wanted.architectures:
        conditions.append(col(Run.architecture).in_(wanted.architectures))
    if wanted.datasets:
        conditions.append(col(Run.dataset).in_(wanted.datasets))
    if wanted.experiments:
        conditions.append(col(Run.experiment_id).in_(wanted.experiments))
    if wanted.tags:
        conditions.append(col(Run.id).in_(select(RunTag.run_id).where(col(RunTag.tag).in_(wanted.tags))))
    if wanted.search:
        conditions.append(col(Run.name).icontains(wanted.search, autoescape=True))
    return conditions


def _cursor(wanted: RunFilter, value: Any, run_id: int | None) -> str:
    key = json.dumps([wanted.sort, wanted.descending, value, run_id])
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _after(cursor: str, wanted: RunFilter, expression: Any) -> ColumnElement[bool]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        sort, descending, value, run_id = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        value = RunState(value) if wanted.sort == "state" else value
        str(value).encode()  # a lone surrogate is text to JSON, not to SQLite
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise InvalidCursor("The cursor is not one that this list handed out.") from None
    well_formed = isinstance(value, str | int | float) and isinstance(run_id, int)
    fits_sqlite = all(abs(number) < 2**63 for number in (value, run_id) if isinstance(number, int))
    if not (well_formed and fits_sqlite) or (sort, descending) != (wanted.sort, wanted.descending):
        raise InvalidCursor("The cursor belongs to another sort order; start again without it.")
    if wanted.descending:
        return or_(expression < value, and_(expression == value, col(Run.id) < run_id))
    return or_(expression > value, and_(expression == value, col(Run.id) > run_id))
