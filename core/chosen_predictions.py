"""The predictions of chosen runs, group by group: what the pages of errors and disagreements are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlmodel import Session

from core.chosen_runs import Choice, choose_runs
from core.comparison import Group, compare
from core.dataset_store import DatasetBroken, DatasetMissing, MaterialisedDataset, materialised
from core.predictions import FoundPredictions, Predictions, PredictionsMissing, predictions_of_runs
from core.readings import Readings, readings_of
from core.tables import Run

MOST_RUNS = 200  # whose predictions are held in memory at once: 10 MB for 10,000 images


@dataclass(frozen=True)
class ReadGroup:
    """A group, and the predictions of each seed that has them."""

    group: Group
    predictions: Sequence[Predictions]
    dataset: MaterialisedDataset

    @cached_property
    def readings(self) -> Readings:
        return readings_of(self.predictions, self.dataset.manifest.num_test, len(self.dataset.manifest.classes))


@dataclass(frozen=True)
class ChosenPredictions:
    """`groups` are those with predictions, all of one dataset; `missing` says of every other run why it is not there,
    and `left_out` what else was asked for and is not among them."""

    dataset: MaterialisedDataset | None
    groups: Sequence[ReadGroup]
    missing: Sequence[PredictionsMissing]
    left_out: Sequence[str]
    waiting: Sequence[int]  # ids of the runs whose predictions are missing

    @cached_property
    def predictions(self) -> list[Predictions]:
        return [one for group in self.groups for one in group.predictions]

    @property
    def runs(self) -> list[Run]:
        return [one.run for one in self.predictions]


def choose_predictions(
    session: Session, choice: Choice, runs_dir: Path, materialised_dir: Path, first: Sequence[str] = ()
) -> ChosenPredictions:
    """A config and seed that was trained again counts once. Of several datasets the first run's is meant. Of more runs
    than can be read, those come first whose config hashes begin with one of `first`."""
    chosen = choose_runs(session, choice)
    left_out = list(chosen.left_out)
    if not chosen.runs:
        return ChosenPredictions(None, [], [], left_out, [])
    name = chosen.runs[0].dataset
    runs = [run for run in chosen.runs if run.dataset == name]
    if len(runs) < len(chosen.runs):
        left_out.append(f"Runs on other datasets than {name} are left out: {len(chosen.runs) - len(runs)}.")
    groups = compare(session, runs).groups
    named = tuple(prefix for prefix in first if prefix)
    in_order = sorted(groups, key=lambda group: not group.config_hash.startswith(named))
    wanted = [seed.run for group in in_order for seed in group.seeds]
    if len(wanted) > MOST_RUNS:
        left_out.append(f"Of {len(wanted):,} runs the first {MOST_RUNS} are read.")
    try:
        dataset = materialised(materialised_dir, name)
    except (DatasetMissing, DatasetBroken) as error:
        what = "are not here" if isinstance(error, DatasetMissing) else f"cannot be read: {error}"
        gone = PredictionsMissing(f"The images of {name} {what}.", "A run on them brings them.")
        return ChosenPredictions(None, [], [gone], left_out, [run.id for run in wanted if run.id is not None])
    read = predictions_of_runs(session, runs_dir, wanted[:MOST_RUNS], dataset)
    told = [ReadGroup(group, _of_group(group, read), dataset) for group in groups]
    told = [group for group in told if group.predictions]
    return ChosenPredictions(dataset, told, list(read.missing.values()), left_out, list(read.missing))


def pair_of(groups: Sequence[ReadGroup], first: str, second: str) -> tuple[ReadGroup, ReadGroup]:
    """The groups whose config hashes begin so; where none is asked for, the first of the others. Raises
    PredictionsMissing where one that is asked for is not there, or there are not two: never another in its place."""
    one, other = (_named(groups, prefix) if prefix else None for prefix in (first, second))
    one = one or next((group for group in groups if group is not other), None)
    other = other or next((group for group in groups if group is not one), None)
    if one is None or other is None:
        raise PredictionsMissing("There are no two groups with predictions.", "Choose completed runs of two configs.")
    if one is other:
        raise PredictionsMissing("A group does not disagree with itself.", "Choose two.")
    return one, other


def _named(groups: Sequence[ReadGroup], prefix: str) -> ReadGroup:
    found = [group for group in groups if group.group.config_hash.startswith(prefix)]
    if len(found) != 1:
        how_many = "More than one group" if found else "No group with predictions"
        raise PredictionsMissing(f"{how_many} begins with {prefix}.", "Choose two of those that are compared.")
    return found[0]


def _of_group(group: Group, read: FoundPredictions) -> list[Predictions]:
    return [found for seed in group.seeds if (found := read.found.get(seed.run.id or 0))]
