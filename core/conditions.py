"""Under which conditions runs are trained: whether anything else of ours ran at the same time, as the database says.

Every claim and every begin of an export is one transaction, so what is written down here is exact, whichever worker
it was, and no clock is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, update
from sqlmodel import Session, col, select

from core.run_state import RunState
from core.tables import Run, Worker


def note_runs_beside(session: Session) -> None:
    """After each claim: every run under way learns how many others are, and whether a run is exported meanwhile.

    A run whose first epochs an older version trained, which noted nothing, stays unmeasured.
    """
    running = col(Run.state) == RunState.RUNNING
    others = session.exec(select(func.count()).where(running)).one() - 1
    noted = or_(col(Run.most_runs_beside).is_not(None), col(Run.epochs_done) == 0)
    exporting = is_exporting(session)
    session.exec(
        update(Run)
        .where(running, noted)
        .values(
            most_runs_beside=func.max(func.coalesce(Run.most_runs_beside, 0), others),
            export_beside=func.coalesce(Run.export_beside, False) | exporting,
        )
        .execution_options(synchronize_session=False)
    )


def is_exporting(session: Session) -> bool:
    """Whether any living worker has its exporting process up."""
    busy = select(Worker.id).where(col(Worker.ended_at).is_(None), col(Worker.is_exporting))
    return session.exec(busy.limit(1)).first() is not None


# What exact repetition depends on beside the config, as `worker.device.environment` names it.
CONDITIONS = ("device", "device_name", "torch_version", "cpu_capability", "threads", "training_step")
# What it was where an older version of Trainyard did not record it.
BEFORE_RECORDED = {"training_step": "an older version"}


def unlike_conditions(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """In words, between two environments: "threads: 3, then 2"."""
    pairs = {name: [known.get(name, _unrecorded(name)) for known in (one, other)] for name in CONDITIONS}
    return [f"{name.replace('_', ' ')}: {was}, then {now}" for name, (was, now) in pairs.items() if was != now]


def _unrecorded(name: str) -> str:
    return BEFORE_RECORDED.get(name, "unknown")


# Above it what else the machine did counts as something beside: server and supervisor take less. Guess, untuned.
BUSY_CORES = 0.5


@dataclass(frozen=True)
class Conditions:
    """Of runs that are compared. `shared`: what all were trained with, as far as it is known; `differences` in words:
    why times are not to be held against each other; empty where they may be."""

    num_runs: int  # that have an epoch
    shared: dict[str, Any]  # JSON, from their environments
    differences: list[str]

    @property
    def are_same(self) -> bool | None:
        """None where nothing was trained yet."""
        return not self.differences if self.num_runs else None


def conditions_of(runs: Sequence[Run]) -> Conditions:
    trained = [run for run in runs if run.epochs_done]
    environments: list[dict[str, Any]] = [run.environment or {} for run in trained]
    values = {
        name: list(dict.fromkeys(known.get(name, _unrecorded(name)) for known in environments if _is_told(name, known)))
        for name in dict.fromkeys(name for known in environments for name in known)
    }
    unlike = [
        f"{name.replace('_', ' ')} {' or '.join(map(str, told))}" for name, told in values.items() if len(told) > 1
    ]
    shared = {name: told[0] for name, told in values.items() if len(told) == 1}
    return Conditions(len(trained), shared, unlike + _beside(trained))


def _is_told(name: str, environment: Mapping[str, Any]) -> bool:
    return name in environment or name in BEFORE_RECORDED


def is_stacked(run: Run) -> bool:
    """Whether it was trained as one model together with others."""
    return (run.stack_size or 1) > 1


def _beside(runs: Sequence[Run]) -> list[str]:
    """What was trained, exported or done beside any of them, in words."""
    reasons: dict[str, Callable[[Run], bool]] = {
        "had not recorded what ran beside them": lambda run: run.most_runs_beside is None,
        "were trained in a stack with others": is_stacked,
        "had other runs beside them": lambda run: bool(run.most_runs_beside) and not is_stacked(run),
        "had exports beside them": lambda run: bool(run.export_beside),
        f"were trained while something else kept more than {BUSY_CORES:g} CPU cores busy": lambda run: (
            (run.cores_busy_beside or 0.0) > BUSY_CORES and not run.most_runs_beside
        ),
    }
    counted = {words: sum(holds(run) for run in runs) for words, holds in reasons.items()}
    return [f"{count} of {len(runs)} runs {words}" for words, count in counted.items() if count]
