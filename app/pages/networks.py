"""The Networks page: every network of the catalogue as it is drawn, what it costs, and a page for each."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import URL

from app.dependencies import Reading, Writing
from app.network_cards import NetworkCard, card_of
from app.network_query import NetworkQuery
from app.pages.launch_form import text_of
from app.templating import render
from core.datasets import Dataset
from core.events import newest_event_id
from core.known_datasets import datasets_here, known_dataset
from core.known_networks import keys_and_titles
from core.saved_architectures import hide, is_deleted, reference_of, restore, versions_listed

Key = Annotated[str, Path(max_length=80)]

MOST_CARDS = 30  # the others as links: a card is some 50 kB

router = APIRouter()


@router.get("/networks", name="networks_page")
def networks_page(
    request: Request, session: Reading, dataset: Annotated[str, Query(max_length=64)] = "digits",
    deleted: Annotated[str, Query(max_length=80, description="to undo it")] = "",
) -> HTMLResponse:  # fmt: skip
    """For the images of a dataset, without those that do not fit them: the reason stands in their place."""
    chosen = known_dataset(session, dataset)
    query, others = NetworkQuery(dataset=chosen.name), keys_and_titles(session)
    cards: dict[str, NetworkCard | str] = {}
    for key in [*others][:MOST_CARDS]:
        try:
            cards[key] = card_of(query.network(session, key))
        except ValueError as error:
            cards[key] = str(error)
    datasets = list(datasets_here(session).values())
    alike = [one for one in datasets if _makes_the_same(one, chosen)]
    return render(
        request, "pages/networks.html", cards=cards, dataset=chosen, others=others, datasets=datasets, alike=alike,
        event_id=newest_event_id(session),
        deleted=deleted if is_deleted(session, deleted) else "",
    )  # fmt: skip


def _makes_the_same(one: Dataset, other: Dataset) -> bool:
    """Whether a family's network for either is the same."""
    return (one.image_shape, len(one.classes)) == (other.image_shape, len(other.classes))


@router.get("/networks/{name}", name="network_page")
def network_page(
    request: Request, name: Key, query: Annotated[NetworkQuery, Query()], session: Reading
) -> HTMLResponse:
    """One network, with the parameters that the address names."""
    card = card_of(query.network(session, name))
    own = {f"{name}.{field}": text_of(value) for field, value in query.parameters.items()}
    launch = {"architecture": name} | own | ({"dataset": query.dataset} if query.dataset else {})
    return render(
        request, "pages/network.html", card=card, query=query, launch=launch, asked=request.url.query,
        others=keys_and_titles(session), event_id=newest_event_id(session),
        versions=[reference_of(saved) for saved in versions_listed(session, name)],
    )  # fmt: skip


@router.post("/networks/{name}/delete", name="delete_network")
def delete_network(request: Request, name: Key, session: Writing) -> RedirectResponse:
    """Off every list; runs keep what they trained. Back to the list, which offers to undo it."""
    hide(session, name)
    return RedirectResponse(str(URL(request.app.url_path_for("networks_page")).include_query_params(deleted=name)), 303)


@router.post("/networks/{name}/restore", name="restore_network")
def restore_network(request: Request, name: Key, session: Writing) -> RedirectResponse:
    restore(session, name)
    return RedirectResponse(request.app.url_path_for("networks_page"), 303)
