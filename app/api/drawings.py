"""The drawing of a network as a file."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field

from app.api.run_records import Responses, as_file
from app.dependencies import Reading
from app.errors import problems
from app.network_query import NetworkQuery
from core.architectures.drawing import drawing_of

SVG: Responses = {200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}}
Key = Annotated[
    str,
    Path(
        max_length=80, examples=["lenet5"],
        description='A name of the catalogue, "run:" with a run\'s id, or "group:" with the start of a config hash.',
    ),
]  # fmt: skip

router = APIRouter(prefix="/architectures", tags=["catalogue"])


class DrawingQuery(NetworkQuery):
    width: Literal["narrow", "medium", "wide"] = Field("wide", description="Rows of 296, 600 or 1180 pixels at most.")


@router.get("/{name}/drawing.svg", response_class=Response, responses=SVG | problems(404))
def get_drawing(name: Key, query: Annotated[DrawingQuery, Query()], session: Reading) -> Response:
    """The network as in figure 2 of LeCun et al. (1998): maps as planes, flat layers as bars, fields as pyramids.

    Light, and dark where the viewer is; each stage tells its parameters and multiply-adds where one points at it.
    """
    network = query.network(session, name)
    drawn = drawing_of(network.layers, network.image_shape, title=network.title, width=query.width, alone=True)
    file_name = f"{name.replace(':', '-')}.svg"
    return Response(drawn, media_type="image/svg+xml", headers=as_file(file_name))
