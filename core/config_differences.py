"""In what run configs differ: their fields laid flat, and in words short enough for a legend."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import JsonValue, ValidationError

from core.architectures.catalogue import FAMILIES
from core.experiment_words import PARAMETER, path_words, value_words
from core.run_config import DEPENDENT_FIELDS, RunConfig, sha256_of
from core.tables import Run

NOT_COMPARED = frozenset({"name", "seed", "device"})  # they do not decide which group a run belongs to
NETWORK = "architecture"

Fields = Mapping[str, JsonValue]


def config_fields(run: Run) -> dict[str, JsonValue]:
    """Each field by its path, the network's parameters with their defaults; what means nothing here is left out."""
    name = run.config["architecture"]["name"]
    fields: dict[str, JsonValue] = {NETWORK: name}
    fields |= {PARAMETER + key: value for key, value in _parameters(name, run.config["architecture"]).items()}
    for field in RunConfig.model_fields:
        value = run.config.get(field)
        if field in NOT_COMPARED or field == NETWORK or (field in DEPENDENT_FIELDS and value is None):
            continue
        fields[field] = "scratch" if field == "source" and value is None else value
    return fields


def differing(configs: Sequence[Fields]) -> list[str]:
    """The paths whose values are not the same in all; a path that only some have differs. In the order of the first."""
    paths = list(dict.fromkeys(path for fields in configs for path in fields))
    return [path for path in paths if _varies(configs, path)]


def labels_of(configs: Sequence[Fields]) -> list[str]:
    """What tells each from the others: the network's title, then what varies; parameters where the network has twins.

    For example "LeNet-5, pool max, learning rate 0.1"."""
    # What only some have follows from another field, unless it varies among them.
    varied = [
        path
        for path in differing(configs)
        if not path.startswith(NETWORK) and _varies([fields for fields in configs if path in fields], path)
    ]
    twins: dict[JsonValue, list[Fields]] = {}
    for fields in configs:
        twins.setdefault(fields[NETWORK], []).append(fields)
    own = {name: [path for path in differing(alike) if path.startswith(PARAMETER)] for name, alike in twins.items()}
    return [
        ", ".join(
            [network_title(fields), *(f"{path_words(path)} {value_words(fields[path])}" for path in told)]
        )
        for fields in configs
        for told in [[path for path in (*own[fields[NETWORK]], *varied) if path in fields]]
    ]  # fmt: skip


def label_of(fields: Fields) -> str:
    """What it is, whatever stands beside it: the network's title, then what is not as it would be if nothing were said,
    its dataset apart. Two configs on one dataset have the same only where their networks have."""
    own = _usual(str(fields[NETWORK]))
    told = [path for path in fields if path not in (NETWORK, "dataset") and fields[path] != own.get(path)]
    return ", ".join([network_title(fields), *(f"{path_words(path)} {value_words(fields[path])}" for path in told)])


def labels_of_networks(configs: Sequence[Fields]) -> dict[str, str]:
    """Of each network among them, by its name: what all its configs share and is not as usual, as `label_of` has it."""
    told = {}
    for network in dict.fromkeys(str(fields[NETWORK]) for fields in configs):
        own = [fields for fields in configs if fields[NETWORK] == network]
        varied = differing(own)
        told[network] = label_of({path: value for path, value in own[0].items() if path not in varied})
    return told


@cache
def _usual(network: str) -> Mapping[str, JsonValue]:
    """Every field of a run config as it is where nothing is said, with the network's own parameters."""
    usual = {field: known.default for field, known in RunConfig.model_fields.items()}
    usual |= {field: default for field, (_, _, default) in DEPENDENT_FIELDS.items()}
    family = FAMILIES.get(network)
    own = {} if family is None else family.parameters().model_dump(mode="json")
    return usual | {PARAMETER + name: value for name, value in own.items()} | {"source": "scratch"}


def network_title(fields: Fields) -> str:
    name = str(fields[NETWORK])
    return FAMILIES[name].title if name in FAMILIES else name


def _parameters(name: str, choice: Mapping[str, Any]) -> dict[str, JsonValue]:  # JSON
    given: dict[str, JsonValue] = choice["parameters"]
    if (layers := choice.get("layers")) is not None:
        return {"layers": f"{len(layers)} ({sha256_of({'layers': layers})[:6]})"}  # two may have the same name
    try:
        return FAMILIES[name].parameters.model_validate(given).model_dump(mode="json")
    except (KeyError, ValidationError):  # a family of another version
        return given


def _varies(configs: Sequence[Fields], path: str) -> bool:
    return len({_comparable(fields, path) for fields in configs}) > 1


def _comparable(fields: Fields, path: str) -> object:
    """Texts and numbers as they are, with their type: true is not 1; what has parts as text."""
    if path not in fields:
        return None
    value = fields[path]
    return json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else (type(value), value)
