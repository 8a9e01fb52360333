"""The builder: a page where a network is composed. Its form, or its address, is all of its state."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import URL

from app.dependencies import Reading
from app.pages.builder_draft import Composed, composed
from app.pages.builder_edits import Edited
from app.pages.builder_view import before_the_last, done, drafts_of, page, parts, started
from app.templating import render
from core.architectures.catalogue import FAMILIES
from core.architectures.layers import LAYERS
from core.architectures.names import MAX_REFERENCE_LENGTH
from core.saved_architectures import reference_of, saved_named

SEE_OTHER = 303
FIRST = "lenet5"  # what the page begins with, so that there is something to change

router = APIRouter()


@router.get("/networks/new", name="builder_page", response_model=None)
def builder_page(
    request: Request, session: Reading,
    start: Annotated[str, Query(alias="from", max_length=MAX_REFERENCE_LENGTH)] = FIRST,
    do: str = "", focus: str = "",
) -> HTMLResponse | RedirectResponse:  # fmt: skip
    """The network of the address, or the one to start `from`. A button's wish leads to the address of what came of
    it; with JavaScript it goes to `builder_outlook` instead."""
    before = composed(request.query_params.multi_items())
    if "from" in request.query_params or not request.query_params:
        return page(request, session, started(session, before, start))
    if not do:
        return page(request, session, Edited(before, focus))
    now = done(session, before, do)
    address = URL(f"{request.app.url_path_for('builder_page')}?{now.composed.query()}")
    return RedirectResponse(str(address.include_query_params(focus=now.focus)), SEE_OTHER)


@router.get("/networks/compose", name="builder_outlook")
def builder_outlook(request: Request, session: Reading, do: str = "") -> HTMLResponse:
    """The parts of the page that follow from the form, each for its place; after a button also the layers."""
    before = composed(request.query_params.multi_items())
    now = done(session, before, do) if do else Edited(before)
    response = render(request, "partials/builder/outlook.html", is_edited=bool(do), **parts(session, now))
    response.headers["HX-Replace-Url"] = f"{request.app.url_path_for('builder_page')}?{now.composed.query()}"
    return response


@router.get("/networks/{name}/edit", name="edit_network")
def edit_network(request: Request, session: Reading, name: str, saved: bool = False) -> HTMLResponse:
    """A saved network, `mine` or `mine@2`; what is saved after a change is the next version. Of a family a copy."""
    if name in FAMILIES:
        return page(request, session, started(session, Composed(()), name))
    network = saved_named(session, name)
    layers = LAYERS.validate_python(network.layers)
    now = Composed(drafts_of(layers), network.dataset, at=before_the_last(layers), name=network.name)
    return page(request, session, Edited(now), saved_as=reference_of(network) if saved else "")
