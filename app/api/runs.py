"""Runs: launch, list, look at, change, cancel, requeue, delete."""

import secrets
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query, Response
from sqlmodel import Session

from app.api.bulk_schemas import BulkChange, BulkOut, refusal_out
from app.api.run_examples import EXAMPLES
from app.api.schemas import ContinueIn, RunChange, RunListOut, RunOut, run_out
from app.dependencies import LARGEST_ID, CurrentSettings, IdempotencyKey, Reading, RunId, Writing
from app.errors import problems
from core import queue, run_changes
from core.bin import move_to_bin, restore
from core.bulk import change_runs
from core.exports import export_again
from core.idempotency import continue_once, enqueue_once
from core.inheritance import take_over
from core.reproductions import reproduce_once
from core.run_config import RunConfig
from core.run_state import RunState
from core.runs import RunFilter, SortKey, list_runs, progress_of_run, queue_positions, run_by_id
from core.settings import Settings
from core.tables import Run
from core.tags import set_tags, tags_of_runs

router = APIRouter(prefix="/runs", tags=["runs"])

Names = Annotated[list[Annotated[str, Query(max_length=64)]], Query(max_length=50)]
Ids = Annotated[list[Annotated[int, Query(ge=1, le=LARGEST_ID)]], Query(max_length=50)]


@router.post("", status_code=201, responses=problems(400, 404) | {200: {"model": RunOut, "description": "Known key"}})
def launch(
    config: Annotated[RunConfig, Body(openapi_examples=EXAMPLES)],
    session: Writing,
    settings: CurrentSettings,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> RunOut:
    """Add a run to the queue. What is not given is as in the report: SGD, learning rate 0.01, batches of 64.

    With a `source` of mode `weights` it starts from the selected weights of a completed run, with a fresh optimizer;
    the network's tensors must have the same names and shapes."""
    made = enqueue_once(session, config, idempotency_key or secrets.token_urlsafe(16))
    return _launched(session, settings, response, *made)


@router.get("", responses=problems(400))
def get_runs(
    session: Reading,
    state: Annotated[list[RunState], Query(description="One or more states.", max_length=5)] = [],  # noqa: B006
    architecture: Names = [],  # noqa: B006
    dataset: Names = [],  # noqa: B006
    experiment: Ids = [],  # noqa: B006
    tag: Names = [],  # noqa: B006
    q: Annotated[str | None, Query(description="Part of the name.", max_length=120)] = None,
    sort: SortKey = "id",
    order: Literal["asc", "desc"] = "desc",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.", max_length=1000)] = None,
) -> RunListOut:
    """Runs that match, newest first unless sorted otherwise; page by page. Of one filter's values any will do."""
    wanted = RunFilter(
        states=tuple(state), architectures=tuple(architecture), datasets=tuple(dataset),
        experiments=tuple(experiment), tags=tuple(tag), search=q, sort=sort, descending=order == "desc",
    )  # fmt: skip
    page = list_runs(session, wanted, limit=limit, cursor=cursor)
    return RunListOut(runs=_all_told(session, page.runs), num_matching=page.num_matching, next_cursor=page.next_cursor)


@router.post("/bulk", responses=problems(400))
def change_many(change: BulkChange, session: Writing) -> BulkOut:
    """Change many runs alike, in one transaction. A run that cannot be changed so is refused with its reason, the
    rest are changed all the same."""
    result = change_runs(session, change.action, change.ids, change.tag)
    return BulkOut(
        done=tuple(run.id for run in result.done if run.id is not None),
        refused=tuple(refusal_out(refusal) for refusal in result.refused),
    )


@router.get("/{run_id}", responses=problems(404))
def get_run(run_id: RunId, session: Reading) -> RunOut:
    """One run: its config, how far it is, its summary or its failure."""
    return _told(session, run_by_id(session, run_id))


@router.patch("/{run_id}", responses=problems(400, 404, 409))
def change_run(run_id: RunId, change: RunChange, session: Writing) -> RunOut:
    """Name, priority, hold or release, notes, tags: all of it or nothing."""
    run = run_by_id(session, run_id)
    if change.name is not None:
        run_changes.rename(session, run_id, change.name)
    if change.priority is not None:
        run_changes.prioritise(session, run_id, change.priority)
    if change.held is not None:
        queue.hold(session, run_id, change.held)
    if change.notes is not None:
        run_changes.annotate(session, run_id, change.notes)
    if change.tags is not None:
        set_tags(session, run_id, change.tags)
    return _told(session, run)


@router.delete("/{run_id}", status_code=204, response_class=Response, responses=problems(404, 409))
def delete_run(run_id: RunId, session: Writing) -> None:
    """Put a run that is not running into the bin, where it stays for 30 days."""
    move_to_bin(session, run_id)


@router.post("/{run_id}/restore", responses=problems(404))
def restore_run(run_id: RunId, session: Writing) -> RunOut:
    """Take a deleted run out of the bin."""
    return _told(session, restore(session, run_id))


@router.post("/{run_id}/cancel", responses=problems(404, 409))
def cancel_run(run_id: RunId, session: Writing) -> RunOut:
    """Cancel a queued run at once; a running one stops at its next report, within half a second of training."""
    return _told(session, queue.cancel(session, run_id))


@router.post(
    "/{run_id}/reproduce", status_code=201,
    responses=problems(400, 404, 409) | {200: {"model": RunOut, "description": "Known key"}},
)  # fmt: skip
def reproduce_run(
    run_id: RunId, session: Writing, settings: CurrentSettings, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> RunOut:  # fmt: skip
    """Train a completed run again, with its threads and on its kind of device; `reproductions` then tells whether it
    came out identical."""
    made = reproduce_once(session, run_id, idempotency_key or secrets.token_urlsafe(16))
    return _launched(session, settings, response, *made)


@router.post(
    "/{run_id}/continue", status_code=201,
    responses=problems(400, 404) | {200: {"model": RunOut, "description": "Known key"}},
)  # fmt: skip
def continue_run(
    run_id: RunId, asked: ContinueIn, session: Writing, settings: CurrentSettings, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> RunOut:  # fmt: skip
    """Add a run that goes on where an ended one stopped: its last checkpoint, optimizer and all, its epochs as its
    past, its config but for the epochs. A constant or step schedule ends, on a CPU, in the weights of one run of as
    many epochs, bit for bit; cosine and one-cycle are drawn over the new total and entered where the old run ended,
    which one run would not have done."""
    made = continue_once(session, run_id, asked.epochs, idempotency_key or secrets.token_urlsafe(16))
    return _launched(session, settings, response, *made)


@router.post("/{run_id}/requeue", responses=problems(404, 409))
def requeue_run(run_id: RunId, session: Writing) -> RunOut:
    """Put a failed or cancelled run back into the queue; it goes on at its last checkpoint."""
    return _told(session, queue.requeue(session, run_id))


@router.post("/{run_id}/export", responses=problems(404, 409))
def export_run(run_id: RunId, session: Writing) -> RunOut:
    """Make what a completed run lacks of its exported files; its artifacts and log tell what came of it."""
    return _told(session, export_again(session, run_id))


def _launched(session: Session, settings: Settings, response: Response, run: Run, is_new: bool) -> RunOut:
    if is_new:
        take_over(session, settings.runs_dir, run)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/api/v1/runs/{run.id}"
    return _told(session, run)


def _told(session: Session, run: Run) -> RunOut:
    return _all_told(session, [run])[0]


def _all_told(session: Session, runs: list[Run]) -> tuple[RunOut, ...]:
    session.flush()
    places = queue_positions(session)
    tags = tags_of_runs(session, [run.id for run in runs if run.id is not None])
    told = []
    for run in runs:
        assert run.id is not None
        progress = progress_of_run(session, run.id) if run.state is RunState.RUNNING else None
        told.append(run_out(run, progress, places.get(run.id), tags[run.id]))
    return tuple(told)
