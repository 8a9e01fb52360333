"""What a user does to the runs that are ticked in the list: a plain form, or htmx that shows what became of it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BeforeValidator, Field

from app.bulk_words import words_of
from app.dependencies import LARGEST_ID, Reading, Writing
from app.errors import answer, problem
from app.formatting import shown_state
from app.pages.runs import View
from app.security import own_path
from app.templating import render
from core.bulk import MAX_RUNS, Action, change_runs, undo_delete
from core.runs import list_runs


def _split(texts: object) -> object:
    return ",".join(texts).split(",") if isinstance(texts, list) and texts else texts


# A field a tick box, or all ids in one with commas between them: a form may have 1,000 fields at most.
RunIds = Annotated[list[Annotated[int, Field(ge=1, le=LARGEST_ID)]], BeforeValidator(_split), Form(max_length=MAX_RUNS)]

router = APIRouter()


@router.get("/runs/ids", name="run_ids")
def run_ids(view: View, session: Reading) -> dict[int, str]:
    """The runs that the view matches, as many as can be changed at once, and the state of each as the page names it."""
    runs = list_runs(session, view.as_filter(), limit=MAX_RUNS).runs
    return {run.id: shown_state(run) for run in runs if run.id is not None}


@router.post("/runs/bulk", name="change_runs")
def change_ticked(
    request: Request,
    session: Writing,
    action: Annotated[Action | Literal["compare"], Form()],
    ids: RunIds = [],  # noqa: B006
    waited: RunIds = [],  # noqa: B006
    held: RunIds = [],  # noqa: B006
    tag: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",
) -> Response:
    """Comparing is a link where scripts run. Without them what could not be done is told by a page of its own."""
    if not ids:
        return answer(request, problem(422, "No run is selected.", suggestion="Tick some in the list, then try again."))
    if action == "compare":
        compare = request.app.url_path_for("compare_page")
        return RedirectResponse(f"{compare}?runs={','.join(map(str, ids))}", status_code=303)
    is_undo = action == "restore"
    result = undo_delete(session, ids, waited, held) if is_undo else change_runs(session, action, ids, tag)
    words = words_of(action, result, tag.strip())
    if "HX-Request" in request.headers:
        return render(request, "partials/bulk_said.html", words=words, action=action, result=result)
    if result.refused:
        return answer(request, problem(409, words))
    return RedirectResponse(own_path(next) or request.app.url_path_for("runs_page"), status_code=303)
