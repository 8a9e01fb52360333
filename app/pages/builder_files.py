"""What goes in and out of the builder: saving under a name, import and export as JSON."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile

from app.dependencies import Reading, Writing
from app.pages.builder_draft import composed
from app.pages.builder_edits import Edited
from app.pages.builder_outlook import outlook_of
from app.pages.builder_view import before_the_last, dataset_of, drafts_of, page, texts_in
from core.architectures.layers import LAYERS, Layers, Residual
from core.architectures.names import name_problem
from core.architectures.shapes import MAX_LAYERS, parse_layers
from core.invalid_run_config import InvalidRunConfig
from core.saved_architectures import reference_of, save

SEE_OTHER = 303
FILE_NAME = "network"

router = APIRouter()


async def _sent(request: Request) -> AsyncIterator[list[tuple[str, str | UploadFile]]]:
    async with request.form() as form:
        yield form.multi_items()


Sent = Annotated[list[tuple[str, str | UploadFile]], Depends(_sent)]


@router.post("/networks", name="save_network", response_model=None)
def save_network(request: Request, session: Writing, sent: Sent) -> HTMLResponse | RedirectResponse:
    """Saves it, and leads back to it, or on to its launch."""
    texts = texts_in(sent)
    asked = composed(texts)
    outlook = outlook_of(asked, dataset_of(session, asked))
    try:
        if outlook.layers is None:
            raise InvalidRunConfig({"layers": "the network is not whole yet"})
        saved, _ = save(session, asked.name.strip(), outlook.layers, outlook.dataset)
    except InvalidRunConfig as error:
        focus = "name" if "name" in error.problems else "builder-summary"
        return page(request, session, Edited(asked, focus), problems=error.problems)
    if ("then", "train") in texts:
        chosen = f"architecture={reference_of(saved)}&dataset={outlook.dataset.name}"
        return RedirectResponse(f"{request.app.url_path_for('new_run_page')}?{chosen}", SEE_OTHER)
    back = request.app.url_path_for("edit_network", name=reference_of(saved))
    return RedirectResponse(f"{back}?saved=1", SEE_OTHER)


@router.get("/networks/export", name="export_network")
def export_network(request: Request, session: Reading) -> Response:
    """The network of the form as a file that the import takes."""
    asked = composed(request.query_params.multi_items())
    outlook = outlook_of(asked, dataset_of(session, asked))
    if outlook.layers is None:
        raise InvalidRunConfig({"layers": "the network is not whole yet: mend it, then export it"})
    named = {} if name_problem(asked.name) else {"name": asked.name}
    body = json.dumps(named | {"layers": LAYERS.dump_python(outlook.layers, mode="json")}, indent=1)
    headers = {"Content-Disposition": f'attachment; filename="{named.get("name", FILE_NAME)}.json"'}
    return Response(body, media_type="application/json", headers=headers)


@router.post("/networks/import", name="import_network", response_model=None)
def import_network(request: Request, session: Reading, sent: Sent) -> HTMLResponse | RedirectResponse:
    """A list of layers, or an object with `layers` and perhaps a `name`; a file goes before a text. It need not fit
    the images: that is mended on the page."""
    texts = texts_in(sent)
    asked = dict(texts)
    before, pasted = composed([*parse_qsl(asked.get("network", "")), *texts]), asked.get("json", "")
    files = [value.file.read() for name, value in sent if name == "file" and not isinstance(value, str)]
    try:
        name, layers = _read(b"".join(files).decode("utf-8-sig", "replace") or pasted)
    except ValueError as error:
        return page(request, session, Edited(before, "import-json"), import_text=pasted, import_problem=str(error))
    imported = replace(before, drafts=drafts_of(layers), at=before_the_last(layers), name=name or before.name)
    return RedirectResponse(f"{request.app.url_path_for('builder_page')}?{imported.query()}", SEE_OTHER)


def _read(text: str) -> tuple[str, Layers]:
    """A name, "" where none is given or none can be, and layers; raises ValueError with the reason."""
    if not text.strip():
        raise ValueError("There is nothing to import yet: paste a list of layers, or choose a file.")
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error if isinstance(error, json.JSONDecodeError) else "it is nested too deep, or a number is too long"
        raise ValueError(f"This is not JSON: {reason}.") from None
    named, listed = (raw.get("name"), raw.get("layers")) if isinstance(raw, dict) else (None, raw)
    if not isinstance(listed, list) or not listed:
        raise ValueError("This JSON holds no list of layers.")
    layers = parse_layers(listed)
    num_layers = sum(1 + len(spec.layers) if isinstance(spec, Residual) else 1 for spec in layers)
    if num_layers > MAX_LAYERS:
        raise ValueError(f"The network has {num_layers:,} layers; at most {MAX_LAYERS:,} are allowed.")
    return (named if isinstance(named, str) and name_problem(named) is None else ""), layers
