"""In what two networks differ, as JSON and as a drawing."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sqlmodel import Session

from app.api.drawings import SVG
from app.api.run_records import as_file
from app.api.schemas import Shape
from app.dependencies import Reading
from app.errors import problems
from core.architectures.difference import Change, Difference, LayerPair, difference
from core.architectures.drawing import difference_drawing
from core.architectures.labels import layer_label
from core.architectures.shapes import TracedLayer
from core.known_datasets import known_dataset
from core.known_networks import Network, network_by_key

router = APIRouter(prefix="/architectures", tags=["catalogue"])


class Pair(BaseModel):
    """Two keys, each a name, "run:" with an id, or "group:" with the start of a config hash."""

    model_config = ConfigDict(frozen=True)

    a: str = Field(max_length=80, examples=["lenet5"])
    b: str = Field(max_length=80, examples=["lenet5-moon2"])
    dataset: str | None = Field(None, max_length=64, description="Whose images and classes they are for.")

    def networks(self, session: Session) -> tuple[Network, Network]:
        dataset = known_dataset(session, self.dataset) if self.dataset else None
        return network_by_key(session, self.a, dataset), network_by_key(session, self.b, dataset)


class DrawnPair(Pair):
    width: Literal["narrow", "medium", "wide"] = "wide"


class SideOut(Shape):
    key: str = Field(examples=["lenet5"])
    title: str = Field(examples=["LeNet-5"])
    num_parameters: int
    num_multiply_adds: int = Field(description="per image")


class ComparedLayerOut(Shape):
    number: str = Field(description='from 1; "4.1" is inside a Residual', examples=["1"])
    type: str = Field(examples=["Conv2d"])
    label: str = Field(examples=["Conv2d 6 filters 5×5"])
    output_shape: tuple[int, ...] = Field(examples=[[6, 24, 24]])
    num_parameters: int = Field(description="of a Residual, with those of the layers in it, which follow it")
    num_multiply_adds: int = Field(description="per image")


class FieldChangeOut(Shape):
    field: str = Field(examples=["out_channels"])
    a: JsonValue = Field(examples=[6])
    b: JsonValue = Field(examples=[10])


class LayerPairOut(Shape):
    change: Change = Field(description='"resized": the same layer on maps of another size')
    a: ComparedLayerOut | None = Field(description="null where it was added")
    b: ComparedLayerOut | None = Field(description="null where it was removed")
    fields: tuple[FieldChangeOut, ...]


class DifferenceOut(Shape):
    a: SideOut
    b: SideOut
    layers: tuple[LayerPairOut, ...] = Field(description="in the order of both")


@router.get("/diff", responses=problems(404))
def get_difference(pair: Annotated[Pair, Query()], session: Reading) -> DifferenceOut:
    """Two networks, their layers aligned: which are in both, which only in one, and which fields differ."""
    a, b = pair.networks(session)
    found = difference(a.layers, a.image_shape, b.layers, b.image_shape)
    return DifferenceOut(a=_side(a, found, 0), b=_side(b, found, 1), layers=tuple(map(_pair, found.pairs)))


@router.get("/diff.svg", response_class=Response, responses=SVG | problems(404))
def get_difference_drawing(pair: Annotated[DrawnPair, Query()], session: Reading) -> Response:
    """Both networks drawn in the same columns and to one scale, with what was added, removed or changed marked."""
    a, b = pair.networks(session)
    found = difference(a.layers, a.image_shape, b.layers, b.image_shape)
    drawn = difference_drawing(found, (a.title, b.title), width=pair.width, alone=True)
    file_name = f"{a.key}-{b.key}.svg".replace(":", "-")
    return Response(drawn, media_type="image/svg+xml", headers=as_file(file_name))


def _side(network: Network, found: Difference, side: int) -> SideOut:
    return SideOut(
        key=network.key,
        title=network.title,
        num_parameters=found.num_parameters[side],
        num_multiply_adds=found.num_multiply_adds[side],
    )


def _pair(pair: LayerPair) -> LayerPairOut:
    fields = tuple(FieldChangeOut(field=field.field, a=field.a, b=field.b) for field in pair.fields)
    return LayerPairOut(change=pair.change, a=_layer(pair.a), b=_layer(pair.b), fields=fields)


def _layer(layer: TracedLayer | None) -> ComparedLayerOut | None:
    if layer is None:
        return None
    return ComparedLayerOut(
        number=layer.number,
        type=layer.spec.type,
        label=layer_label(layer.spec),
        output_shape=layer.output_shape,
        num_parameters=layer.num_parameters,
        num_multiply_adds=layer.num_multiply_adds,
    )
