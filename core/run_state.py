"""The states of a run and every legal move between them, as one table."""

from enum import StrEnum


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


# From a state to the states it may move to; what is not here is refused (design, promise 1).
LEGAL_MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED}),
    RunState.RUNNING: frozenset(
        {RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED, RunState.QUEUED},
    ),
    RunState.COMPLETED: frozenset(),
    RunState.FAILED: frozenset({RunState.QUEUED}),
    RunState.CANCELLED: frozenset({RunState.QUEUED}),
}

ENDED = frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED})


class RunNotFound(LookupError):
    """No run has this id, or it was deleted."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"There is no run {run_id}.")
        self.run_id = run_id


class IllegalMove(ValueError):
    """The run is in a state from which the asked move does not lead."""

    def __init__(self, run_id: int, state: RunState, wanted: str) -> None:
        super().__init__(f"Run {run_id} is {state.value}; it cannot be {wanted}.")
        self.run_id = run_id
        self.state = state


class LeaseLost(RuntimeError):
    """The run is no longer this worker's attempt: what it reports is not recorded."""

    def __init__(self, run_id: int, attempt: int) -> None:
        super().__init__(f"The lease on attempt {attempt} of run {run_id} is lost.")
        self.run_id = run_id
        self.attempt = attempt
