"""Which runs a comparison is of: named one by one, by experiment, or by group."""

from dataclasses import dataclass

from sqlalchemy import or_
from sqlmodel import Session, col, select

from core.tables import Experiment, Run

MOST_RUNS = 1000  # as many as an experiment has at most


class NothingCompared(LookupError):
    """None of what was asked for is there."""


@dataclass(frozen=True)
class Choice:
    """Ids of runs and experiments; groups by their config hash, or as much of it as no other begins with."""

    runs: tuple[int, ...] = ()
    experiments: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.runs or self.experiments or self.groups)


@dataclass(frozen=True)
class ChosenRuns:
    """Runs in the order of launch, and in a sentence each what was asked for and is not among them."""

    runs: list[Run]
    left_out: list[str]


def choose_runs(session: Session, choice: Choice) -> ChosenRuns:
    """What was asked for and is there; runs in the bin are left out."""
    left_out = _unknown_runs(session, choice.runs) + _unknown_experiments(session, choice.experiments)
    hashes = []
    for prefix in choice.groups:
        found = _hashes(session, prefix)
        hashes += found if len(found) == 1 else []
        if len(found) != 1:
            left_out.append(f"{'No group' if not found else 'More than one group'} begins with {prefix}.")
    wanted = or_(
        col(Run.id).in_(choice.runs), col(Run.experiment_id).in_(choice.experiments), col(Run.config_hash).in_(hashes)
    )
    listed = select(Run).where(wanted, col(Run.deleted_at).is_(None)).order_by(col(Run.id))
    runs = list(session.exec(listed.limit(MOST_RUNS + 1)))
    if len(runs) > MOST_RUNS:
        left_out.append(f"Of more than {MOST_RUNS:,} runs the first {MOST_RUNS:,} are compared.")
    return ChosenRuns(runs[:MOST_RUNS], left_out)


def _unknown_runs(session: Session, run_ids: tuple[int, ...]) -> list[str]:
    deleted_at = dict(session.exec(select(Run.id, Run.deleted_at).where(col(Run.id).in_(run_ids))).all())
    unknown = [run_id for run_id in run_ids if run_id not in deleted_at]
    binned = [run_id for run_id in run_ids if deleted_at.get(run_id) is not None]
    return _told("Run", unknown, "was not found", "were not found") + _told(
        "Run", binned, "is in the bin", "are in the bin"
    )


def _unknown_experiments(session: Session, experiment_ids: tuple[int, ...]) -> list[str]:
    known = set(session.exec(select(Experiment.id).where(col(Experiment.id).in_(experiment_ids))))
    unknown = [experiment_id for experiment_id in experiment_ids if experiment_id not in known]
    return _told("Experiment", unknown, "was not found", "were not found")


def _told(noun: str, ids: list[int], one: str, several: str) -> list[str]:
    if not ids:
        return []
    return [f"{noun}{'s' if len(ids) > 1 else ''} {', '.join(map(str, ids))} {several if len(ids) > 1 else one}."]


def _hashes(session: Session, prefix: str) -> list[str]:
    listed = select(Run.config_hash).where(col(Run.config_hash).startswith(prefix), col(Run.deleted_at).is_(None))
    return list(session.exec(listed.distinct().limit(2)))
