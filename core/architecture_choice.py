"""Which network a run config asks for: a family of the catalogue with parameters, or a network of the user's own."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from core.architectures.catalogue import FAMILIES, UnknownArchitecture, resolve
from core.architectures.layers import Layers
from core.architectures.names import MAX_REFERENCE_LENGTH, name_problem, split_version
from core.architectures.shapes import ArchitectureError, trace_classifier
from core.datasets import Dataset
from core.invalid_run_config import InvalidRunConfig, problems_of


class ArchitectureChoice(BaseModel):
    """A named family and the values that differ from its preset; or layers under a name that no family has. The name
    of a saved network alone gets its layers where it is launched (core/saved_architectures.py)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(
        max_length=MAX_REFERENCE_LENGTH, examples=["lenet5"],
        description="a family; a saved network, `mine` (the newest version) or `mine@2`; with `layers` one of your own",
    )  # fmt: skip
    parameters: dict[str, JsonValue] = Field(
        default_factory=dict, examples=[{"pool": "max"}], description="of a family, what differs from its preset"
    )
    layers: Layers | None = Field(
        None, exclude_if=lambda layers: layers is None, description="a network of your own, layer by layer"
    )


def resolved_layers(choice: ArchitectureChoice, dataset: Dataset) -> Layers:
    """The layers that it means, checked against the dataset; raises InvalidRunConfig with field and reason."""
    if choice.layers is not None:
        return _own_layers(choice, choice.layers, dataset)
    try:
        return resolve(choice.name, choice.parameters, dataset.image_shape, len(dataset.classes))
    except UnknownArchitecture as error:
        raise InvalidRunConfig({"architecture.name": str(error)}) from None
    except ValidationError as error:
        raise InvalidRunConfig(
            {f"architecture.parameters.{field}": reason for field, reason in problems_of(error.errors()).items()}
        ) from None
    except ArchitectureError as error:
        raise InvalidRunConfig({"architecture.parameters": str(error)}) from None


def _own_layers(choice: ArchitectureChoice, layers: Layers, dataset: Dataset) -> Layers:
    problems = dict[str, str]()
    if choice.name in FAMILIES:
        problems["architecture.name"] = "is a family of the catalogue; a network with layers of its own needs another"
    elif (problem := name_problem(split_version(choice.name)[0])) is not None:
        problems["architecture.name"] = problem
    if choice.parameters:
        problems["architecture.parameters"] = "belong to a family; a network of your own is said by its layers"
    try:
        trace_classifier(layers, dataset.image_shape, len(dataset.classes))
    except ArchitectureError as error:
        problems[f"architecture.{error.path}"] = str(error)
    if problems:
        raise InvalidRunConfig(problems)
    return layers
