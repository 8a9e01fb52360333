"""Tasks that import or fetch a dataset: queued by the server, done by a worker's child between and beside runs.

The only writer of DatasetTask.state. A move matches the worker and its attempt, as those of runs do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import or_, update
from sqlmodel import Session, col, func, select

from core.dataset_tables import DatasetTask, ImportedDataset
from core.events import record_event
from core.import_wishes import ImportWishes
from core.known_datasets import known_dataset
from core.run_state import RunState
from core.tables import Run, Worker

OPEN = (RunState.QUEUED, RunState.RUNNING)
MOST_TRIES = 3  # of a task whose child or worker dies: a guess, untuned
MOST_BAD_FILES = 100  # that are named; the rest are counted
MOST_OPEN = 20  # tasks: each may hold an upload. Guess, untuned


@dataclass(frozen=True)
class TaskLease:
    """Ownership of one attempt of a task; the attempt fences a stale worker."""

    task_id: int
    worker_id: int
    attempt: int


class TaskLost(RuntimeError):
    """The task was cancelled, or is another worker's: what this one says of it is not recorded."""


class TaskNotFound(LookupError):
    """No task has this id."""


class NameTaken(ValueError):
    """Another dataset has the name, or will have it."""


class TooManyTasks(ValueError):
    """As many wait as may."""


def enqueue_import(session: Session, wishes: ImportWishes, source: dict[str, str]) -> DatasetTask:
    """`source`: of an upload or an entry of the import folder, see core/dataset_files.py. Raises NameTaken."""
    refuse_taken_name(session, wishes.name)
    return _enqueue(session, "import", wishes.name, wishes.model_dump(mode="json") | {"source": source})


def enqueue_fetch(session: Session, name: str) -> DatasetTask:
    """One task however often it is asked for. Raises UnknownDataset, NameTaken (an import has nothing to fetch)."""
    if known_dataset(session, name).is_imported:
        raise NameTaken(f"{name} was imported: there is nowhere to fetch it from. Import it again.")
    at_work = session.exec(select(DatasetTask).where(DatasetTask.dataset == name, col(DatasetTask.state).in_(OPEN)))
    return at_work.first() or _enqueue(session, "fetch", name, {})


def refuse_taken_name(session: Session, name: str) -> None:
    """Raises NameTaken. One whose images were deleted can be imported again: whether it is the same is seen then."""
    row = session.get(ImportedDataset, name)
    if row is not None and row.deleted_at is None:
        raise NameTaken(f"There is a dataset {name} already. Choose another name, or delete that one.")
    taken = select(DatasetTask.id).where(DatasetTask.dataset == name, col(DatasetTask.state).in_(OPEN))
    if session.exec(taken.limit(1)).first() is not None:
        raise NameTaken(f"A dataset {name} is being imported. Choose another name, or cancel that.")
    waiting = session.exec(select(DatasetTask.id).where(col(DatasetTask.state).in_(OPEN))).all()
    if len(waiting) >= MOST_OPEN:
        raise TooManyTasks(f"{MOST_OPEN} datasets wait to be imported already.")


def task_by_id(session: Session, task_id: int) -> DatasetTask:
    """Raises TaskNotFound."""
    task = session.get(DatasetTask, task_id)
    if task is None:
        raise TaskNotFound(f"There is no dataset task {task_id}.")
    return task


def newest_tasks(session: Session, limit: int = 20) -> Sequence[DatasetTask]:
    """Open ones first, then those that ended last."""
    is_open = col(DatasetTask.state).in_(OPEN)
    return session.exec(select(DatasetTask).order_by(is_open.desc(), col(DatasetTask.id).desc()).limit(limit)).all()


def claim_task(session: Session, worker_id: int) -> DatasetTask | None:
    """The oldest that waits, or that a worker left which is no more; one that was tried too often fails."""
    tasks: Sequence[DatasetTask] = session.exec(waiting_tasks()).all()
    for task in tasks:
        if task.attempt >= MOST_TRIES:
            _end(session, task, RunState.FAILED)
            task.reason = f"The process that read it ended {MOST_TRIES} times without a word."
            task.suggestion = "If memory was short, import fewer or smaller images."
            continue
        task.state, task.worker_id, task.attempt = RunState.RUNNING, worker_id, task.attempt + 1
        task.started_at, task.says, task.fraction = datetime.now(UTC), "starting", None
        _tell(session, task)
        return task
    return None


def waiting_tasks() -> Any:  # a query
    dead = select(Worker.id).where(col(Worker.ended_at).is_not(None))
    left = (col(DatasetTask.state) == RunState.RUNNING) & col(DatasetTask.worker_id).in_(dead)
    return select(DatasetTask).where(or_(col(DatasetTask.state) == RunState.QUEUED, left)).order_by(col(DatasetTask.id))


def check_task_owned(session: Session, lease: TaskLease) -> None:
    """Raises TaskLost."""
    if session.exec(select(DatasetTask.id).where(*_owned_by(lease))).first() is None:
        raise TaskLost(f"Task {lease.task_id} is no longer this worker's.")


def report_task(session: Session, lease: TaskLease, says: str, fraction: float | None) -> None:
    """Where it is; raises TaskLost, also where it was cancelled."""
    _own(session, lease, says=says, fraction=fraction)


def complete_task(session: Session, lease: TaskLease, imported: ImportedDataset | None = None) -> None:
    """With the dataset that came of it, whose images lie in the store; raises TaskLost."""
    _own(session, lease, says="", fraction=None)
    if imported is not None:
        session.merge(imported)
    _end(session, task_by_id(session, lease.task_id), RunState.COMPLETED)


def fail_task(
    session: Session, lease: TaskLease, reason: str, suggestion: str, bad_files: Sequence[Sequence[str]] = (),
    num: int = 0,
) -> None:  # fmt: skip
    """`bad_files`: names with what is wrong with each, of `num` in all; raises TaskLost."""
    listed = [list(pair) for pair in bad_files[:MOST_BAD_FILES]]
    _own(session, lease, says="", reason=reason, suggestion=suggestion, bad_files=listed, num_bad_files=num)
    _end(session, task_by_id(session, lease.task_id), RunState.FAILED)


def give_task_back(session: Session, lease: TaskLease) -> None:
    """At the worker's end; no try is counted. Raises TaskLost."""
    _own(session, lease, state=RunState.QUEUED, worker_id=None, attempt=lease.attempt - 1, says="", fraction=None)


def cancel_task(session: Session, task_id: int) -> tuple[DatasetTask, bool]:
    """At once: a child at work finds its lease gone, and removes its files; whether nobody does, as none was at work.
    One that has ended stays as it is. Raises TaskNotFound."""
    task = task_by_id(session, task_id)
    was_queued = task.state is RunState.QUEUED
    if task.state in OPEN:
        _end(session, task, RunState.CANCELLED)
    return task, was_queued


def differs_from_its_past(session: Session, name: str, sha256: str) -> str | None:
    """Why a dataset of this content cannot have the name: runs speak of another that had it. None where it can."""
    before = session.get(ImportedDataset, name)
    if before is None or before.sha256 == sha256 or not num_runs_on(session, name):
        return None
    return f"Runs were trained on another dataset named {name}; with these images their figures would lie."


def num_runs_on(session: Session, name: str) -> int:
    """Also those in the bin, which can come back."""
    return session.exec(select(func.count()).select_from(Run).where(Run.dataset == name)).one()


def _enqueue(session: Session, kind: str, name: str, wishes: dict[str, Any]) -> DatasetTask:
    now = datetime.now(UTC)
    task = DatasetTask(kind=kind, dataset=name, state=RunState.QUEUED, wishes=wishes, created_at=now)
    session.add(task)
    session.flush()
    _tell(session, task)
    return task


def _own(session: Session, lease: TaskLease, **values: Any) -> None:
    if session.exec(update(DatasetTask).where(*_owned_by(lease)).values(**values)).rowcount == 0:
        raise TaskLost(f"Task {lease.task_id} is no longer this worker's.")
    session.expire_all()


def _owned_by(lease: TaskLease) -> tuple[Any, ...]:
    return (
        col(DatasetTask.id) == lease.task_id,
        col(DatasetTask.worker_id) == lease.worker_id,
        col(DatasetTask.attempt) == lease.attempt,
        col(DatasetTask.state) == RunState.RUNNING,
    )


def _end(session: Session, task: DatasetTask, state: RunState) -> None:
    task.state, task.ended_at = state, datetime.now(UTC)
    _tell(session, task)


def _tell(session: Session, task: DatasetTask) -> None:
    record_event(session, "dataset", task=task.id, dataset=task.dataset, state=task.state.value)
