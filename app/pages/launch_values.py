"""From the texts of the launch form to what they ask for: a base, a grid and seeds.

Several values in a field are a grid. What another choice makes meaningless is left out, and so is a default.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Any

from app.pages.launch_asked import Asked
from app.pages.launch_form import CONFIG_SCHEMA, EMPTY_MEANS_NONE, FAMILY_SCHEMAS, SINGLE, json_type, split
from core.experiment_plan import MAX_RUNS
from core.experiment_words import PARAMETER
from core.run_config import DEPENDENT_FIELDS, RunConfig


def asked_of(texts: Mapping[str, str]) -> Asked:
    """The values as typed, for `plan_experiment` to judge."""
    base, grid = dict[str, Any](), dict[str, list[Any]]()
    families = [parameters_of(family, texts) for family in split(texts["architecture"])]
    if len(families) == 1:
        family, own = families[0]
        base["architecture"] = _choice(family, {field: values[0] for field, values in own.items() if len(values) == 1})
        grid = {f"{PARAMETER}{field}": values for field, values in own.items() if len(values) > 1}
    else:
        networks = [(family, one) for family, own in families for one in _combined(own)]
        grid["architecture"] = [_choice(*network) if network[1] else network[0] for network in networks]
    for name in RunConfig.model_fields:
        choice, chosen, default = DEPENDENT_FIELDS.get(name, (None, frozenset(), RunConfig.model_fields[name].default))
        is_meant = choice is None or not chosen.isdisjoint(split(texts[choice]))
        if name in ("architecture", "seed", "name") or not is_meant:
            continue
        values = _values(name, texts[name])
        if len(values) > 1:
            grid[name] = values
        elif values[0] != default or name == "dataset":
            base[name] = values[0]
    seeds: Any = [number(part) for part in split(texts["seed"])]  # Any: judged by launch_problems
    if len(seeds) == 1:
        base |= {"seed": seeds[0]} if seeds[0] != 0 else {}
        seeds = number(texts["seeds"].strip())
    repeats: Any = number(texts["repeats"].strip()) if texts["benchmark"] else None
    return Asked(texts["name"].strip(), base, grid, seeds, repeats)


def choices_of(asked: Asked) -> list[dict[str, Any]]:
    """The networks that it trains, each a name with the parameters that differ from the family's preset."""
    if "architecture" in asked.grid:
        return [{"name": choice} if isinstance(choice, str) else choice for choice in asked.grid["architecture"]]
    own = asked.base["architecture"]
    varied = {path.removeprefix(PARAMETER): vs for path, vs in asked.grid.items() if path.startswith(PARAMETER)}
    every = {field: [value] for field, value in own.get("parameters", {}).items()} | varied
    return [_choice(own["name"], combined) for combined in _combined(every)]


def _values(name: str, text: str) -> list[Any]:
    """None for a field that may be left empty, and is."""
    parts = [text.strip()] if name in SINGLE else split(text)
    if name == "source":
        return [_source(text)]
    if name in EMPTY_MEANS_NONE:
        nothing = RunConfig.model_fields[name].default
        return [nothing if part in ("", "none") else number(part) for part in parts]
    return [_value(part, json_type(CONFIG_SCHEMA[name])) for part in parts]


def _source(text: str) -> Any:  # for RunConfig to judge
    mode, run_id, sha256 = (*text.split(), "", "", "")[:3]
    return {"mode": mode, "run_id": number(run_id), **({"sha256": sha256} if sha256 else {})} if mode else None


def parameters_of(family: str, texts: Mapping[str, str]) -> tuple[str, dict[str, list[Any]]]:
    """The family, and of its parameters the values of those that vary or differ from its preset."""
    parameters: dict[str, list[Any]] = {}
    for name, schema in FAMILY_SCHEMAS.get(family, {}).items():
        kind = "list" if json_type(schema) == "array" else ""
        values = [_value(part, json_type(schema)) for part in split(texts[f"{family}.{name}"], kind)]
        if len(values) > 1 or values[0] != schema["default"]:
            parameters[name] = values
    return family, parameters


def _combined(parameters: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """No more than are refused: a slip of the finger makes millions."""
    some = itertools.islice(itertools.product(*parameters.values()), MAX_RUNS + 1)
    return [dict(zip(parameters, values, strict=True)) for values in some]


def _choice(family: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"name": family, "parameters": parameters} if parameters else {"name": family}


def _value(text: str, kind: str) -> Any:  # what JSON would hold; the text itself where it is not of that type
    if kind == "array":
        return [number(part) for part in text.replace(",", " ").split()]
    if kind in ("integer", "number"):
        return number(text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text


def number(text: str) -> int | float | str:
    for parse in (int, float):
        try:
            number = parse(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text
