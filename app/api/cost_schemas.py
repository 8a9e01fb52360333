"""The shapes of what compared runs cost, and of the conditions under which they did."""

from dataclasses import asdict

from pydantic import Field, JsonValue

from app.api.schemas import Shape
from core.conditions import Conditions
from core.costs import CostRange


class CostOut(Shape):
    """What n runs took: seeds, and repeats of the same seed alike."""

    n: int
    mean: float
    median: float
    low: float
    high: float


class ConditionsOut(Shape):
    """Whether the costs of the runs may be held against each other."""

    are_same: bool | None = Field(
        description="same device, torch build and threads, and each run alone; null until an epoch is recorded"
    )
    shared: dict[str, JsonValue] = Field(description="what all were trained with", examples=[{"threads": 1}])
    differences: tuple[str, ...] = Field(examples=[["2 of 6 runs had other runs beside them"]])


def cost_out(cost: CostRange | None) -> CostOut | None:
    return None if cost is None else CostOut(**asdict(cost))


def conditions_out(conditions: Conditions) -> ConditionsOut:
    return ConditionsOut(
        are_same=conditions.are_same, shared=conditions.shared, differences=tuple(conditions.differences)
    )
