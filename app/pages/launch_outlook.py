"""What the launch form tells before anything starts: networks, schedule, the time it takes, the same as curl."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from sqlmodel import Session

from app.formatting import dataset_title, duration, roughly, varied_words
from app.network_cards import drawn
from app.pages.launch_asked import Asked
from app.pages.launch_form import split
from app.pages.launch_problems import check, problems_by_field
from app.pages.launch_values import asked_of, choices_of
from app.pages.schedule_plot import SchedulePlot, plot_schedule
from core.architectures.facts import Architecture, describe, describe_own
from core.dataset_store import DatasetBroken, DatasetMissing, Manifest, materialised
from core.datasets import Dataset
from core.estimates import EpochEstimate, expected_epoch_of, seconds_of_launch
from core.experiment_plan import ExperimentPlan
from core.invalid_run_config import InvalidRunConfig
from core.known_datasets import datasets_here
from core.named_networks import with_layers
from core.run_config import RunConfig, parse_run_config, resolve_run
from core.sources import settle_plan

# For the drawing of a schedule over images that nobody has counted yet; only its resolution depends on it.
NUM_IMAGES_UNCOUNTED = 60_000
MAX_NETWORKS = 24  # as many are listed


@dataclass(frozen=True)
class Outlook:
    """`plan` is None where `problems` (by field of the form) stand in the way; the rest tells what it still can."""

    problems: dict[str, str]
    asked: Asked
    plan: ExperimentPlan | None
    launched: ExperimentPlan | None  # the same with its source as it was asked for, which may have moved on since
    networks: list[tuple[str, Architecture]]  # with its own parameters in words
    drawing: Markup | None  # of the first of them
    schedule: SchedulePlot | None
    num_images: int | None
    estimate: str
    command: str | None

    @property
    def num_runs(self) -> int:
        return 1 if self.plan is None else self.plan.num_runs

    @property
    def num_configs(self) -> int:
        return 1 if self.plan is None else len(self.plan.runs) // len(self.plan.seeds)

    @property
    def single(self) -> RunConfig | None:
        """Of the run that is launched, where it is no experiment."""
        if self.launched is None or self.launched.num_runs > 1 or self.launched.repeats is not None:
            return None
        return self.launched.runs[0].config.model_copy(update={"name": self.asked.name})


def outlook_of(
    session: Session, texts: Mapping[str, str], *, materialised_dir: Path, api_url: str, needs_token: bool
) -> Outlook:
    """Everything that follows from the texts of the form; `api_url` ends in /api/v1."""
    datasets = datasets_here(session)
    plan, problems = check(session, texts, datasets)
    asked, launched = asked_of(texts), plan
    if plan is not None:
        try:
            plan = settle_plan(session, plan)
        except InvalidRunConfig as error:
            plan, problems = None, problems_by_field(error.problems, split(texts["architecture"])[0])
    networks, drawing = _networks(session, asked, datasets.get(split(texts["dataset"])[0]))
    if plan is None:
        return Outlook(problems, asked, None, launched, networks, drawing, None, None, "", None)
    config = plan.runs[0].config
    manifest = manifest_of(materialised_dir, config.dataset)
    num_train = datasets[config.dataset].num_train or (manifest.num_train if manifest else None)
    num_images = None if num_train is None else max(0, num_train - config.num_validation_images)
    return Outlook(
        problems={},
        asked=asked,
        plan=plan,
        launched=launched,
        networks=networks,
        drawing=drawing,
        schedule=plot_schedule(config, num_images or NUM_IMAGES_UNCOUNTED),
        num_images=num_images,
        estimate=_estimate(session, plan),
        command=curl_command(asked, plan.num_runs, api_url, needs_token),
    )


def manifest_of(materialised_dir: Path, name: str) -> Manifest | None:
    """None where the images are not here, or not whole: the worker makes them at the next run."""
    try:
        return materialised(materialised_dir, name).manifest
    except (DatasetMissing, DatasetBroken):
        return None


def curl_command(asked: Asked, num_runs: int, api_url: str, needs_token: bool) -> str:
    """One line for a POSIX shell that launches the same."""
    named = {"name": asked.name} if asked.name else {}
    one, many = named | asked.base, named | {"base": asked.base, "grid": asked.grid, "seeds": asked.seeds}
    if asked.repeats is not None:
        many |= {"benchmark": True, "repeats": asked.repeats}
    is_run = num_runs == 1 and asked.repeats is None
    url, body = (f"{api_url}/runs", one) if is_run else (f"{api_url}/experiments", many)
    command = f"curl -X POST {shlex.quote(url)} -H 'Content-Type: application/json'"
    if needs_token:
        command += ' -H "Authorization: Bearer $TRAINYARD_TOKEN"'
    return f"{command} -d {shlex.quote(json.dumps(body, ensure_ascii=False))}"


def _networks(
    session: Session, asked: Asked, dataset: Dataset | None
) -> tuple[list[tuple[str, Architecture]], Markup | None]:
    """Each that can be built, on the first dataset; and the drawing of the first of them."""
    networks: list[tuple[str, Architecture]] = []
    drawing = None
    if dataset is None:
        return networks, drawing
    for choice in choices_of(asked)[:MAX_NETWORKS]:
        try:
            config = parse_run_config({"architecture": choice, "dataset": dataset.name})
            resolved = resolve_run(with_layers(session, config), {dataset.name: dataset})
        except InvalidRunConfig:
            continue
        own = resolved.config.architecture
        if own.layers is not None:
            facts = describe_own(own.name, own.layers, dataset.image_shape)
        else:
            facts = describe(own.name, own.parameters, dataset.image_shape, len(dataset.classes))
        networks.append((varied_words({"architecture": choice}), facts))
        drawing = drawing or drawn(resolved.layers, dataset.image_shape, facts.title)
    return networks, drawing


def _estimate(session: Session, plan: ExperimentPlan) -> str:
    config = plan.runs[0].config
    if plan.num_runs == 1:
        return _estimate_of_one(expected_epoch_of(session, plan.runs[0]), config)
    seconds = seconds_of_launch(session, plan)
    unknown = f"unknown until the first run on {dataset_title(config.dataset)}"
    return unknown if seconds is None else f"about {roughly(seconds)} once they start"


def _estimate_of_one(expected: EpochEstimate | None, config: RunConfig) -> str:
    if expected is None:
        return f"unknown until the first run on {dataset_title(config.dataset)}"
    runs = "the last run" if expected.num_runs == 1 else f"the last {expected.num_runs} runs"
    basis = f"from {runs} like it" if expected.is_alike else f"scaled from {runs} on {dataset_title(config.dataset)}"
    epochs = config.epochs - config.epochs_inherited
    return f"about {duration(epochs * expected.seconds)}, {basis}"
