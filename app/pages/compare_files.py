"""What the Compare page shows, to be copied by its links or by address: tables as CSV and LaTeX, and the report."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, PlainTextResponse
from sqlmodel import Session

from app.api.compare_files import FILE_NAME, NOTHING_IN_TEX
from app.compare_columns import columns_of, in_order
from app.compare_view import CompareView
from app.dependencies import CurrentSettings, Reading
from core.chosen_runs import NothingCompared
from core.invalid_run_config import InvalidRunConfig
from core.settings import Settings

if TYPE_CHECKING:  # it brings SciPy along, which the server imports with the first comparison
    from app.compare_whole import Whole

View = Annotated[CompareView, Query()]
router = APIRouter(prefix="/compare")


@router.get("/table.csv", name="compare_table_csv")
def table_csv(view: View, session: Reading, settings: CurrentSettings) -> PlainTextResponse:
    from app.compare_csv import table_csv

    return PlainTextResponse(table_csv(_whole(session, settings, view)))


@router.get("/verdicts.csv", name="compare_verdicts_csv")
def verdicts_csv(view: View, session: Reading, settings: CurrentSettings) -> PlainTextResponse:
    from app.compare_csv import verdicts_csv

    return PlainTextResponse(verdicts_csv(_whole(session, settings, view)))


@router.get("/table.tex", name="compare_table_tex")
def table_tex(view: View, session: Reading, settings: CurrentSettings) -> PlainTextResponse:
    """In the order in which the page has it; with the columns that were chosen there."""
    from app.compare_tex import TABLE_COLUMNS, table_tex

    whole = _whole(session, settings, view)
    if whole is None:
        return PlainTextResponse(NOTHING_IN_TEX)
    groups = in_order(whole.comparison.groups, view)
    chosen = columns_of(groups, view).shown if view.columns else ()
    return PlainTextResponse(table_tex(whole, groups, f"/compare{view.link()}", chosen or TABLE_COLUMNS))


@router.get("/verdicts.tex", name="compare_verdicts_tex")
def verdicts_tex(view: View, session: Reading, settings: CurrentSettings) -> PlainTextResponse:
    from app.compare_tex import verdicts_tex

    whole = _whole(session, settings, view)
    return PlainTextResponse(verdicts_tex(whole, f"/compare{view.link()}") if whole else NOTHING_IN_TEX)


@router.get("/report.html", name="compare_report")
def report(view: View, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    """The comparison as one file that stands by itself; the link on the page saves it."""
    from app.write_up.page import write_up

    whole = _whole(session, settings, view)
    if whole is None:
        raise NothingCompared("None of the runs that were asked for is there, so there is nothing to report.")
    headers = {"Content-Disposition": f'inline; filename="{FILE_NAME}"'}
    return HTMLResponse(write_up(session, settings, view, whole, f"/compare{view.link()}"), headers=headers)


def _whole(session: Session, settings: Settings, view: CompareView) -> "Whole | None":
    """With the baseline that the page has: the first group where the address names none of these."""
    from app.compare_whole import whole_comparison  # with the first comparison: it brings SciPy along

    try:
        return whole_comparison(session, settings, view.choice, view.baseline)
    except InvalidRunConfig:
        return whole_comparison(session, settings, view.choice, "")
