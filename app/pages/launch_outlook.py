"""What the launch form tells before anything starts: the network, the schedule, the time it takes, the same as curl."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session

from app.formatting import dataset_title, duration
from app.pages.launch_form import problems_by_field, values_of
from app.pages.schedule_plot import SchedulePlot, plot_schedule
from core.architectures.facts import Architecture, describe
from core.dataset_store import DatasetBroken, DatasetMissing, Manifest, materialised
from core.datasets import DATASETS
from core.estimates import EpochEstimate, expected_epoch
from core.run_config import InvalidRunConfig, ResolvedRun, RunConfig, parse_run_config, resolve_run

# For the drawing of a schedule over images that nobody has counted yet; only its resolution depends on it.
NUM_IMAGES_UNCOUNTED = 60_000
# Stands in for a refused value, so that no other field is refused for its sake: warm-up for epochs, patience for
# validation. What is not listed has a default that agrees with everything.
AGREEABLE = {"architecture": {"name": "lenet5"}, "dataset": "mnist", "epochs": 10_000, "validation": 1}


@dataclass(frozen=True)
class Outlook:
    """`resolved` is None where `problems` (by field of the form) stand in the way; the rest tells what it still can."""

    problems: dict[str, str]
    resolved: ResolvedRun | None
    network: Architecture | None
    schedule: SchedulePlot | None
    num_images: int | None
    estimate: str
    command: str | None


def outlook_of(
    session: Session, texts: Mapping[str, str], *, materialised_dir: Path, api_url: str, needs_token: bool
) -> Outlook:
    """Everything that follows from the texts of the form."""
    resolved, problems = check(texts)
    values = values_of(texts)
    network = _network({name: values[name] for name in ("architecture", "dataset")})
    if resolved is None:
        return Outlook(problems, None, network, None, None, "", None)
    config = resolved.config
    manifest = manifest_of(materialised_dir, config.dataset)
    num_train = DATASETS[config.dataset].num_train or (manifest.num_train if manifest else None)
    num_images = None if num_train is None else max(0, num_train - config.num_validation_images)
    return Outlook(
        problems={},
        resolved=resolved,
        network=network,
        schedule=plot_schedule(config, num_images or NUM_IMAGES_UNCOUNTED),
        num_images=num_images,
        estimate=_estimate_in_words(_expected_epoch(session, resolved), config),
        command=curl_command(config, api_url, needs_token),
    )


def check(texts: Mapping[str, str]) -> tuple[ResolvedRun | None, dict[str, str]]:
    """The run that the texts mean, or by field every reason why there is none, as if each were the only one."""
    values, problems = values_of(texts), dict[str, str]()
    while True:
        try:
            resolved = resolve_run(parse_run_config(values))
            return (None if problems else resolved), problems_by_field(problems, texts["architecture"])
        except InvalidRunConfig as error:
            problems |= error.problems
            refused = {path.split(".")[0] for path in error.problems}
            values = {name: value for name, value in values.items() if name not in refused}
            values |= {name: value for name, value in AGREEABLE.items() if name in refused}


def manifest_of(materialised_dir: Path, name: str) -> Manifest | None:
    """None where the images are not here, or not whole: the worker makes them at the next run."""
    try:
        return materialised(materialised_dir, name).manifest
    except (DatasetMissing, DatasetBroken):
        return None


def curl_command(config: RunConfig, api_url: str, needs_token: bool) -> str:
    """One line for a POSIX shell that launches the same run."""
    command = f"curl -X POST {shlex.quote(api_url)} -H 'Content-Type: application/json'"
    if needs_token:
        command += ' -H "Authorization: Bearer $TRAINYARD_TOKEN"'
    return f"{command} -d {shlex.quote(json.dumps(differing_values(config), ensure_ascii=False))}"


def differing_values(config: RunConfig) -> dict[str, Any]:  # JSON
    """The run config's values without those that the API fills in by itself."""
    said = config.model_dump(mode="json")
    if not config.architecture.parameters:
        said["architecture"] = {"name": config.architecture.name}
    choices = {name: said[name] for name in ("architecture", "dataset", "optimizer", "schedule", "epochs")}
    filled_in = parse_run_config(choices).model_dump(mode="json")
    filled_in |= {name: RunConfig.model_fields[name].default for name in ("optimizer", "schedule", "epochs")}
    return {
        name: value for name, value in said.items() if name in ("architecture", "dataset") or value != filled_in[name]
    }


def _network(values: Mapping[str, Any]) -> Architecture | None:
    try:
        choice = resolve_run(parse_run_config(values)).config.architecture
    except InvalidRunConfig:
        return None
    dataset = DATASETS[values["dataset"]]
    return describe(choice.name, choice.parameters, dataset.image_shape, len(dataset.classes))


def _expected_epoch(session: Session, resolved: ResolvedRun) -> EpochEstimate | None:
    return expected_epoch(
        session,
        architecture=resolved.config.architecture.name,
        dataset=resolved.config.dataset,
        batch_size=resolved.config.batch_size,
        num_multiply_adds=resolved.num_multiply_adds,
    )


def _estimate_in_words(expected: EpochEstimate | None, config: RunConfig) -> str:
    if expected is None:
        return f"unknown until the first run on {dataset_title(config.dataset)}"
    runs = "the last run" if expected.num_runs == 1 else f"the last {expected.num_runs} runs"
    basis = f"from {runs} like it" if expected.is_alike else f"scaled from {runs} on {dataset_title(config.dataset)}"
    return f"about {duration(config.epochs * expected.seconds)}, {basis}"
