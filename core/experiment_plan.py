"""A base, a grid and seeds made into run configs: what an experiment will launch, checked before anything starts."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import JsonValue

from core.datasets import DATASETS, Dataset
from core.experiment_words import PARAMETER, in_words, path_words, value_words
from core.invalid_run_config import InvalidRunConfig
from core.run_config import (
    DEPENDENT_FIELDS,
    MAX_NAME_LENGTH,
    ResolvedRun,
    RunConfig,
    checked_name,
    parse_run_config,
    resolve_run,
)

# Of one experiment: a slip of the finger in a grid is refused before it fills the queue. Guess, untuned
MAX_RUNS = 1000
MAX_REPEATS = 20  # of a benchmark. Guess, untuned
MAX_SEED = 2**32 - 1
Grid = Mapping[str, Sequence[JsonValue]]


@dataclass(frozen=True)
class ExperimentPlan:
    """What a launch asks for, checked; `runs` seed by seed, so that every group has its first run early."""

    name: str
    base: dict[str, JsonValue]
    grid: dict[str, list[JsonValue]]
    seeds: tuple[int, ...]
    runs: tuple[ResolvedRun, ...]
    repeats: int | None = None  # of a benchmark, which trains each of the runs so often, in turn: A B C A B C

    @property
    def num_runs(self) -> int:
        return len(self.runs) * (self.repeats or 1)


def plan_experiment(
    *, name: str = "", base: Mapping[str, JsonValue], grid: Grid, seeds: int | Sequence[int],
    repeats: int | None = None, datasets: Mapping[str, Dataset] = DATASETS,
) -> ExperimentPlan:  # fmt: skip
    """Every combination of the grid's values over the base, with every seed; a number n of seeds counts n up from the
    base's seed. A grid's key is a field of the run config, "architecture" (names, or choices with parameters), or
    "architecture.parameters.<parameter>". What means nothing beside a combination's optimizer or schedule is left out
    of it. Raises InvalidRunConfig with every field's reason."""
    try:
        name = checked_name(name)[:MAX_NAME_LENGTH]
    except ValueError as error:
        raise InvalidRunConfig({"name": str(error)}) from None
    chosen_seeds = _seeds(base.get("seed", 0), seeds)
    problems = _grid_problems(grid) | _seed_problems(chosen_seeds) | _first_seed_problems(base.get("seed", 0))
    if repeats is not None and not 1 <= repeats <= MAX_REPEATS:
        problems["repeats"] = f"must be a whole number from 1 to {MAX_REPEATS}"
    num_runs = len(chosen_seeds) * (repeats or 1)
    for values in grid.values():
        num_runs *= len(values)
    if num_runs > MAX_RUNS:
        problems["seeds" if len(chosen_seeds) > MAX_RUNS else "grid"] = (
            f"makes {num_runs:,} runs; an experiment has at most {MAX_RUNS:,}"
        )
    if problems:
        raise InvalidRunConfig(problems)
    resolved = _resolved(base, grid, chosen_seeds[0], datasets)
    runs = tuple(_with_seed(run, varied, seed) for seed in chosen_seeds for run, varied in resolved)
    shared = {field: value for field, value in base.items() if field not in ("seed", "name")}
    return ExperimentPlan(
        name or _name_of(grid, runs),
        shared,
        {path: list(values) for path, values in grid.items()},
        chosen_seeds,
        runs,
        repeats,
    )


def _seeds(first: JsonValue, seeds: int | Sequence[int]) -> tuple[int, ...]:
    if not isinstance(seeds, int):
        return tuple(seeds)
    start = first if isinstance(first, int) else 0
    return tuple(range(start, start + min(seeds, MAX_RUNS + 1)))


def _seed_problems(seeds: tuple[int, ...]) -> dict[str, str]:
    if not seeds:
        return {"seeds": "must be at least one"}
    if not all(0 <= seed <= MAX_SEED for seed in seeds):
        return {"seeds": f"must be whole numbers from 0 to {MAX_SEED:,}"}
    return {"seeds": "must differ from each other"} if len(set(seeds)) < len(seeds) else {}


def _first_seed_problems(first: JsonValue) -> dict[str, str]:
    is_number = isinstance(first, int) and not isinstance(first, bool)
    return {} if is_number else {"seed": "must be a whole number"}


def _grid_problems(grid: Grid) -> dict[str, str]:
    problems: dict[str, str] = {}
    for path, values in grid.items():
        is_known = path in RunConfig.model_fields or (path.startswith(PARAMETER) and path != PARAMETER)
        if path in ("seed", "name", "source") or not is_known:
            problems[f"grid.{path}"] = "is not a field that can vary" if path != "seed" else "is said by `seeds`"
        elif not values:
            problems[f"grid.{path}"] = "must have at least one value"
        elif len({json.dumps(value, sort_keys=True) for value in values}) < len(values):
            problems[f"grid.{path}"] = "says a value twice"
    return problems


def _resolved(
    base: Mapping[str, JsonValue], grid: Grid, seed: int, datasets: Mapping[str, Dataset]
) -> list[tuple[ResolvedRun, str]]:
    """Each combination's run with the first seed, and in words what varied for it."""
    # the architecture before its parameters
    paths = sorted(grid, key=lambda path: path.startswith(PARAMETER))
    resolved, problems = dict[str, tuple[ResolvedRun, str]](), dict[str, str]()
    refused: dict[str, list[tuple[str, dict[str, JsonValue]]]] = {}  # by field, each reason with what varied
    done = set[str]()
    for combination in itertools.product(*(grid[path] for path in paths)):
        varied = dict(zip(paths, combination, strict=True))
        values, varied = _meant(_values(base, varied), varied)
        if (same := json.dumps(varied, sort_keys=True)) in done:
            continue
        done.add(same)
        try:
            run = resolve_run(parse_run_config(values | {"seed": seed, "name": ""}), datasets)
        except InvalidRunConfig as error:
            for field, reason in error.problems.items():
                refused.setdefault(field, []).append((reason, varied))
            continue
        if run.config_hash in resolved:
            problems["grid"] = f"makes the same run config twice (where {in_words(varied)})"
        resolved[run.config_hash] = run, in_words(varied)
    problems |= {field: cases[0][0] + _where(field, cases, len(done)) for field, cases in refused.items()}
    if problems:
        raise InvalidRunConfig(problems)
    return list(resolved.values())


def _meant(values: dict[str, Any], varied: dict[str, JsonValue]) -> tuple[dict[str, Any], dict[str, JsonValue]]:
    """Both without what means nothing beside this combination's choice, where that choice varies."""
    left_out = {
        field
        for field, (choice, chosen, _) in DEPENDENT_FIELDS.items()
        if isinstance(chose := varied.get(choice), str) and chose not in chosen
    }
    return (
        {field: value for field, value in values.items() if field not in left_out},
        {field: value for field, value in varied.items() if field not in left_out},
    )


def _where(field: str, cases: Sequence[tuple[str, Mapping[str, JsonValue]]], num_combinations: int) -> str:
    """The refused value; of a field that does not vary, the combination that it does not fit, unless it fits none."""
    varied = cases[0][1]
    paths = [path for path in varied if field == path or field.startswith(f"{path}.")]
    told = {path: varied[path] for path in paths} or (varied if len(cases) < num_combinations else {})
    return f" (where {in_words(told)})" if told else ""


def _values(base: Mapping[str, JsonValue], varied: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Any: a run config's values before they are judged."""
    values: dict[str, Any] = dict(base)
    for path, value in varied.items():
        if path == "architecture":
            values[path] = {"name": value} if isinstance(value, str) else value
        elif path.startswith(PARAMETER):
            choice = values.get("architecture")
            choice = choice if isinstance(choice, dict) else {}
            own = choice.get("parameters", {})
            if isinstance(own, dict):  # else it is refused as it is
                values["architecture"] = choice | {"parameters": own | {path.removeprefix(PARAMETER): value}}
        else:
            values[path] = value
    return values


def _with_seed(resolved: ResolvedRun, varied: str, seed: int) -> ResolvedRun:
    """The config hash leaves out seed and name, so that the rest is the same."""
    config = resolved.config
    words = varied or value_words(config.architecture.model_dump(mode="json"))
    name = f"{words.removeprefix('network ')}, seed {seed}"
    name = name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 1]}…"
    return replace(resolved, config=config.model_copy(update={"seed": seed, "name": name}))


def _name_of(grid: Grid, runs: Sequence[ResolvedRun]) -> str:
    config = runs[0].config
    varied = [path_words(path) for path in grid if path != "dataset"]
    what = " and ".join(varied) if varied else config.architecture.name
    where = f"{len(grid['dataset'])} datasets" if "dataset" in grid else config.dataset
    return f"{what} on {where}"[:MAX_NAME_LENGTH].capitalize()
