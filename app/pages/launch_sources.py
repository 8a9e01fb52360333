"""What fills the launch form: a run's config, or an experiment with its grid and seeds, as the texts of its fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from app.pages.launch_form import DEFAULT_TEXTS, EMPTY_MEANS_NONE, FAMILY_SCHEMAS, text_of
from core.datasets import DATASETS, Dataset
from core.experiment_plan import plan_experiment
from core.experiment_words import PARAMETER
from core.experiments import runs_of_experiment
from core.invalid_run_config import InvalidRunConfig
from core.named_networks import reference_to
from core.tables import Experiment, Run


def texts_of_run(session: Session, run: Run) -> dict[str, str]:
    """A name that its experiment made up is not its own."""
    choice = _as_reference(session, run.config["architecture"], [run])
    texts = _texts({name: [value] for name, value in run.config.items()}, [choice])
    return texts | {"name": "" if run.experiment_id is not None else run.config["name"]}


def texts_changed(run: Run, changes: Mapping[str, Any]) -> dict[str, str]:
    """The fields that look another way where these of the run's config are other values."""
    before, after = (
        DEFAULT_TEXTS | _texts({name: [value] for name, value in config.items()}, [config["architecture"]])
        for config in (run.config, run.config | changes)
    )
    return {name: text for name, text in after.items() if text != before[name]}


def texts_of_experiment(
    session: Session, experiment: Experiment, datasets: Mapping[str, Dataset] = DATASETS
) -> dict[str, str]:
    """A grid over networks that is not a product of their parameters comes out as the product."""
    values = {name: [value] for name, value in experiment.base.items()} | experiment.grid
    choices = [{"name": choice} if isinstance(choice, str) else choice for choice in values.get("architecture", [])]
    if any("layers" in choice for choice in choices):
        runs = runs_of_experiment(session, experiment.id or 0)
        choices = [_as_reference(session, choice, runs) for choice in choices]
    varied = {path.removeprefix(PARAMETER): vs for path, vs in experiment.grid.items() if path.startswith(PARAMETER)}
    seeds: list[int] = experiment.seeds
    counts_up = seeds == list(range(seeds[0], seeds[0] + len(seeds)))
    texts = _texts(values, choices, varied)
    texts |= {"seed": str(seeds[0]), "seeds": str(len(seeds))} if counts_up else {"seed": text_of(seeds), "seeds": "1"}
    if experiment.repeats is not None:
        texts |= {"benchmark": "yes", "repeats": str(experiment.repeats)}
    return texts | {"name": _own_name(experiment, datasets)}


def _as_reference(session: Session, choice: dict[str, Any], runs: Sequence[Run]) -> dict[str, Any]:
    """A network of the user's own by a name that leads to its layers, which a field cannot hold."""
    return choice | {"name": reference_to(session, choice, runs)} if "layers" in choice else choice


def _texts(
    values: Mapping[str, Sequence[Any]], choices: Sequence[Mapping[str, Any]], varied: Mapping[str, Sequence[Any]] = {}
) -> dict[str, str]:
    """Any: JSON, checked when it was launched. `varied`: parameters that every network takes so."""
    texts = {"architecture": ", ".join(dict.fromkeys(choice["name"] for choice in choices))}
    taken: dict[str, list[Any]] = {}
    for choice in choices:
        for name, schema in FAMILY_SCHEMAS.get(choice["name"], {}).items():
            own = varied.get(name) or [choice.get("parameters", {}).get(name, schema["default"])]
            taken.setdefault(f"{choice['name']}.{name}", []).extend(own)
    texts |= {name: _joined(all_of_them) for name, all_of_them in taken.items()}
    for name, several in values.items():
        if not name.startswith("architecture") and several != [None]:
            nothing = "none" if len(several) > 1 else ""
            nones = (None, "none") if name in EMPTY_MEANS_NONE else ()
            texts[name] = ", ".join(nothing if value in nones else text_of(value) for value in several)
    return texts


def _joined(values: Sequence[Any]) -> str:
    separator = "; " if any(isinstance(value, list) for value in values) else ", "
    return separator.join(dict.fromkeys(text_of(value) for value in values))


def _own_name(experiment: Experiment, datasets: Mapping[str, Dataset]) -> str:
    """Empty where it was made up from what varies, and would be again."""
    try:
        made_up = plan_experiment(
            base=experiment.base, grid=experiment.grid, seeds=experiment.seeds, datasets=datasets
        ).name
    except InvalidRunConfig:
        return experiment.name
    return "" if experiment.name == made_up else experiment.name
