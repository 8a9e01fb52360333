"""The same change to many runs in one transaction: a run that cannot is told with its reason and stops no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sqlmodel import Session, col, select

from core import queue
from core.bin import move_to_bin, restore
from core.invalid_run_config import InvalidRunConfig
from core.run_state import IllegalMove, RunNotFound, RunState
from core.tables import Run
from core.tags import checked_tag, tag_run, untag_run

Action = Literal["cancel", "requeue", "hold", "release", "delete", "restore", "tag", "untag"]
MAX_RUNS = 1000  # others wait to write meanwhile: 1 s for as many queued runs

_CHANGES: dict[Action, Callable[[Session, int], Run]] = {
    "cancel": queue.cancel,
    "requeue": queue.requeue,
    "hold": partial(queue.hold, held=True),
    "release": partial(queue.hold, held=False),
    "delete": move_to_bin,
    "restore": restore,
}


@dataclass(frozen=True)
class Refusal:
    run_id: int
    error: RunNotFound | IllegalMove | InvalidRunConfig


@dataclass(frozen=True)
class BulkResult:
    """`waited`: ids of those that stood in the queue before, `held`: of those among them that were held."""

    done: list[Run]
    refused: list[Refusal]
    waited: list[int]
    held: list[int]


def change_runs(session: Session, action: Action, run_ids: Sequence[int], tag: str = "") -> BulkResult:
    """Each run once, in the order given; one that is so already counts as done. Raises InvalidRunConfig for a bad tag.

    What a change refuses it refuses before it writes, so a refused run needs no rolling back.
    """
    is_about_tags = action in ("tag", "untag")
    change = _tagging(action, checked_tag(session, tag)) if is_about_tags else _CHANGES[action]
    # All of them now and held here, so that none is looked up alone.
    known = session.exec(select(Run).where(col(Run.id).in_(run_ids))).all()
    waiting = [run for run in known if run.state is RunState.QUEUED]
    result = BulkResult([], [], *(_ids(runs) for runs in (waiting, [run for run in waiting if run.held_at])))
    for run_id in dict.fromkeys(run_ids):
        try:
            result.done.append(change(session, run_id))
        except (RunNotFound, IllegalMove, InvalidRunConfig) as error:
            result.refused.append(Refusal(run_id, error))
    return result


def undo_delete(session: Session, run_ids: Sequence[int], waited: Sequence[int], held: Sequence[int]) -> BulkResult:
    """Takes runs out of the bin; those that waited or were held, as the deletion's result told, do so again."""
    result = change_runs(session, "restore", run_ids)
    change_runs(session, "requeue", waited)
    change_runs(session, "hold", held)
    return result


def _ids(runs: Sequence[Run]) -> list[int]:
    return [run.id for run in runs if run.id is not None]


def _tagging(action: Action, tag: str) -> Callable[[Session, int], Run]:
    change = tag_run if action == "tag" else untag_run
    return lambda session, run_id: change(session, run_id, tag)
