"""Whether a run that was trained again came out identical, and if not, the first epoch and layer that differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from sqlalchemy import func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, select

from core.architectures.labels import tensor_label
from core.architectures.layers import LAYERS
from core.conditions import is_stacked, unlike_conditions
from core.metrics import SUMMARY_FIGURES
from core.reproductions import reproductions_of
from core.run_files import folder_of_run
from core.run_state import ENDED, RunState
from core.run_tables import Artifact, Epoch, Fingerprint
from core.runs import artifacts_of_run
from core.tables import Run
from core.weights_files import read_weights

Kind = Literal["open", "unfinished", "identical", "different"]
FIGURES = (*SUMMARY_FIGURES, "learning_rate")


@dataclass(frozen=True)
class Figure:
    """A figure of an epoch that differs; None where it was not finite."""

    name: str
    original: float | None
    again: float | None


@dataclass(frozen=True)
class Difference:
    """The first. `epoch`: None where every epoch is alike and only the final weights are not. `tensors`: those that
    differ then, in the order of the network, or of the final weights where the original's were noted at no epoch.
    `largest`: difference of two values of the first of them, in the final weights; None where these are alike or gone.
    """

    epoch: int | None
    figures: tuple[Figure, ...]
    tensors: tuple[str, ...]
    largest: float | None


@dataclass(frozen=True)
class Answer:
    """`compared_epochs`: whether each epoch's weights could be compared; else, of an older original, the final ones.
    `unlike`: why identity was not promised, empty where it was."""

    original: Run
    again: Run
    kind: Kind
    compared_epochs: bool
    difference: Difference | None
    unlike: tuple[str, ...]

    @property
    def layer(self) -> str | None:
        """The first layer that differs, in words."""
        if self.difference is None or not self.difference.tensors:
            return None
        return tensor_label(LAYERS.validate_python(self.original.layers), self.difference.tensors[0])


def answers_about(session: Session, runs_dir: Path, run: Run) -> list[Answer]:
    """Of the run it reproduces, unless that is gone, and of the newest that reproduce it."""
    original = None if run.reproduces_id is None else session.get(Run, run.reproduces_id)
    pairs = ([] if original is None else [(original, run)]) + [(run, again) for again in reproductions_of(session, run)]
    return [answer_of(session, runs_dir, *pair) for pair in pairs]


def answer_of(session: Session, runs_dir: Path, original: Run, again: Run) -> Answer:
    """As it stands now: "open" until the second run has ended, "unfinished" where it did not complete."""
    if again.state is not RunState.COMPLETED:
        return Answer(original, again, "unfinished" if again.state in ENDED else "open", False, None, ())
    difference = _difference(session, runs_dir, original, again)
    kind: Kind = "identical" if difference is None else "different"
    noted = _num_noted(session, original) == original.epochs_done
    return Answer(original, again, kind, noted, difference, tuple(_unlike(original, again)))


def _difference(session: Session, runs_dir: Path, original: Run, again: Run) -> Difference | None:
    """None where there is none. Weights files are read only where there is one."""
    shorter, longer = sorted((original.epochs_done, again.epochs_done))
    found = (
        _first_epoch(session, original, again, Fingerprint, ["tensors"]),
        _first_epoch(session, original, again, Epoch, FIGURES),
        shorter + 1 if shorter < longer else None,
    )
    epoch = min((number for number in found if number is not None), default=None)
    one, other = (_weights_of(session, run) for run in (original, again))
    if epoch is None and one is not None and other is not None and one.sha256 == other.sha256:
        return None
    files = (folder_of_run(runs_dir, file.run_id) / file.file_name for file in (one, other) if file is not None)
    apart = _largest_differences(*files)
    tensors = None if epoch is None else _tensors_unlike(session, original, again, epoch)
    if tensors is None:
        tensors = sorted((name for name, largest in apart.items() if largest), key=_place)
    figures = () if epoch is None else _figures_unlike(session, original, again, epoch)
    return Difference(epoch, figures, tuple(tensors), (apart.get(tensors[0]) or None) if tensors else None)


def _first_epoch(
    session: Session, original: Run, again: Run, table: type[Epoch] | type[Fingerprint], columns: Sequence[str]
) -> int | None:
    """The first epoch that both recorded and in which a column differs."""
    one, other = aliased(table), aliased(table)
    differs = or_(*(getattr(one, name).is_distinct_from(getattr(other, name)) for name in columns))
    of_both = one.run_id == original.id, other.run_id == again.id, one.epoch == other.epoch
    return session.exec(select(func.min(one.epoch)).where(*of_both, differs)).one()


def _tensors_unlike(session: Session, original: Run, again: Run, epoch: int) -> list[str] | None:
    """In the order of the network; None where this epoch's weights were not noted for both."""
    one, other = (session.get(Fingerprint, (run.id, epoch)) for run in (original, again))
    if one is None or other is None:
        return None
    return [name for name in one.tensors if other.tensors.get(name) != one.tensors[name]]


def _figures_unlike(session: Session, original: Run, again: Run, epoch: int) -> tuple[Figure, ...]:
    one, other = (session.get(Epoch, (run.id, epoch)) for run in (original, again))
    pairs = [Figure(name, getattr(one, name, None), getattr(other, name, None)) for name in FIGURES]
    return tuple(pair for pair in pairs if one and other and pair.original != pair.again)


def _largest_differences(*files: Path) -> dict[str, float]:
    """By tensor; empty where a file is gone."""
    try:
        one, other = (read_weights(file) for file in files)
    except (OSError, ValueError):
        return {}
    return {name: float(np.abs(one[name].astype(np.float64) - other[name]).max()) for name in one if name in other}


def _place(tensor: str) -> list[int]:
    """Of its layer in the network: "4.inner.0.weight" is in [4, 0]."""
    return [int(part) for part in tensor.split(".") if part.isdigit()]


def _weights_of(session: Session, run: Run) -> Artifact | None:
    assert run.id is not None
    return next((file for file in artifacts_of_run(session, run.id) if file.kind == "weights"), None)


def _num_noted(session: Session, run: Run) -> int:
    return session.exec(select(func.count()).where(Fingerprint.run_id == run.id)).one()


def _unlike(original: Run, again: Run) -> Iterator[str]:
    one, other = original.environment or {}, again.environment or {}
    yield from unlike_conditions(one, other)
    stacked = [run.stack_size or 1 for run in (original, again) if is_stacked(run)]
    if stacked:
        yield f"trained in a stack of {max(stacked)} runs, where sums are rounded otherwise"
    for each in (one, other):
        if each.get("device") == "cuda" and not each.get("deterministic"):
            yield "trained on a GPU without the deterministic mode"
            return
