"""Which face a run wears: its state, refined by what it waits for or does, with the figures its words need."""

from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session

from core.benchmark_mode import may_start, stage
from core.estimates import seconds_remaining, seconds_until_start
from core.queue_order import is_paused, stops_running
from core.run_state import RunState
from core.run_tables import Progress
from core.runs import progress_of_run, queue_positions
from core.tables import Run
from core.workers import disk_is_low, live_workers

FaceKind = Literal[
    "held", "queue_paused", "no_worker", "disk_low", "behind_benchmark", "until_alone", "queued",
    "cancelling", "pausing", "stopping", "starting", "fetching", "training", "evaluating",
    "completed", "failed", "cancelled",
]  # fmt: skip
PHASES: dict[str, FaceKind] = {"fetching": "fetching", "training": "training", "evaluating": "evaluating"}


@dataclass(frozen=True)
class Face:
    """`place`: in line, from 1, of a run that waits and is not held. `seconds`: until a queued run starts or a
    running one ends; None where nothing was measured. `fraction`: of the epochs' steps that are done, 0 to 1."""

    kind: FaceKind
    place: int | None
    seconds: float | None
    fraction: float
    progress: Progress | None


def face_of(session: Session, run: Run) -> Face:
    """What the page says of this run now."""
    assert run.id is not None
    progress = progress_of_run(session, run.id) if run.state is RunState.RUNNING else None
    place = queue_positions(session).get(run.id) if run.state is RunState.QUEUED else None
    seconds: float | None = None
    if run.state is RunState.QUEUED:
        seconds = seconds_until_start(session, run)
    elif run.state is RunState.RUNNING:
        seconds = seconds_remaining(session, run)
    return Face(_kind(session, run, progress), place, seconds, fraction_done(run, progress), progress)


def fraction_done(run: Run, progress: Progress | None) -> float:
    """Done epochs and the part of the one under way, over all epochs."""
    under_way = 0.0
    if progress is not None and progress.steps_per_epoch and progress.epoch > run.epochs_done:
        under_way = min(1.0, progress.step / progress.steps_per_epoch)
    return (run.epochs_done + under_way) / run.epochs


def tab_title(run: Run, face: Face) -> str:
    """State and progress for the browser's tab: "62 % · name", "✓ 98.9 % · name"."""
    match run.state:
        case RunState.RUNNING:
            return f"{min(99, int(face.fraction * 100))} % · {run.name}"  # the last epoch is to be recorded yet
        case RunState.COMPLETED if run.test_accuracy is not None:
            return f"✓ {run.test_accuracy:.1%} · {run.name}".replace("%", " %", 1)
        case RunState.COMPLETED:
            return f"✓ · {run.name}"
        case RunState.FAILED:
            return f"✗ failed · {run.name}"
        case _:
            return f"{'held' if run.held_at else run.state.value} · {run.name}"


def _kind(session: Session, run: Run, progress: Progress | None) -> FaceKind:
    match run.state:
        case RunState.QUEUED if run.held_at is not None:
            return "held"
        case RunState.QUEUED if is_paused(session):
            return "queue_paused"
        case RunState.QUEUED:
            return _kind_in_line(session, run)
        case RunState.RUNNING if run.cancel_requested_at is not None:
            return "cancelling"
        case RunState.RUNNING if run.held_at is not None:
            return "pausing"
        case RunState.RUNNING if stops_running(session):
            return "stopping"
        case RunState.RUNNING:
            return PHASES.get(progress.phase, "starting") if progress is not None else "starting"
        case RunState.COMPLETED:
            return "completed"
        case RunState.FAILED:
            return "failed"
        case RunState.CANCELLED:
            return "cancelled"


def _kind_in_line(session: Session, run: Run) -> FaceKind:
    workers, at = live_workers(session), stage(session)
    if not workers:
        return "no_worker"
    if disk_is_low(workers):
        return "disk_low"
    if at == "running":
        return "behind_benchmark"
    is_next = at == "next" and queue_positions(session).get(run.id or 0) == 1
    return "until_alone" if is_next and not may_start(session) else "queued"
