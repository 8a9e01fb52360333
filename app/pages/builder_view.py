"""What the builder's page and its partials are rendered from, and what those buttons mean that need a database."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from app.pages.builder_draft import TYPES, Composed, Drafts, draft_of
from app.pages.builder_edits import Edited, edited
from app.pages.builder_outlook import adapted, matched, outlook_of
from app.templating import render
from core.architectures.catalogue import FAMILIES, UnknownArchitecture, resolve
from core.architectures.layers import LAYERS, Layers
from core.architectures.names import MAX_NAME_LENGTH, split_version
from core.architectures.shapes import ArchitectureError, count_parameters
from core.datasets import DATASETS, Dataset
from core.events import newest_event_id
from core.known_datasets import datasets_here
from core.known_networks import GROUP, RUN, network_by_key
from core.named_networks import network_of
from core.saved_architectures import newest_of_each, reference_of

NOTHING = "nothing"  # to start from
UNPROCESSABLE = 422


def drafts_of(layers: Layers) -> Drafts:
    return tuple(map(draft_of, layers))


def before_the_last(layers: Layers) -> str:
    """The layer after which another is added, so that the output stays the last."""
    return str(len(layers) - 1) if len(layers) > 1 else ""


def dataset_of(session: Session, composed: Composed) -> Dataset:
    """The digits, where there is no such dataset any more."""
    return datasets_here(session).get(composed.dataset) or DATASETS["digits"]


def started(session: Session, before: Composed, start: str) -> Edited:
    """The form with the layers of a family, a run or group, or a saved network, which then has a next version; with
    none where a family does not fit the images. Raises UnknownArchitecture, RunNotFound or GroupNotFound."""
    try:
        return Edited(_begun(session, before, start))
    except ArchitectureError as error:
        return Edited(replace(before, drafts=(), at=""), said=f"{start} cannot be for these images: {error}")


def _begun(session: Session, before: Composed, start: str) -> Composed:
    """Raises ArchitectureError too."""
    if start == NOTHING:
        return replace(before, drafts=(), at="")
    is_own = start not in FAMILIES and not start.startswith((RUN, GROUP))
    name = split_version(network_of(session, start)[0])[0] if is_own else ""
    layers = _layers_named(session, start, dataset_of(session, before))
    return replace(before, drafts=drafts_of(layers), at=before_the_last(layers), name=name or before.name)


def done(session: Session, before: Composed, wish: str) -> Edited:
    """What a button leads to; whatever is no wish changes nothing."""
    verb, _, what = wish.partition(" ")
    dataset = dataset_of(session, before)
    try:
        match verb:
            case "start":
                return started(session, before, what)
            case "adapt":
                drafts, said = adapted(before.drafts, len(dataset.classes))
                return Edited(replace(before, drafts=drafts), "adapt", said)
            case "match":
                target = count_parameters(_layers_named(session, before.match, dataset), dataset.image_shape)
                drafts, said = matched(outlook_of(before, dataset), target)
                is_compared = said.endswith((" as", " than"))
                said += f" {before.match} ({target:,})." if is_compared else ""
                return Edited(replace(before, drafts=drafts), "match-it", said)
            case _:
                return edited(before, wish, outlook_of(before, dataset).examination, dataset.image_shape)
    except (ArchitectureError, UnknownArchitecture) as error:
        return Edited(before, "", f"{what or before.match}: {error}")


def page(
    request: Request, session: Session, now: Edited, *, saved_as: str = "", problems: dict[str, str] | None = None,
    import_text: str = "", import_problem: str = "",
) -> HTMLResponse:  # fmt: skip
    """`saved_as`: these very layers' name; `problems`: why they were not saved."""
    is_refused = bool(problems or import_problem)
    return render(
        request, "pages/builder.html", status_code=UNPROCESSABLE if is_refused else 200,
        event_id=newest_event_id(session), max_name=MAX_NAME_LENGTH,
        saved_as=saved_as, problems=problems or {}, import_text=import_text, import_problem=import_problem,
        **parts(session, now),
    )  # fmt: skip


def parts(session: Session, now: Edited) -> dict[str, Any]:  # what the templates name
    outlook = outlook_of(now.composed, dataset_of(session, now.composed))
    own = [reference_of(saved) for saved in newest_of_each(session)]
    return {
        "outlook": outlook, "composed": now.composed, "focus": now.focus, "said": now.said, "kinds": tuple(TYPES),
        "own_networks": own, "family_names": tuple(FAMILIES), "datasets": list(datasets_here(session).values()),
    }  # fmt: skip


def texts_in(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Of a form, what is no file."""
    return [(name, value) for name, value in pairs if isinstance(value, str)]


def _layers_named(session: Session, name: str, dataset: Dataset) -> Layers:
    if name in FAMILIES:
        return resolve(name, {}, dataset.image_shape, len(dataset.classes))
    if name.startswith((RUN, GROUP)):
        return network_by_key(session, name).layers
    return LAYERS.validate_python(network_of(session, name)[1])
