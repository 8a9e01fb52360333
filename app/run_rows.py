"""The rows of the Runs page: each run with what it waits for, how far it is, and its curve in small."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from app.run_face import fraction_done
from core.estimates import seconds_remaining, seconds_until_starts
from core.metrics import test_accuracies
from core.run_state import RunState
from core.run_tables import Progress
from core.runs import queue_positions
from core.tables import Run
from core.tags import tags_of_runs

# As many points as a sparkline's pixels can show apart.
MAX_POINTS = 60
# Size of a sparkline's drawing, and the least range of accuracy it spans, so that noise does not fill it.
SPARK_WIDTH, SPARK_HEIGHT, SPARK_LEAST_SPAN = 100, 24, 0.02


@dataclass(frozen=True)
class RunRow:
    """`place`: in line, from 1, of a run that waits and is not held. `seconds`: until a queued run starts or a running
    one ends, None where nothing was measured. `points`: (epoch, test accuracy)."""

    run: Run
    place: int | None
    seconds: float | None
    fraction: float
    progress: Progress | None
    points: list[tuple[int, float]]
    tags: list[str]

    @property
    def sparkline(self) -> str:
        return sparkline(self.points, self.run.epochs)


def rows_of(session: Session, runs: Sequence[Run]) -> list[RunRow]:
    """One row for each run, in their order."""
    places = queue_positions(session) if any(run.state is RunState.QUEUED for run in runs) else {}
    starts = seconds_until_starts(session) if places else {}
    run_ids = [run.id for run in runs if run.id is not None]
    points, tags = test_accuracies(session, run_ids, most=MAX_POINTS), tags_of_runs(session, run_ids)
    rows = []
    for run in runs:
        assert run.id is not None
        is_running = run.state is RunState.RUNNING
        progress = session.get(Progress, run.id) if is_running else None
        seconds = seconds_remaining(session, run) if is_running else starts.get(run.id)
        fraction, place = fraction_done(run, progress), places.get(run.id)
        rows.append(RunRow(run, place, seconds, fraction, progress, points[run.id], tags[run.id]))
    return rows


def sparkline(points: Sequence[tuple[int, float]], num_epochs: int) -> str:
    """The points of an SVG polyline that grows to the right as epochs come; static/runs.js draws the same."""
    if not points:
        return ""
    values = [accuracy for _, accuracy in points]
    top = max(*values, min(values) + SPARK_LEAST_SPAN)
    span = top - min(values)
    start = [(0, values[0])] if len(points) == 1 else []  # one point alone would be no line
    return " ".join(
        f"{epoch / num_epochs * SPARK_WIDTH:.1f},{(top - accuracy) / span * SPARK_HEIGHT:.1f}"
        for epoch, accuracy in [*start, *points]
    )
