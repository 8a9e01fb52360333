"""How long more seeds of two groups would take on what is there now, in words for the button that queues them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from sqlmodel import Session

from app.formatting import roughly
from core.comparison import Group
from core.queue_order import is_paused
from core.workers import live_workers, most_in_stack


@dataclass(frozen=True)
class Machine:
    """What there is to train on; `stack`: as many seeds of a group as a slot trains together."""

    slots: int
    stack: int
    is_paused: bool

    def outlook(self, groups: Sequence[Group], number: int) -> str:
        """Of so many more seeds of each, by the groups' own seconds per epoch; without these only who would train."""
        told = [self._seconds_words(groups, number)]
        if not self.slots:
            told.append("No worker is there: they wait until one runs.")
        elif self.is_paused:
            told.append("The queue is paused: they wait until it is resumed.")
        return " ".join(filter(None, told))

    def _seconds_words(self, groups: Sequence[Group], number: int) -> str:
        one, all_of_them = (self._seconds(groups, seeds) for seeds in (1, number))
        if one is None or all_of_them is None:
            return ""
        where = f"on {self.slots} slots" if self.slots > 1 else "on one slot"
        each = f" (a single one about {roughly(one)})" if number > 1 else ""
        return f"About {roughly(all_of_them)} {where}{each}, once they are first in line."

    def _seconds(self, groups: Sequence[Group], number: int) -> float | None:
        """From the first start to the last end. A benchmark's runs are trained alone, as often as it repeats them."""
        costs = [group.cost("seconds_per_epoch") for group in groups]
        repeats = [max(run.repeat or 1 for run in group.runs) for group in groups]
        is_benchmark = any(run.repeat for group in groups for run in group.runs)
        slots, stack = (1, 1) if is_benchmark else (max(1, self.slots), self.stack)
        told = [
            (cost.median * group.run.epochs, ceil(number * times / stack))
            for cost, group, times in zip(costs, groups, repeats, strict=True)
            if cost
        ]
        if len(told) < len(groups):
            return None
        return max(max(seconds for seconds, _ in told), sum(seconds * trainings for seconds, trainings in told) / slots)


def machine_of(session: Session) -> Machine:
    workers = live_workers(session)
    return Machine(sum(worker.slots for worker in workers), most_in_stack(workers), is_paused(session))
