"""The catalogue of networks, each with the layer table of its preset, and the networks that users saved."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response
from pydantic import AwareDatetime, ConfigDict, Field, JsonValue

from app.api.schemas import Shape, from_row
from app.dependencies import Reading, Writing
from app.errors import problems
from core.architectures.catalogue import FAMILIES, resolve
from core.architectures.facts import describe, describe_own
from core.architectures.layers import LAYERS, Layers, LayerSpec
from core.architectures.names import MAX_NAME_LENGTH, MAX_REFERENCE_LENGTH
from core.datasets import DATASETS
from core.known_datasets import known_dataset
from core.saved_architectures import MAX_NOTES_LENGTH, hide, reference_of, save, saved_architectures, saved_named
from core.tables import SavedArchitecture

router = APIRouter(prefix="/architectures", tags=["catalogue"])

Name = Annotated[str, Path(max_length=MAX_REFERENCE_LENGTH, examples=["lenet5"])]
EXAMPLES = {
    "residual": {
        "summary": "A small network with a residual block",
        "value": {
            "name": "mine", "dataset": "digits",
            "layers": [
                {"type": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": 1},
                {"type": "ReLU"},
                {"type": "Residual", "layers": [
                    {"type": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": 1}, {"type": "ReLU"},
                ]},
                {"type": "MaxPool2d", "kernel_size": 2},
                {"type": "Flatten"},
                {"type": "Linear", "out_features": 10},
            ],
        },
    },
}  # fmt: skip


class LayerOut(Shape):
    number: str = Field(description='from 1; "4.1" is inside a Residual', examples=["1"])
    type: str = Field(examples=["Conv2d"])
    label: str = Field(examples=["Conv2d 6 filters 5×5"])
    output_shape: tuple[int, ...] = Field(description="of one image", examples=[[6, 24, 24]])
    num_parameters: int = Field(examples=[156])
    num_multiply_adds: int = Field(description="per image", examples=[86_400])
    inner: tuple["LayerOut", ...] = Field(description="the layers of a Residual, already counted in it")


class ArchitectureOut(Shape):
    name: str = Field(examples=["lenet5"])
    title: str = Field(examples=["LeNet-5"])
    summary: str
    source: str
    num_parameters: int = Field(examples=[44_426])
    num_multiply_adds: int = Field(description="per image")
    parameters: dict[str, JsonValue] = Field(description="what a run may set, with the preset's values")
    layers: tuple[LayerOut, ...]
    specs: tuple[LayerSpec, ...] = Field(description="the same layers as they are written: what a POST takes")
    version: int | None = Field(description="of a saved network, from 1; null of a family", examples=[None])
    created_at: AwareDatetime | None = Field(description="of a saved network")


class ArchitectureIn(Shape):
    """A network to save."""

    model_config = ConfigDict(str_strip_whitespace=True)

    name: str = Field(max_length=MAX_NAME_LENGTH, examples=["mine"])
    layers: Layers = Field(description="in order; input sizes follow from the images")
    dataset: str = Field("digits", max_length=64, description="whose images and classes it must fit")
    notes: str = Field("", max_length=MAX_NOTES_LENGTH)


@router.get("")
def list_architectures(session: Reading) -> list[ArchitectureOut]:
    """Every family of the catalogue, as its preset makes it, and every version of every saved network."""
    return [*map(_family, FAMILIES), *map(_saved, saved_architectures(session))]


@router.post(
    "", status_code=201,
    responses=problems(400, 404) | {200: {"model": ArchitectureOut, "description": "Saved before"}},
)  # fmt: skip
def save_architecture(
    asked: Annotated[ArchitectureIn, Body(openapi_examples=EXAMPLES)], session: Writing, response: Response
) -> ArchitectureOut:
    """Save a network. A saved one never changes: the same name with other layers makes its next version, and with
    those of the newest version nothing new. Runs name it as `mine`, or `mine@1`."""
    saved, is_new = save(session, asked.name, asked.layers, known_dataset(session, asked.dataset), asked.notes)
    response.status_code = 201 if is_new else 200
    return _saved(saved)


@router.get("/{name}", responses=problems(404))
def get_architecture(name: Name, session: Reading) -> ArchitectureOut:
    """One family: what a run may set, and the layers of its preset with shapes and counts; or a saved network, as
    `mine` its newest version, as `mine@1` that one."""
    return _family(name) if name in FAMILIES else _saved(saved_named(session, name))


@router.delete("/{name}", status_code=204, response_class=Response, responses=problems(404))
def hide_architecture(name: Name, session: Writing) -> None:
    """Take a saved network, all versions or the one that is named, off the lists. Runs keep what they trained, and
    `mine@1` can still be named."""
    hide(session, name)


def _family(name: str) -> ArchitectureOut:
    digits = DATASETS["digits"]
    preset = FAMILIES[name].parameters().model_dump(mode="json")
    shape, num_classes = digits.image_shape, len(digits.classes)
    facts, specs = describe(name, {}, shape, num_classes), resolve(name, {}, shape, num_classes)
    return from_row(ArchitectureOut, facts, parameters=preset, specs=specs, version=None, created_at=None)


def _saved(saved: SavedArchitecture) -> ArchitectureOut:
    specs = LAYERS.validate_python(saved.layers)
    facts = describe_own(reference_of(saved), specs, tuple(saved.image_shape), saved.notes)
    version, created_at = saved.version, saved.created_at
    return from_row(ArchitectureOut, facts, parameters={}, specs=specs, version=version, created_at=created_at)
