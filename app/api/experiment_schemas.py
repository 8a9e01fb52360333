"""The shapes of experiments: what a launch asks for, and how an experiment stands."""

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue

from app.api.schemas import Shape
from core.benchmark_mode import DEFAULT_REPEATS
from core.experiment_plan import MAX_REPEATS
from core.experiments import ExperimentSummary, groups_of, varied_of
from core.invalid_run_config import InvalidRunConfig
from core.report import DATASET
from core.run_changes import MAX_NOTES_LENGTH
from core.run_config import MAX_NAME_LENGTH
from core.run_state import RunState
from core.tables import Run

LARGEST_SEED_COUNT = 1000


class BenchmarkIn(Shape):
    """Whether an experiment is a benchmark."""

    model_config = ConfigDict(strict=True)

    benchmark: bool = Field(False, description="train its runs alone, one after another, each config in turn")
    repeats: int | None = Field(
        None, ge=1, le=MAX_REPEATS, examples=[5],
        description=f"of a benchmark: how often each config and seed is trained; {DEFAULT_REPEATS} if not given",
    )  # fmt: skip

    @property
    def chosen_repeats(self) -> int | None:
        """None where it is no benchmark; raises InvalidRunConfig."""
        if self.repeats is not None and not self.benchmark:
            raise InvalidRunConfig({"repeats": "means something only in a benchmark"})
        return self.repeats or DEFAULT_REPEATS if self.benchmark else None


class ExperimentIn(BenchmarkIn):
    """Every combination of the grid's values over the base, each trained with every seed."""

    name: str = Field("", max_length=MAX_NAME_LENGTH, description="empty: made from what varies")
    base: dict[str, JsonValue] = Field(
        description="values of a run config; with a number of seeds, its `seed` is the first",
        examples=[{"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 5}],
    )
    grid: dict[str, list[JsonValue]] = Field(
        default_factory=dict, examples=[{"learning_rate": [0.1, 0.01]}],
        description="values by field of the run config, by `architecture` (names, or names with parameters) or by "
        "`architecture.parameters.<parameter>`",
    )  # fmt: skip
    seeds: int | list[int] = Field(1, description="how many, or which", examples=[3, [0, 1, 5]])


class ReportIn(BenchmarkIn):
    """The course report's networks, trained again."""

    dataset: str = Field(DATASET, max_length=64, examples=["mnist"])
    seeds: int = Field(3, ge=1, le=LARGEST_SEED_COUNT)


class ExperimentChange(Shape):
    """What may change of an experiment; what is absent or null stays as it is."""

    model_config = ConfigDict(strict=True)

    name: str | None = Field(None, min_length=1, max_length=MAX_NAME_LENGTH, examples=["How fast to learn"])
    notes: str | None = Field(None, max_length=MAX_NOTES_LENGTH)


class GroupOut(Shape):
    """Runs that differ in nothing but the seed."""

    config_hash: str
    varied: dict[str, JsonValue] = Field(description="its values of what the grid varies")
    run_ids: tuple[int, ...]


class ListedExperiment(Shape):
    id: int = Field(examples=[1])
    name: str
    notes: str
    base: dict[str, JsonValue]
    grid: dict[str, list[JsonValue]]
    seeds: tuple[int, ...] = Field(examples=[[0, 1, 2]])
    benchmark: bool = Field(description="whether its runs are trained alone, one after another, each config in turn")
    repeats: int | None = Field(description="of a benchmark: how often each config and seed is trained")
    num_groups: int
    num_runs: dict[RunState, int] = Field(description="how many of its runs are in each state")
    epochs: int = Field(description="of all its runs together")
    epochs_done: int
    created_at: AwareDatetime
    ended_at: AwareDatetime | None = Field(description="null while one of its runs is open")


class ExperimentOut(ListedExperiment):
    groups: tuple[GroupOut, ...]


class ExperimentListOut(Shape):
    experiments: tuple[ListedExperiment, ...]
    next_before: int | None = Field(description="give it as `before` for the page after; null at the end")


def listed_experiment(summary: ExperimentSummary) -> ListedExperiment:
    return ListedExperiment.model_validate(_told(summary))


def experiment_out(summary: ExperimentSummary, runs: list[Run]) -> ExperimentOut:
    groups = [
        GroupOut(
            config_hash=config_hash, varied=varied_of(summary.experiment, group[0]),
            run_ids=tuple(run.id for run in group if run.id is not None),
        )
        for config_hash, group in groups_of(runs).items()
    ]  # fmt: skip
    return ExperimentOut.model_validate(_told(summary) | {"groups": groups})


def _told(summary: ExperimentSummary) -> dict[str, object]:
    experiment = summary.experiment
    names = ("id", "name", "notes", "base", "grid", "seeds", "repeats", "created_at")
    own = {name: getattr(experiment, name) for name in names} | {"benchmark": experiment.repeats is not None}
    counted = {name: getattr(summary, name) for name in ("num_groups", "num_runs", "epochs", "epochs_done", "ended_at")}
    return own | counted
