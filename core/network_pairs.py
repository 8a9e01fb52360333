"""Which groups of a comparison train another network than its baseline, so that the difference is worth a look."""

from collections.abc import Sequence
from typing import Any

from core.comparison import Group
from core.config_differences import NETWORK

MOST_PAIRS = 12  # links in a row; more are found from the pages of the runs


def other_networks(groups: Sequence[Group], baseline: Group) -> list[Group]:
    """One group of each network that is not the baseline's, in their order."""
    seen, others = [_network(baseline)], list[Group]()
    for group in groups:
        network = _network(group)
        if network not in seen:
            seen.append(network)
            others.append(group)
    return others[:MOST_PAIRS]


def _network(group: Group) -> dict[str, Any]:  # JSON
    return {path: value for path, value in group.fields.items() if path.startswith(NETWORK)}
