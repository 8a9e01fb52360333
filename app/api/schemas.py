"""The shapes that programs read and write, and how a row becomes one. Missing figures are null, never left out."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from core.metrics import LOSSES
from core.run_changes import MAX_NOTES_LENGTH
from core.run_config import MAX_NAME_LENGTH, RunConfig
from core.run_state import RunState
from core.run_tables import Progress
from core.tables import Run
from core.tags import MAX_TAG_LENGTH, MAX_TAGS

Fraction = Annotated[float, Field(description="a fraction, from 0 to 1", examples=[0.9861])]
Tag = Annotated[str, Field(min_length=1, max_length=MAX_TAG_LENGTH)]
MAX_PRIORITY = 1_000_000_000


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


AnyShape = TypeVar("AnyShape", bound=Shape)


class RunChange(Shape):
    """What may change of a run; what is absent or null stays as it is."""

    model_config = ConfigDict(strict=True)

    name: str | None = Field(None, min_length=1, max_length=MAX_NAME_LENGTH, examples=["LeNet-5, wider"])
    priority: int | None = Field(None, ge=-MAX_PRIORITY, le=MAX_PRIORITY, description="higher goes first")
    held: bool | None = Field(None, description="a held run waits; a running one goes back to the queue first")
    notes: str | None = Field(None, max_length=MAX_NOTES_LENGTH, description="plain text", examples=["A wider try."])
    tags: list[Tag] | None = Field(None, max_length=MAX_TAGS, description="these and no other", examples=[["try"]])


class ContinueIn(Shape):
    """How far."""

    epochs: int = Field(ge=1, le=10_000, description="in all, with those that are trained", examples=[20])


class SummaryOut(Shape):
    """Figures of the selected epoch; a loss that was NaN or infinite is null and named in `non_finite`."""

    selected_epoch: int
    train_loss: float | None
    train_accuracy: Fraction
    val_loss: float | None
    val_accuracy: Fraction | None
    test_loss: float | None
    test_accuracy: Fraction
    non_finite: tuple[str, ...] = Field(examples=[[]])
    seconds_per_epoch: float | None
    images_per_second: float | None
    peak_memory_bytes: int | None
    num_parameters: int


class CostsOut(Shape):
    """What the run took, and what else the machine did meanwhile; null: not measured. Seconds are means over epochs."""

    seconds_per_epoch: float | None
    train_seconds_per_epoch: float | None
    evaluation_seconds_per_epoch: float | None
    checkpoint_seconds_per_epoch: float | None
    images_per_second: float | None = Field(description="trained images over the seconds of training only")
    run_memory_bytes: int | None = Field(
        description="what the run added at its peak to the warm trainer's memory; on a GPU the allocator's peak"
    )
    peak_memory_bytes: int | None = Field(description="the whole trainer's peak; on a GPU the allocator's")
    num_parameters: int
    num_multiply_adds: int = Field(description="of one image, forward")
    checkpoint_bytes: int | None
    single_image_seconds: float | None = Field(
        description="from one image on the device to its answer, by the selected weights: the median of many"
    )
    batch_seconds: float | None = Field(description="the same of `batch_images` at once")
    batch_images: int | None
    cores_busy_beside: float | None = Field(
        description="CPU cores of the machine that did anything but train this run, on average over its epochs"
    )
    most_runs_beside: int | None = Field(
        description="at most so many other runs were trained at the same time, by any worker"
    )
    stack_size: int | None = Field(
        description="trained as one stack with others, so many together at most: its seconds and memory are the stack's"
    )
    export_beside: bool | None = Field(description="whether runs were exported during a part of it, by any worker")


class FailureOut(Shape):
    reason: str
    suggestion: str | None
    suggested_dataset: str | None = Field(description="the same run on this dataset would work")


class ProgressOut(Shape):
    """Where a running run stands."""

    attempt: int
    phase: str = Field(description="starting, fetching, training or evaluating", examples=["training"])
    message: str
    epoch: int
    step: int
    steps_per_epoch: int
    images_per_second: float | None
    loss: tuple[int, float] | None = Field(description="newest [step, loss] of this epoch")


class RunOut(Shape):
    id: int = Field(examples=[1])
    name: str
    state: RunState
    config: RunConfig
    config_hash: str = Field(description="the same for runs that differ in nothing but the seed")
    num_parameters: int
    num_multiply_adds: int
    attempt: int = Field(description="how often it was claimed")
    priority: int
    held: bool
    cancel_requested: bool
    queue_position: int | None = Field(description="place in line, from 1; null where it does not wait")
    epochs_done: int
    progress: ProgressOut | None
    summary: SummaryOut | None = Field(description="null until an epoch is recorded")
    costs: CostsOut
    failure: FailureOut | None
    environment: dict[str, JsonValue] | None = Field(description="torch build, CPU and threads of the first attempt")
    experiment_id: int | None
    repeat: int | None = Field(description="of a benchmark: which time this config and seed is trained, from 1")
    reproduces_id: int | None = Field(description="the run that this one trains again; it may be gone since")
    notes: str
    tags: tuple[str, ...]
    deleted_at: AwareDatetime | None = Field(description="in the bin since then")
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class RunListOut(Shape):
    runs: tuple[RunOut, ...]
    num_matching: int = Field(description="on all pages")
    next_cursor: str | None = Field(description="give it as `cursor` for the page after; null at the end")


def from_row(shape: type[AnyShape], row: object, **computed: object) -> AnyShape:
    """The shape whose fields are the row's attributes of the same names, but for what is computed."""
    values = {name: getattr(row, name) for name in shape.model_fields if name not in computed}
    return shape.model_validate(values | computed, from_attributes=True)


def run_out(run: Run, progress: Progress | None, queue_position: int | None, tags: Sequence[str]) -> RunOut:
    return from_row(
        RunOut,
        run,
        tags=tags,
        held=run.held_at is not None,
        cancel_requested=run.cancel_requested_at is not None,
        queue_position=queue_position,
        progress=None if progress is None else progress_out(progress),
        summary=summary_out(run),
        costs=from_row(CostsOut, run),
        failure=failure_out(run),
    )


def summary_out(run: Run) -> SummaryOut | None:
    if run.selected_epoch is None:
        return None
    # A split that was evaluated has an accuracy; where its loss is missing all the same, it was not a number.
    is_measured = {name: getattr(run, name.replace("loss", "accuracy")) is not None for name in LOSSES}
    return from_row(
        SummaryOut, run, non_finite=[name for name in LOSSES if is_measured[name] and getattr(run, name) is None]
    )


def failure_out(run: Run) -> FailureOut | None:
    if run.failure_reason is None:
        return None
    return FailureOut(
        reason=run.failure_reason, suggestion=run.failure_suggestion, suggested_dataset=run.suggested_dataset
    )


def progress_out(progress: Progress) -> ProgressOut:
    return from_row(ProgressOut, progress, loss=progress.losses[-1] if progress.losses else None)
