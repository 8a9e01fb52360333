"""Why what the launch form's texts ask for cannot be launched: by field, every reason as if each were the only one."""

import math
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from app.pages.launch_asked import Asked
from app.pages.launch_form import split
from app.pages.launch_values import asked_of, number, parameters_of
from app.pages.launch_words import in_plain_words
from core.datasets import Dataset
from core.experiment_plan import MAX_REPEATS, MAX_RUNS, MAX_SEED, ExperimentPlan, plan_experiment
from core.invalid_run_config import InvalidRunConfig
from core.named_networks import with_layers_of_each
from core.run_config import MAX_NAME_LENGTH, checked_name

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
    owns = [parameters_of(family, texts)[1] for family in split(texts["architecture"])]
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
    seeds, count = [number(part) for part in split(texts["seed"])], number(texts["seeds"].strip())
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
    count = number(texts["repeats"].strip()) if texts["benchmark"] else 1
    fits = isinstance(count, int) and 1 <= count <= MAX_REPEATS
    return {} if fits else {"repeats": f"must be a whole number from 1 to {MAX_REPEATS}"}


def _name_problems(name: str) -> dict[str, str]:
    try:
        too_long = len(checked_name(name)) > MAX_NAME_LENGTH
    except ValueError as error:
        return {"name": str(error)}
    return {"name": f"must have at most {MAX_NAME_LENGTH} characters"} if too_long else {}
