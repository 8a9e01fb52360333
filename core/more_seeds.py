"""More seeds of two groups that are compared, and how often somebody has looked at them: each press of the button is
another chance to find a winner where there is none, so it is counted."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import or_
from sqlmodel import Session, col, select

from core.comparison import LEAST_SEEDS
from core.experiment_plan import MAX_SEED
from core.experiments import enqueue_in
from core.idempotency import once
from core.inheritance import take_over
from core.invalid_run_config import InvalidRunConfig
from core.known_datasets import datasets_here
from core.run_config import MAX_NAME_LENGTH, ResolvedRun, parse_run_config, resolve_run
from core.run_state import ENDED, RunState
from core.tables import Experiment, Look, Run

MOST_AT_ONCE = 200  # seeds of each side: as many as are ever said to decide (core/statistics/power.py)


class GroupNotFound(LookupError):
    """No run out of the bin has this config hash."""


class StillOpen(ValueError):
    """More seeds were asked for while runs of the groups have not ended: their verdict comes first."""


def looks_at(session: Session, baseline: str, others: Collection[str]) -> dict[str, int]:
    """By config hash, the how-manieth look at this group against the baseline it is. Seeds that were added to one of
    both for the sake of a third group count too: the data are others."""
    either = or_(col(Look.group_hash).in_([baseline, *others]), col(Look.baseline_hash).in_([baseline, *others]))
    looks = session.exec(select(Look).where(either)).all()
    ends = _ends_of_seeds(session, [baseline, *others]) if any(map(_is_of_one, looks)) else {}
    return {other: 1 + sum(_counts(look, {baseline, other}, ends) for look in looks) for other in others}


def _is_of_one(look: Look) -> bool:
    """Seeds were added to it beside a group that had too few for a verdict."""
    return look.group_hash == look.baseline_hash


def _counts(look: Look, pair: set[str], ends: Mapping[str, Mapping[int, datetime]]) -> bool:
    """Whether there could be a verdict on this pair before it."""
    added_to = {look.group_hash, look.baseline_hash}
    if not _is_of_one(look) or not added_to <= pair:
        return bool(added_to & pair)
    (other,) = pair - added_to
    return sum(end < look.created_at for end in ends.get(other, {}).values()) >= LEAST_SEEDS


def _ends_of_seeds(session: Session, hashes: Sequence[str]) -> dict[str, dict[int, datetime]]:
    """By config hash and seed, when the first run completed, whether it is in the bin by now or not."""
    completed = col(Run.config_hash).in_(hashes), Run.state == RunState.COMPLETED
    ends: dict[str, dict[int, datetime]] = {}
    for config_hash, seed, end in session.exec(select(Run.config_hash, Run.seed, Run.ended_at).where(*completed)):
        own = ends.setdefault(config_hash, {})
        if end is not None:
            own[seed] = min(end, own.get(seed, end))
    return ends


def looks_of_experiment(session: Session, experiment_id: int) -> list[Look]:
    """More seeds that were asked for after a verdict on one of its groups, the first first."""
    return list(session.exec(select(Look).where(Look.experiment_id == experiment_id).order_by(col(Look.id))))


def ask_for_more_seeds(session: Session, baseline: str, group: str, number: int) -> list[Run]:
    """Queues the same configs with the next unused seeds, the same for both, seed by seed, in a benchmark
    repeated like its others; counts a look where there could be a verdict before, on both or on one and a third group.
    Raises GroupNotFound, StillOpen, InvalidRunConfig."""
    if not 1 <= number <= MOST_AT_ONCE or baseline == group:
        raise InvalidRunConfig({"seeds": f"must be 1 to {MOST_AT_ONCE}, for a group and another as its baseline"})
    sides = [_runs(session, config_hash) for config_hash in (baseline, group)]
    num_open = sum(run.state not in ENDED for side in sides for run in side)
    if num_open:
        have = "1 run of these groups has" if num_open == 1 else f"{num_open} runs of these groups have"
        raise StillOpen(f"{have} not ended; their verdict comes first.")
    first = 1 + max(session.exec(select(Run.seed).where(col(Run.config_hash).in_([baseline, group]))))
    if first + number - 1 > MAX_SEED:
        raise InvalidRunConfig({"seeds": f"would go beyond the highest, {MAX_SEED:,}"})
    seeds = range(first, first + number)
    runs = _enqueued(session, [side[0] for side in sides], seeds)
    judged = [side[0] for side in sides if _num_judged(side) >= LEAST_SEEDS]
    if judged:
        base, other = judged[0], judged[-1]
        look = Look(group_hash=other.config_hash, baseline_hash=base.config_hash, seeds=list(seeds),
                    created_at=datetime.now(UTC))  # fmt: skip
        look.experiment_id = other.experiment_id if len(judged) == 2 else None
        session.add(look)
    return runs


def ask_once(
    session: Session, runs_dir: Path, baseline: str, group: str, number: int, key: str
) -> tuple[list[Run], bool]:
    """The runs, with what they take over from a source, and whether this call queued them: asked again with the same
    key, it is what was queued since the first time, and no further look. Raises what `ask_for_more_seeds` does, and
    KeyReused."""
    asked: list[Run] = []

    def make() -> int:
        asked.extend(ask_for_more_seeds(session, baseline, group, number))
        for run in asked:
            take_over(session, runs_dir, run)
        assert asked[0].id is not None
        return asked[0].id

    first_id, is_new = once(session, key, json.dumps(["more seeds", baseline, group, number]), make)
    if is_new:
        return asked, True
    own = col(Run.config_hash).in_([baseline, group]), col(Run.id) >= first_id, col(Run.deleted_at).is_(None)
    return list(session.exec(select(Run).where(*own).order_by(col(Run.id)))), False


def _enqueued(session: Session, firsts: Sequence[Run], seeds: Iterable[int]) -> list[Run]:
    """One run of each seed and side; of a benchmark as many as it repeats, in turn, as it was launched."""
    experiments = [session.get(Experiment, first.experiment_id) if first.experiment_id else None for first in firsts]
    sides = list(zip(firsts, experiments, strict=True))
    again = [(experiment, _again(session, first, seed)) for seed in seeds for first, experiment in sides]
    most = max(_repeats(experiment) for experiment in experiments)
    return [
        enqueue_in(session, experiment, resolved, repeat)
        for repeat in range(1, most + 1)
        for experiment, resolved in again
        if repeat <= _repeats(experiment)
    ]


def _repeats(experiment: Experiment | None) -> int:
    return (experiment.repeats if experiment else None) or 1


def _runs(session: Session, config_hash: str) -> Sequence[Run]:
    own = select(Run).where(Run.config_hash == config_hash, col(Run.deleted_at).is_(None)).order_by(col(Run.id))
    runs = session.exec(own).all()
    if not runs:
        raise GroupNotFound(f"There is no group {config_hash}.")
    return runs


def _num_judged(runs: Sequence[Run]) -> int:
    return len({run.seed for run in runs if run.state is RunState.COMPLETED})


def _again(session: Session, run: Run, seed: int) -> ResolvedRun:
    """The run's config with another seed, and with that in the name where it had one. Raises InvalidRunConfig."""
    if (run.config.get("source") or {}).get("mode") == "continue":
        raise InvalidRunConfig({"group": "goes on from other runs: train more seeds of those, and continue them"})
    stem = re.sub(r"(, )?seed \d+$", "", run.config["name"])[: MAX_NAME_LENGTH - 20]
    name = f"{stem}, seed {seed}" if stem else ""
    resolved = resolve_run(parse_run_config(run.config | {"seed": seed, "name": name}), datasets_here(session))
    if resolved.config_hash != run.config_hash:
        raise InvalidRunConfig({"group": "its network is another in this version; launch both groups anew to compare"})
    return resolved
