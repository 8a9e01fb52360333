"""What the launch form asks for, as JSON, before it is judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from core.datasets import Dataset
from core.experiment_plan import ExperimentPlan, plan_experiment
from core.named_networks import with_layers_of_each


@dataclass(frozen=True)
class Asked:
    """What `plan_experiment` takes. Any: JSON, as typed."""

    name: str
    base: dict[str, Any]
    grid: dict[str, list[Any]]
    seeds: int | list[int]
    repeats: int | None = None  # of a benchmark

    def plan(self, session: Session, datasets: Mapping[str, Dataset]) -> ExperimentPlan:
        """Raises InvalidRunConfig."""
        base, grid = with_layers_of_each(session, self.base, self.grid)
        return plan_experiment(
            name=self.name, base=base, grid=grid, seeds=self.seeds, repeats=self.repeats, datasets=datasets
        )
