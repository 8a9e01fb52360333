"""The run config: all that decides a run's result, frozen and whole, and its hash.

Defaults are the report's: SGD, learning rate 0.01, momentum 0.9, batch size 64, 10 epochs, no validation.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from core.architecture_choice import ArchitectureChoice, resolved_layers
from core.architectures.layers import LAYERS, Layers
from core.architectures.shapes import count_multiply_adds, count_parameters
from core.datasets import DATASETS, Dataset
from core.invalid_run_config import InvalidRunConfig, problems_of
from core.run_source import Source

# What a field means only beside a certain choice, and its value when nothing was said.
DEPENDENT_FIELDS: dict[str, tuple[str, frozenset[str], float | bool | int]] = {
    "momentum": ("optimizer", frozenset({"sgd"}), 0.9),
    "nesterov": ("optimizer", frozenset({"sgd"}), False),
    "step_epochs": ("schedule", frozenset({"step"}), 3),
    "step_factor": ("schedule", frozenset({"step"}), 0.1),
    "warmup_epochs": ("schedule", frozenset({"cosine"}), 0),
}
MAX_NAME_LENGTH = 120
NOT_HASHED = frozenset({"name", "seed", "device", "architecture"})


class RunConfig(BaseModel):
    """All that decides the result of a run. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(
        "", max_length=MAX_NAME_LENGTH, title="Name", description="empty: made from architecture, dataset, seed"
    )
    architecture: ArchitectureChoice = Field(title="Network")
    dataset: str = Field(max_length=64, title="Dataset", examples=["digits"])
    epochs: int = Field(10, ge=1, le=10_000, title="Epochs")
    batch_size: int = Field(64, ge=1, le=65_536, title="Batch size")
    optimizer: Literal["sgd", "adam", "adamw"] = Field("sgd", title="Optimizer")
    learning_rate: float = Field(0.01, gt=0, le=100, title="Learning rate")
    momentum: float | None = Field(None, ge=0, lt=1, title="Momentum", description="SGD only; 0.9 if not given")
    nesterov: bool | None = Field(None, title="Nesterov momentum", description="SGD only")
    weight_decay: float = Field(0.0, ge=0, le=10, title="Weight decay")
    schedule: Literal["constant", "step", "cosine", "one-cycle"] = Field("constant", title="Schedule")
    step_epochs: int | None = Field(None, ge=1, le=10_000, title="Epochs per step")
    step_factor: float | None = Field(None, gt=0, le=1, title="Factor per step")
    warmup_epochs: int | None = Field(None, ge=0, le=10_000, title="Warm-up epochs")
    label_smoothing: float = Field(0.0, ge=0, lt=1, title="Label smoothing")
    augmentation: Literal["none", "shift", "affine"] = Field("none", title="Augmentation")
    validation: Literal["none"] | Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        "none", title="Validation images", description="`none`, or a number of images held out of train"
    )
    selection: Literal["last", "best_val"] = Field("last", title="Selected epoch")
    early_stopping_patience: int | None = Field(None, ge=1, le=10_000, title="Early-stopping patience")
    seed: int = Field(0, ge=0, le=2**32 - 1, title="Seed")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", title="Device")
    precision: Literal["fp32", "tf32", "bf16"] = Field(
        "fp32", title="Precision", description="tf32 is a GPU's way to compute; on a CPU it is fp32"
    )
    source: Source | None = Field(None, title="Starts from", description="another run's checkpoint or weights")

    @field_validator("name")
    @classmethod
    def _name_is_one_line_of_text(cls, name: str) -> str:
        return checked_name(name)

    @model_validator(mode="before")
    @classmethod
    def _fill_dependent_fields(cls, values: Any) -> Any:  # whatever a client sent, before it is checked
        if not isinstance(values, dict):
            return values
        filled = dict(values)
        for field, (choice, chosen, default) in DEPENDENT_FIELDS.items():
            chose = filled.get(choice, cls.model_fields[choice].default)
            if isinstance(chose, str) and chose in chosen and filled.get(field) is None:
                filled[field] = default
        return filled

    @model_validator(mode="after")
    def _choices_fit_together(self) -> Self:
        problems: dict[str, str] = {}
        for field, (choice, chosen, _) in DEPENDENT_FIELDS.items():
            if getattr(self, choice) not in chosen and getattr(self, field) is not None:
                problems[field] = f"means something only where {choice} is {' or '.join(sorted(chosen))}"
        if self.nesterov and not self.momentum:
            problems["nesterov"] = "needs a momentum above 0"
        if self.warmup_epochs is not None and self.warmup_epochs >= self.epochs:
            problems["warmup_epochs"] = "must be fewer than the epochs"
        if self.validation == "none" and self.selection == "best_val":
            problems["selection"] = "the best epoch can only be chosen by validation images; set validation"
        if self.validation == "none" and self.early_stopping_patience is not None:
            problems["early_stopping_patience"] = "stopping early needs validation images; set validation"
        if problems:
            raise InvalidRunConfig(problems)
        return self

    @property
    def num_validation_images(self) -> int:
        return 0 if self.validation == "none" else self.validation

    @property
    def epochs_inherited(self) -> int:
        """Of a run that is continued: its past."""
        return (self.source.epoch or 0) if self.source is not None and self.source.mode == "continue" else 0

    def display_name(self) -> str:
        start = f", from run {self.source.run_id}" if self.source is not None else ""
        return self.name or f"{self.architecture.name} on {self.dataset}, seed {self.seed}{start}"


@dataclass(frozen=True)
class ResolvedRun:
    """A run config that was checked against catalogue and dataset, with the layers it means."""

    config: RunConfig
    layers: Layers
    num_parameters: int
    num_multiply_adds: int
    config_hash: str


def parse_run_config(values: Mapping[str, object]) -> RunConfig:
    """The run config written in `values`; raises InvalidRunConfig with every field's reason."""
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise InvalidRunConfig(problems_of(error.errors())) from None


def resolve_run(config: RunConfig, datasets: Mapping[str, Dataset] = DATASETS) -> ResolvedRun:
    """Checks the config against dataset and catalogue; raises InvalidRunConfig with field and reason. `datasets`: those
    of this installation, where some were imported."""
    dataset = datasets.get(config.dataset)
    if dataset is None:
        raise InvalidRunConfig({"dataset": f"is not one of {', '.join(sorted(datasets))}"})
    layers = resolved_layers(config.architecture, dataset)
    if dataset.num_train is not None and config.num_validation_images >= dataset.num_train:
        raise InvalidRunConfig(
            {"validation": f"must leave images to train on: {config.dataset} has {dataset.num_train:,}"}
        )
    return ResolvedRun(
        config=config,
        layers=layers,
        num_parameters=count_parameters(layers, dataset.image_shape),
        num_multiply_adds=count_multiply_adds(layers, dataset.image_shape),
        config_hash=config_hash(config, layers),
    )


def config_hash(config: RunConfig, layers: Layers) -> str:
    """SHA-256 of the canonical JSON of the resolved config: layers for names, without name, seed, device; of a source
    what decides the result."""
    resolved = config.model_dump(mode="json", exclude={*NOT_HASHED, "source"}) | {
        "layers": LAYERS.dump_python(layers, mode="json")
    }
    if config.source is not None:  # else as before there were any
        resolved["source"] = config.source.deciding()
    return sha256_of(resolved)


def sha256_of(values: Mapping[str, object]) -> str:
    """Of their canonical JSON."""
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def checked_name(name: str) -> str:
    """The name without outer spaces; raises ValueError where it holds a control character."""
    if any(not character.isprintable() for character in name):
        raise ValueError("must be one line of printable characters")
    return name.strip()
