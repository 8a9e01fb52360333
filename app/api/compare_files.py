"""A comparison as files: CSV for spreadsheets, LaTeX for papers."""

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from app.api.compare import Baseline, Which
from app.api.run_records import CSV, Responses, as_file
from app.compare_view import CompareView
from app.dependencies import CurrentSettings, Reading
from app.errors import problems
from core.chosen_runs import NothingCompared, choose_runs
from core.comparison import compare

router = APIRouter(prefix="/compare", tags=["compare"])
TEX = "application/x-tex"
FILE_NAME = "comparison.html"
HTML: Responses = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
LATEX: Responses = {200: {"content": {TEX: {"schema": {"type": "string"}}}}}


@router.get("/table.csv", response_class=Response, responses=CSV)
def get_comparison_table(
    which: Which, session: Reading, settings: CurrentSettings, baseline: Baseline = ""
) -> Response:  # fmt: skip
    """A line for each group: figures as mean, 95 % interval of the mean, n, lowest and highest seed; costs over its
    runs, with their median; the verdict against the baseline."""
    from app.compare_csv import table_csv  # with the first comparison: it brings SciPy along
    from app.compare_whole import whole_comparison

    whole = whole_comparison(session, settings, which.choice, baseline)
    return Response(table_csv(whole), media_type="text/csv", headers=as_file("comparison.csv"))


@router.get("/verdicts.csv", response_class=Response, responses=CSV)
def get_comparison_verdicts_table(
    which: Which, session: Reading, settings: CurrentSettings, baseline: Baseline = ""
) -> Response:  # fmt: skip
    """A line for each verdict, with every method that it was worked out by."""
    from app.compare_csv import verdicts_csv
    from app.compare_whole import whole_comparison

    whole = whole_comparison(session, settings, which.choice, baseline)
    return Response(verdicts_csv(whole), media_type="text/csv", headers=as_file("verdicts.csv"))


@router.get("/curves.csv", response_class=Response, responses=CSV)
def get_comparison_curves(which: Which, session: Reading) -> Response:
    """A line for each epoch of each run."""
    from app.compare_csv import curves_csv

    comparison = compare(session, choose_runs(session, which.choice).runs)
    return Response(curves_csv(comparison), media_type="text/csv", headers=as_file("comparison-curves.csv"))


@router.get("/table.tex", response_class=Response, responses=LATEX)
def get_comparison_table_in_latex(
    which: Which, session: Reading, settings: CurrentSettings, baseline: Baseline = ""
) -> Response:  # fmt: skip
    """The table for a paper, with booktabs; its caption says what each figure and interval is."""
    from app.compare_tex import table_tex
    from app.compare_whole import whole_comparison

    whole = whole_comparison(session, settings, which.choice, baseline)
    source = f"/compare{which.query(baseline=baseline)}"
    text = table_tex(whole, whole.comparison.groups, source) if whole else NOTHING_IN_TEX
    return Response(text, media_type=TEX, headers=as_file("comparison.tex"))


@router.get("/verdicts.tex", response_class=Response, responses=LATEX)
def get_comparison_verdicts_in_latex(
    which: Which, session: Reading, settings: CurrentSettings, baseline: Baseline = ""
) -> Response:  # fmt: skip
    """The verdicts for a paper, with booktabs."""
    from app.compare_tex import verdicts_tex
    from app.compare_whole import whole_comparison

    whole = whole_comparison(session, settings, which.choice, baseline)
    source = f"/compare{which.query(baseline=baseline)}"
    text = verdicts_tex(whole, source) if whole else NOTHING_IN_TEX
    return Response(text, media_type=TEX, headers=as_file("verdicts.tex"))


@router.get("/report.html", response_class=HTMLResponse, responses=HTML | problems(404))
def get_comparison_report(
    which: Which, session: Reading, settings: CurrentSettings, baseline: Baseline = ""
) -> HTMLResponse:  # fmt: skip
    """One file that opens without server, network or script: results, verdicts with their methods, curves, configs,
    conditions, the literature, every run with its seed and the hash of its weights, and a methods section."""
    from app.compare_whole import whole_comparison
    from app.write_up.page import write_up

    whole = whole_comparison(session, settings, which.choice, baseline)
    if whole is None:
        raise NothingCompared("None of the runs that were asked for is there, so there is nothing to report.")
    view = CompareView(**which.model_dump(), baseline=baseline)
    text = write_up(session, settings, view, whole, f"/compare{view.link()}")
    return HTMLResponse(text, headers=as_file(FILE_NAME))


NOTHING_IN_TEX = "% nothing is compared\n"
