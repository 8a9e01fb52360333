"""What the pages say of an experiment: how far it is, and each group's figures over its seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue
from sqlmodel import Session

from core.estimates import seconds_until_end
from core.experiments import ExperimentSummary, groups_of, repeats_of, runs_of_experiment, summaries, varied_of
from core.run_state import ENDED, RunState
from core.tables import Experiment, Run


@dataclass(frozen=True)
class GroupRow:
    """Runs that differ in nothing but the seed; figures are test accuracies of the selected epochs so far."""

    varied: dict[str, JsonValue]
    runs: Sequence[Run]

    @property
    def accuracies(self) -> list[float]:
        """One for each seed, however often a benchmark trains it."""
        first = [repeats[0] for repeats in repeats_of(self.runs)]
        return [run.test_accuracy for run in first if run.test_accuracy is not None]

    @property
    def mean(self) -> float | None:
        return sum(self.accuracies) / len(self.accuracies) if self.accuracies else None

    @property
    def num_completed(self) -> int:
        return sum(run.state is RunState.COMPLETED for run in self.runs)


@dataclass(frozen=True)
class ExperimentFace:
    """`seconds`: until its last open run ends, None where unknown. `groups` in the order of launch."""

    summary: ExperimentSummary
    groups: list[GroupRow]
    seconds: float | None

    @property
    def experiment(self) -> Experiment:
        return self.summary.experiment

    @property
    def runs(self) -> list[Run]:
        return [run for group in self.groups for run in group.runs]

    @property
    def open_runs(self) -> list[Run]:
        return [run for run in self.runs if run.state not in ENDED]


def face_of_experiment(session: Session, experiment: Experiment) -> ExperimentFace:
    """As it stands now, the bin apart."""
    assert experiment.id is not None
    runs = runs_of_experiment(session, experiment.id)
    groups = [GroupRow(varied_of(experiment, group[0]), group) for group in groups_of(runs).values()]
    return ExperimentFace(summaries(session, [experiment])[0], groups, seconds_until_end(session, runs))


def tab_title(face: ExperimentFace) -> str:
    """Progress for the browser's tab: "62 % · name", "✓ · name"."""
    summary = face.summary
    if face.open_runs:
        return f"{int(100 * summary.epochs_done / summary.epochs)} % · {summary.experiment.name}"
    sign = "✗" if summary.num_runs[RunState.FAILED] else "✓"
    return f"{sign} · {summary.experiment.name}"
