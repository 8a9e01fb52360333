"""The shapes of what a run left behind: epochs, events, log lines, files."""

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime, Field, JsonValue

from app.api.schemas import Fraction, Shape, from_row
from core.diagnosis import Finding
from core.diagnosis import Kind as FindingKind
from core.reproduction_answers import Answer, Kind
from core.run_tables import Artifact, Epoch
from core.tables import Run


class EpochOut(Shape):
    """One recorded epoch; a loss that was NaN or infinite is null and named in `non_finite`."""

    epoch: int = Field(examples=[1])
    attempt: int
    train_loss: float | None
    train_accuracy: Fraction
    val_loss: float | None
    val_accuracy: Fraction | None
    test_loss: float | None
    test_accuracy: Fraction
    non_finite: tuple[str, ...] = Field(examples=[[]])
    learning_rate: float
    seconds: float
    train_seconds: float
    evaluation_seconds: float
    checkpoint_seconds: float
    images_per_second: float | None
    peak_memory_bytes: int
    run_memory_bytes: int | None
    cores_busy_beside: float | None
    recorded_at: AwareDatetime


class EventOut(Shape):
    id: int
    kind: str = Field(examples=["state"])
    payload: dict[str, JsonValue] = Field(examples=[{"state": "running", "attempt": 1}])
    recorded_at: AwareDatetime


class LogLineOut(Shape):
    id: int
    attempt: int
    line: str
    recorded_at: AwareDatetime


class ArtifactOut(Shape):
    id: int
    kind: str = Field(
        description="checkpoint (of the last epoch), best_checkpoint, weights (of the selected epoch, safetensors); "
        "once a completed run is exported: onnx, predictions (class and confidence of each test image), tensorboard",
        examples=["weights"],
    )
    file_name: str
    sha256: str
    num_bytes: int
    epoch: int
    attempt: int
    facts: dict[str, JsonValue] | None = Field(
        description="what was found out about it; onnx: the largest differences from torch over the test split",
        examples=[{"num_images": 10000, "num_correct": 9893}],
    )
    created_at: AwareDatetime
    url: str = Field(description="where its bytes are", examples=["/api/v1/runs/1/artifacts/3"])


class UnlikeFigureOut(Shape):
    name: str = Field(examples=["train_loss"])
    original: float | None
    again: float | None


class UnlikeOut(Shape):
    """The first difference."""

    epoch: int | None = Field(description="null where only the final weights differ")
    figures: tuple[UnlikeFigureOut, ...]
    tensors: tuple[str, ...] = Field(
        description="by their names in the weights file, in the order of the network; those of this epoch, or of the "
        "final weights where `compared_epochs` is false",
        examples=[["0.weight", "0.bias"]],
    )
    layer: str | None = Field(
        description="the first of them in words", examples=["layer 1 (Conv2d 6 filters 5×5), weights"]
    )
    largest: float | None = Field(description="difference of two of its values, in the final weights")


class ReproductionOut(Shape):
    """Two trainings of one config, and whether they are the same, bit for bit."""

    original_id: int
    again_id: int
    answer: Kind = Field(description="open until the second has ended; unfinished where it did not complete")
    compared_epochs: bool = Field(description="whether the weights of each epoch were compared, or the final ones only")
    difference: UnlikeOut | None
    unlike: tuple[str, ...] = Field(
        description="why identity was not promised; empty where it was", examples=[["threads: 1, then 2"]]
    )


class RemedyOut(Shape):
    """A launch that may mend it: `config` is one for `POST /api/v1/runs`."""

    words: str = Field(examples=["Learning rate 0.001"])
    config: dict[str, JsonValue]


class FindingOut(Shape):
    """Something that a run's figures say."""

    kind: FindingKind
    title: str = Field(examples=["Overfitting since epoch 4"])
    words: str
    evidence: dict[str, JsonValue] = Field(description="the figures of `words`, by name; losses, epochs, counts")
    remedies: tuple[RemedyOut, ...]


def finding_out(finding: Finding, run: Run) -> FindingOut:
    own = run.config | {"name": ""}
    remedies = tuple(RemedyOut(words=one.words, config=own | one.changes) for one in finding.remedies)
    return from_row(FindingOut, finding, remedies=remedies)


def reproduction_out(answer: Answer) -> ReproductionOut:
    unlike = answer.difference
    difference = None if unlike is None else from_row(UnlikeOut, unlike, layer=answer.layer)
    return from_row(
        ReproductionOut, answer, difference=difference, answer=answer.kind,
        original_id=answer.original.id, again_id=answer.again.id,
    )  # fmt: skip


def epoch_row(epoch: Epoch) -> Mapping[str, Any]:  # what a CSV line holds
    """The line of an epoch in a table of metrics."""
    figures = from_row(EpochOut, epoch).model_dump(mode="json")
    return figures | {"non_finite": " ".join(figures["non_finite"])}


def artifact_out(artifact: Artifact, url: str) -> ArtifactOut:
    return from_row(ArtifactOut, artifact, url=url)
