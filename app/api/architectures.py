"""The catalogue of networks, each with the layer table of its preset."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field, JsonValue

from app.api.schemas import Shape, from_row
from app.errors import problems
from core.architectures.catalogue import FAMILIES
from core.architectures.facts import Architecture, describe
from core.datasets import DATASETS

router = APIRouter(prefix="/architectures", tags=["catalogue"])


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


@router.get("")
def list_architectures() -> list[ArchitectureOut]:
    """Every family of the catalogue, as its preset makes it."""
    return [_described(name) for name in FAMILIES]


@router.get("/{name}", responses=problems(404))
def get_architecture(name: Annotated[str, Path(max_length=64, examples=["lenet5"])]) -> ArchitectureOut:
    """One family: what a run may set, and the layers of its preset with shapes and counts."""
    return _described(name)


def _described(name: str) -> ArchitectureOut:
    digits = DATASETS["digits"]  # the counts of the catalogue are for its images and ten classes
    return architecture_out(describe(name, {}, digits.image_shape, len(digits.classes)))


def architecture_out(facts: Architecture) -> ArchitectureOut:
    preset = FAMILIES[facts.name].parameters().model_dump(mode="json")
    return from_row(ArchitectureOut, facts, parameters=preset)
