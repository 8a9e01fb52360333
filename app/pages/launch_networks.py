"""The launch form's cards of networks that users composed."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from core.architectures.catalogue import FAMILIES, UnknownArchitecture
from core.architectures.labels import shape_label
from core.named_networks import network_of
from core.saved_architectures import newest_of_each, reference_of


@dataclass(frozen=True)
class OwnNetwork:
    """`reference` is what the form sends, `name` what its runs will have."""

    reference: str
    name: str
    words: str

    @property
    def id(self) -> str:
        return self.reference.replace("@", "-at-").replace(":", "-").replace(".", "-")


def own_networks(session: Session, chosen: Sequence[str]) -> list[OwnNetwork]:
    """The newest version of each saved network; and of the chosen ones those that are none of these."""
    cards = {}
    for saved in newest_of_each(session):
        name = reference_of(saved)
        made_for = f"for images of {shape_label(tuple(saved.image_shape))} and {saved.num_classes} classes"
        cards[name] = OwnNetwork(name, name, saved.notes or f"Composed {made_for}.")
    for reference in chosen:
        if reference in FAMILIES or reference in cards:
            continue
        try:
            name, _ = network_of(session, reference)
        except UnknownArchitecture:
            continue
        where = f"As {reference.replace(':', ' ')} trained it." if name != reference else "Not the newest version."
        cards.setdefault(reference, OwnNetwork(reference, name, where))
    return list(cards.values())
