"""Which models try an image: chosen runs as lines of one run or of a group's seeds, all of datasets alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, col, select

from core.chosen_runs import Choice, choose_runs
from core.config_differences import config_fields, labels_of
from core.dataset_store import DatasetBroken, DatasetMissing, MaterialisedDataset, materialised
from core.experiments import groups_of, repeats_of
from core.run_state import RunState
from core.tables import Run

MOST_MODELS = 40  # that answer at once: 40 ms of one core for the report's networks
NUM_OFFERED = 30
NUM_AT_FIRST = 4


@dataclass(frozen=True)
class Line:
    """Runs that are told of together: one that was named, or the seeds of a group."""

    label: str
    runs: Sequence[Run]


@dataclass(frozen=True)
class ChosenModels:
    """`dataset` is that of the first run: the others' have images, classes and greys as it has, or they are left out,
    which `left_out` says in sentences. It is None where there is nothing to try."""

    dataset: MaterialisedDataset | None
    lines: Sequence[Line]
    left_out: Sequence[str]

    @property
    def runs(self) -> list[Run]:
        return [run for line in self.lines for run in line.runs]


def choose_models(session: Session, choice: Choice, materialised_dir: Path) -> ChosenModels:
    """Without a choice, the newest run of each of a few networks."""
    chosen = choose_runs(session, choice or Choice(runs=_at_first(session)))
    left_out = list(chosen.left_out)
    if not chosen.runs:
        return ChosenModels(None, [], left_out)
    datasets = {name: _dataset(materialised_dir, name, left_out) for name in {run.dataset for run in chosen.runs}}
    dataset = next((found for run in chosen.runs if (found := datasets[run.dataset])), None)
    if dataset is None:
        return ChosenModels(None, [], left_out)
    alike = [run for run in chosen.runs if (own := datasets[run.dataset]) and _are_alike(own, dataset)]
    if len(alike) < len(chosen.runs):
        names = sorted({run.dataset for run in chosen.runs} - {run.dataset for run in alike})
        left_out.append(f"Runs on other images than those of {dataset.manifest.name} are left out: {', '.join(names)}.")
    lines, told = _lines(alike, named=set(choice.runs if choice else (run.id for run in alike))), 0
    kept = [line for line in lines if (told := told + len(line.runs)) <= MOST_MODELS]
    if len(kept) < len(lines):
        left_out.append(f"Of {told} models the first {sum(len(line.runs) for line in kept)} answer.")
    return ChosenModels(dataset, kept, left_out)


def triable_runs(session: Session, limit: int = NUM_OFFERED) -> list[Run]:
    """The newest that have done an epoch."""
    tried = select(Run).where(Run.epochs_done > 0, col(Run.deleted_at).is_(None))
    return list(session.exec(tried.order_by(col(Run.id).desc()).limit(limit)))


def _at_first(session: Session) -> tuple[int, ...]:
    runs = triable_runs(session)
    done = [run for run in runs if run.state is RunState.COMPLETED] or runs
    newest = {run.architecture: run.id for run in reversed(done) if run.dataset == done[0].dataset}
    return tuple(sorted(run_id for run_id in newest.values() if run_id is not None)[-NUM_AT_FIRST:])


def _dataset(folder: Path, name: str, left_out: list[str]) -> MaterialisedDataset | None:
    try:
        return materialised(folder, name)
    except DatasetMissing:
        left_out.append(f"The images of {name}, which say how its networks see, are not here.")
    except DatasetBroken as error:
        left_out.append(f"The images of {name} cannot be read: {error}.")
    return None


def _are_alike(one: MaterialisedDataset, other: MaterialisedDataset) -> bool:
    """One image is made and normalised for all: digits and MNIST have one shape, but neither frames nor greys alike."""
    mine, theirs = one.manifest, other.manifest
    return (mine.image_shape, mine.classes, mine.mean, mine.std) == (
        theirs.image_shape, theirs.classes, theirs.mean, theirs.std,
    )  # fmt: skip


def _lines(runs: Sequence[Run], named: set[int | None]) -> list[Line]:
    """A run that was named is a line of its own; of the others each group is one, with every seed once."""
    groups = groups_of(runs)
    labels = dict(zip(groups, labels_of([config_fields(members[0]) for members in groups.values()]), strict=True))
    lines = []
    for config_hash, members in groups.items():
        label = labels[config_hash]
        lines += [Line(f"{label}, seed {run.seed}", [run]) for run in members if run.id in named]
        seeds = [repeats[0] for repeats in repeats_of([run for run in members if run.id not in named])]
        if seeds:
            lines.append(Line(f"{label}, {len(seeds)} seeds" if len(seeds) > 1 else label, seeds))
    return lines
