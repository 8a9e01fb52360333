"""From the texts of the launch form to what they ask for: a base, a grid and seeds, or each reason why not.

Several values in a field are a grid. What another choice makes meaningless is left out, and so is a default.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from app.pages.launch_asked import Asked
from app.pages.launch_form import CONFIG_SCHEMA, EMPTY_MEANS_NONE, FAMILY_SCHEMAS, SINGLE, json_type, split
from app.pages.launch_words import in_plain_words
from core.datasets import Dataset
from core.experiment_plan import MAX_REPEATS, MAX_RUNS, MAX_SEED, ExperimentPlan, plan_experiment
from core.experiment_words import PARAMETER
from core.invalid_run_config import InvalidRunConfig
from core.named_networks import with_layers_of_each
from core.run_config import DEPENDENT_FIELDS, MAX_NAME_LENGTH, RunConfig, checked_name

# Stands in for a refused value, so that no other field is refused for its sake: warm-up for epochs, patience for
# validation. What is not listed has a default that agrees with everything.
AGREEABLE: Mapping[str, Any] = {
    "architecture": {"name": "lenet5"},
    "dataset": "mnist",
    "epochs": 10_000,
    "validation": 1,
}


def check(
    session: Session, texts: Mapping[str, str], datasets: Mapping[str, Dataset]
) -> tuple[ExperimentPlan | None, dict[str, str]]:
    """The plan that the texts mean, or by field every reason why there is none, as if each were the only one."""
    owns = [_parameters_of(family, texts)[1] for family in split(texts["architecture"])]
    num_networks = sum(math.prod(map(len, own.values())) for own in owns)
    if num_networks > MAX_RUNS:
        return None, {"grid": f"makes {num_networks:,} networks; an experiment has at most {MAX_RUNS:,} runs"}
    problems = _seed_problems(texts) | _repeat_problems(texts) | _name_problems(texts["name"])
    harmless = {"name": "", "seed": "0", "seeds": "1", "benchmark": ""}
    for family in split(texts["architecture"]):
        asked = asked_of({**texts, **harmless, "architecture": family})
        problems = _problems_with(session, asked, family, datasets) | problems
    if problems:
        return None, problems
    try:
        return asked_of(texts).plan(session, datasets), {}
    except InvalidRunConfig as error:
        return None, problems_by_field(error.problems, split(texts["architecture"])[0])


def asked_of(texts: Mapping[str, str]) -> Asked:
    """The values as typed, for `plan_experiment` to judge."""
    base, grid = dict[str, Any](), dict[str, list[Any]]()
    families = [_parameters_of(family, texts) for family in split(texts["architecture"])]
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
    seeds: Any = [_number(part) for part in split(texts["seed"])]  # Any: judged by _seed_problems
    if len(seeds) == 1:
        base |= {"seed": seeds[0]} if seeds[0] != 0 else {}
        seeds = _number(texts["seeds"].strip())
    repeats: Any = _number(texts["repeats"].strip()) if texts["benchmark"] else None
    return Asked(texts["name"].strip(), base, grid, seeds, repeats)


def choices_of(asked: Asked) -> list[dict[str, Any]]:
    """The networks that it trains, each a name with the parameters that differ from the family's preset."""
    if "architecture" in asked.grid:
        return [{"name": choice} if isinstance(choice, str) else choice for choice in asked.grid["architecture"]]
    own = asked.base["architecture"]
    varied = {path.removeprefix(PARAMETER): vs for path, vs in asked.grid.items() if path.startswith(PARAMETER)}
    every = {field: [value] for field, value in own.get("parameters", {}).items()} | varied
    return [_choice(own["name"], combined) for combined in _combined(every)]


def problems_by_field(problems: Mapping[str, str], family: str) -> dict[str, str]:
    """The reasons of InvalidRunConfig under the names that the form's fields have."""
    by_field: dict[str, str] = {}
    for path, reason in problems.items():
        plain = in_plain_words(reason)
        match path.removeprefix("grid.").split("."):
            case ["architecture", "parameters", name, *place]:
                which = f"number {int(place[0]) + 1} " if place and place[0].isdigit() else ""
                by_field.setdefault(f"{family}.{name}", which + plain)
            case ["architecture", *rest]:
                by_field["network" if rest[:1] in (["parameters"], ["layers"]) else "architecture"] = plain
            case [name, *_]:
                by_field.setdefault(name, plain)
    return by_field


def _problems_with(session: Session, asked: Asked, family: str, datasets: Mapping[str, Dataset]) -> dict[str, str]:
    base, grid = with_layers_of_each(session, asked.base, asked.grid)
    problems = dict[str, str]()
    while True:
        try:
            plan_experiment(base=base, grid=grid, seeds=1, datasets=datasets)
            return problems_by_field(problems, family)
        except InvalidRunConfig as error:
            if error.problems.keys() <= problems.keys():  # nothing more to be had
                return problems_by_field(problems, family)
            problems = error.problems | problems
            refused = {path.removeprefix("grid.").split(".")[0] for path in error.problems}
            base = {name: value for name, value in base.items() if name not in refused}
            base |= {name: value for name, value in AGREEABLE.items() if name in refused}
            left = {path: values for path, values in grid.items() if path.split(".")[0] not in refused}
            # too many runs, or the same config twice: there is no field that could stand for it
            grid = {} if "grid" in refused else left


def _seed_problems(texts: Mapping[str, str]) -> dict[str, str]:
    seeds, count = [_number(part) for part in split(texts["seed"])], _number(texts["seeds"].strip())
    problems = {}
    if not all(isinstance(seed, int) for seed in seeds):
        problems["seed"] = "must be a whole number, or several"
    elif any(seed < 0 for seed in seeds if isinstance(seed, int)):
        problems["seed"] = "must be at least 0"
    elif any(seed > MAX_SEED for seed in seeds if isinstance(seed, int)):
        problems["seed"] = f"must be at most {MAX_SEED:,}"
    elif len(set(seeds)) < len(seeds):
        problems["seed"] = "says a seed twice"
    if not isinstance(count, int) or not 1 <= count <= MAX_RUNS:
        problems["seeds"] = f"must be a whole number from 1 to {MAX_RUNS:,}"
    elif count > 1 and len(seeds) > 1:
        problems["seeds"] = "must be 1 where the seeds are listed"
    return problems


def _repeat_problems(texts: Mapping[str, str]) -> dict[str, str]:
    count = _number(texts["repeats"].strip()) if texts["benchmark"] else 1
    fits = isinstance(count, int) and 1 <= count <= MAX_REPEATS
    return {} if fits else {"repeats": f"must be a whole number from 1 to {MAX_REPEATS}"}


def _name_problems(name: str) -> dict[str, str]:
    try:
        too_long = len(checked_name(name)) > MAX_NAME_LENGTH
    except ValueError as error:
        return {"name": str(error)}
    return {"name": f"must have at most {MAX_NAME_LENGTH} characters"} if too_long else {}


def _values(name: str, text: str) -> list[Any]:
    """None for a field that may be left empty, and is."""
    parts = [text.strip()] if name in SINGLE else split(text)
    if name == "source":
        return [_source(text)]
    if name in EMPTY_MEANS_NONE:
        nothing = RunConfig.model_fields[name].default
        return [nothing if part in ("", "none") else _number(part) for part in parts]
    return [_value(part, json_type(CONFIG_SCHEMA[name])) for part in parts]


def _source(text: str) -> Any:  # for RunConfig to judge
    mode, run_id, sha256 = (*text.split(), "", "", "")[:3]
    return {"mode": mode, "run_id": _number(run_id), **({"sha256": sha256} if sha256 else {})} if mode else None


def _parameters_of(family: str, texts: Mapping[str, str]) -> tuple[str, dict[str, list[Any]]]:
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
        return [_number(part) for part in text.replace(",", " ").split()]
    if kind in ("integer", "number"):
        return _number(text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text


def _number(text: str) -> int | float | str:
    for parse in (int, float):
        try:
            number = parse(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text
