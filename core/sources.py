"""Sources of runs, found and checked at launch: what another run left must be there, and fit. See core/inheritance.py
for what the new run then has of it."""

from dataclasses import replace
from typing import Any

from sqlmodel import Session, col, select

from core.architectures.layers import LAYERS
from core.architectures.tensors import misfit
from core.experiment_plan import ExperimentPlan
from core.experiment_words import value_words
from core.invalid_run_config import InvalidRunConfig
from core.known_datasets import datasets_here, image_shape_of, known_dataset
from core.run_config import MAX_NAME_LENGTH, ResolvedRun, RunConfig, config_hash, parse_run_config, resolve_run
from core.run_source import Source
from core.run_state import ENDED, RunState
from core.run_tables import Artifact
from core.tables import Run

# What of the config may be another in the run that goes on; the device: figures differ in their last digits.
MAY_DIFFER = frozenset({"name", "epochs", "device", "source"})


def can_be_continued(run: Run) -> bool:
    """Whether it has ended with a checkpoint, and not because validation no longer improved."""
    return run.state in ENDED and run.checkpoint_id is not None and not _stopped_early(run)


def continuation(run: Run, epochs: int) -> RunConfig:
    """The config of a run that goes on where this one ended, up to `epochs` in all; raises InvalidRunConfig."""
    name = run.name.removesuffix(_up_to(run.epochs))[: MAX_NAME_LENGTH - 20] + _up_to(epochs)
    source = {"mode": "continue", "run_id": run.id}
    return parse_run_config(run.config | {"epochs": epochs, "name": name, "source": source})


def settle(session: Session, resolved: ResolvedRun) -> ResolvedRun:
    """The same run with its source found, checked and named whole; raises InvalidRunConfig with field and reason."""
    config = resolved.config
    if config.source is None:
        return resolved
    file = source_file(session, config.source)
    origin = session.get_one(Run, file.run_id)
    goes_on = config.source.mode == "continue"
    problems = _continue_problems(config, origin, file.epoch) if goes_on else _fit_problems(session, resolved, origin)
    if problems:
        raise InvalidRunConfig(problems)
    past = origin.config_hash if goes_on else None
    whole = config.source.model_copy(update={"epoch": file.epoch, "sha256": file.sha256, "config_hash": past})
    config = config.model_copy(update={"source": whole})
    return _with_layers_of(origin, config) if goes_on else resolve_run(config, datasets_here(session))


def settle_plan(session: Session, plan: ExperimentPlan) -> ExperimentPlan:
    """All runs of an experiment may start from the same weights; raises InvalidRunConfig."""
    source = plan.runs[0].config.source
    if source is None:
        return plan
    if source.mode == "continue" and len(plan.runs) > 1:
        raise InvalidRunConfig({"source": f"continues one run, and these are {len(plan.runs):,}: start from weights"})
    runs = tuple(settle(session, run) for run in plan.runs)
    assert runs[0].config.source is not None
    return replace(plan, base=plan.base | {"source": runs[0].config.source.model_dump(mode="json")}, runs=runs)


def source_file(session: Session, source: Source) -> Artifact:
    """The run's own file, or of weights that are gone with it another run's copy; raises InvalidRunConfig."""
    run = session.get(Run, source.run_id)
    kind = "checkpoint" if source.mode == "continue" else "weights"
    found = session.exec(select(Artifact).where(Artifact.run_id == source.run_id, Artifact.kind == kind)).first()
    if source.mode == "weights" and found is None and source.sha256 is not None:
        kept = col(Artifact.kind).in_(("weights", "source")), Artifact.sha256 == source.sha256
        found = session.exec(select(Artifact).where(*kept).limit(1)).first()
    if found is None:
        raise InvalidRunConfig({"source": _why_there_is_none(run, source)})
    if source.sha256 not in (None, found.sha256) or source.epoch not in (None, found.epoch):
        raise InvalidRunConfig(
            {"source": f"is no longer there: run {source.run_id} has now its {kind} after epoch {found.epoch}"}
        )
    return found


def _with_layers_of(origin: Run, config: RunConfig) -> ResolvedRun:
    """The network as it was trained so far, whatever its name means in the catalogue of this version."""
    layers = LAYERS.validate_python(origin.layers)
    counted = origin.num_parameters, origin.num_multiply_adds
    return ResolvedRun(config, layers, *counted, config_hash(config, layers))


def _stopped_early(run: Run) -> bool:
    return run.state is RunState.COMPLETED and run.epochs_done < run.epochs


def _up_to(epochs: int) -> str:
    return f", to epoch {epochs}"


def _why_there_is_none(run: Run | None, source: Source) -> str:
    if run is None:
        return f"is not there: there is no run {source.run_id}"
    if source.mode == "weights":
        return f"is not there: run {run.id} is {run.state.value}, and weights come when a run has completed"
    if run.state is RunState.COMPLETED:
        return f"is not there: the checkpoint of run {run.id} was removed to make room; start from its weights instead"
    return f"is not there: run {run.id} has no epoch to go on from"


def _fit_problems(session: Session, resolved: ResolvedRun, origin: Run) -> dict[str, str]:
    """Where the weights do not fit the network, at the field that makes it so."""
    shape = known_dataset(session, resolved.config.dataset).image_shape
    reason = misfit(
        resolved.layers, LAYERS.validate_python(origin.layers), shape, image_shape_of(session, origin.dataset) or shape
    )
    if reason is None:
        return {}
    choice = resolved.config.architecture
    field = "architecture" if choice.name != origin.architecture else "architecture.parameters"
    field = "dataset" if choice.model_dump(mode="json") == origin.config["architecture"] else field
    return {field: f"does not fit the weights of run {origin.id}: {reason}"}


def _continue_problems(config: RunConfig, origin: Run, epoch: int) -> dict[str, str]:
    if origin.state not in ENDED:
        return {"source": f"is still {origin.state.value}: run {origin.id} can be continued when it has ended"}
    if _stopped_early(origin):
        return {"source": f"stopped early, and would again: start from the weights of run {origin.id} instead"}
    theirs: dict[str, Any] = parse_run_config(origin.config).model_dump(mode="json")
    problems = {
        field: f"must be {value_words(theirs[field])}, as in run {origin.id}, which it continues"
        for field, value in config.model_dump(mode="json").items()
        if field not in MAY_DIFFER and value != theirs[field]
    }
    if config.epochs <= epoch:
        problems["epochs"] = f"must be more than the {epoch} that run {origin.id} has trained"
    return problems
