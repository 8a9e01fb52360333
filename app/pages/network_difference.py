"""The difference of two networks: their drawings in the same columns, and what each layer costs side by side."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from app.dependencies import Reading
from app.network_cards import both_drawn
from app.templating import render
from core.architectures.difference import difference
from core.events import newest_event_id
from core.known_datasets import known_dataset
from core.known_networks import keys_and_titles, network_by_key

router = APIRouter()


class DifferenceQuery(BaseModel):
    model_config = ConfigDict(frozen=True)

    a: str = Field("lenet5", max_length=80)
    b: str = Field("lenet5-moon2", max_length=80)
    dataset: str = Field("", max_length=64)


@router.get("/networks/difference", name="difference_page")
def difference_page(request: Request, query: Annotated[DifferenceQuery, Query()], session: Reading) -> HTMLResponse:
    dataset = known_dataset(session, query.dataset) if query.dataset else None
    a, b = (network_by_key(session, key, dataset) for key in (query.a, query.b))
    found = difference(a.layers, a.image_shape, b.layers, b.image_shape)
    keys = keys_and_titles(session) | {network.key: network.title for network in (a, b)}
    context: dict[str, Any] = {  # Any: what the template names
        "a": a, "b": b, "found": found, "svg": both_drawn(found, (a.title, b.title)), "keys": keys,
        "dataset": query.dataset,
    }  # fmt: skip
    return render(request, "pages/difference.html", **context, event_id=newest_event_id(session))
