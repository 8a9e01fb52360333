"""A run as it is launched: a row made of its run config and all that follows from it."""

from datetime import UTC, datetime

from core.run_config import ResolvedRun
from core.run_state import RunState
from core.stacking import stack_key
from core.tables import Run


def new_run(resolved: ResolvedRun, experiment_id: int | None) -> Run:
    """Queued, and in no session yet."""
    config = resolved.config
    return Run(
        name=config.display_name(),
        state=RunState.QUEUED,
        config=config.model_dump(mode="json"),
        layers=[layer.model_dump(mode="json") for layer in resolved.layers],
        config_hash=resolved.config_hash,
        stack_key=stack_key(config, resolved.layers) if config.source is None else None,  # a start of its own
        architecture=config.architecture.name,
        dataset=config.dataset,
        seed=config.seed,
        epochs=config.epochs,
        num_parameters=resolved.num_parameters,
        num_multiply_adds=resolved.num_multiply_adds,
        experiment_id=experiment_id,
        created_at=datetime.now(UTC),
    )
