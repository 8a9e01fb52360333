"""The Compare page: curves, table, configs and the report's figures of chosen runs; its URL is the view."""

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from sqlmodel import Session

from app.compare_axes import axis_of
from app.compare_charts import compare_panels
from app.compare_columns import columns_of, in_order, in_rows
from app.compare_costs import conditions_words, cost_sheet
from app.compare_looks import looks_of
from app.compare_overview import packed
from app.compare_parameters import parameters_of
from app.compare_sheets import config_sheet, network_names, report_sheet, unlike_the_report
from app.compare_table import MEASURES
from app.compare_view import NETWORK, CompareView
from app.dependencies import CurrentSettings, Reading, Writing
from app.early_heads import render_in_two
from app.more_seeds_words import machine_of
from app.templating import render
from core.chosen_runs import choose_runs
from core.comparison import Comparison, Group, compare
from core.conditions import conditions_of
from core.estimates import seconds_until_end
from core.events import newest_event_id
from core.experiments import experiment_by_id, list_experiments
from core.marks import num_images
from core.more_seeds import MOST_AT_ONCE, ask_once
from core.network_pairs import other_networks
from core.run_state import ENDED, RunState
from core.runs import RunFilter, list_runs
from core.settings import Settings

View = Annotated[CompareView, Query()]
NUM_OFFERED = 10  # experiments, and runs, to choose from

router = APIRouter()


@router.get("/compare", name="compare_page")
def compare_page(request: Request, view: View, settings: CurrentSettings) -> StreamingResponse:
    """Plotly is read while this compares."""
    return render_in_two(request, "pages/compare.html", lambda session: _now(session, view, settings))


@router.get("/compare/now", name="compare_now")
def compare_now(request: Request, view: View, session: Reading, settings: CurrentSettings) -> HTMLResponse:
    """All that may move, for static/compare.js: while runs are under way, and when the view changes."""
    return render(request, "partials/compare/now.html", **_now(session, view, settings))


@router.post("/compare/more-seeds", name="ask_for_more_seeds")
def more_seeds(
    request: Request, view: View, session: Writing, settings: CurrentSettings,
    group: Annotated[str, Form()], baseline: Annotated[str, Form()], seeds: Annotated[int, Form()],
    launch_key: Annotated[str, Form(max_length=64)] = "",
) -> RedirectResponse:  # fmt: skip
    """Back to the comparison, with the new runs in it; pressed twice on one page they are the same runs."""
    key = f"{launch_key or secrets.token_urlsafe(16)} {baseline[:16]} {group[:16]} {seeds}"
    runs, _ = ask_once(session, settings.runs_dir, baseline, group, seeds, key)
    added = [run.id for run in runs]
    known = {run.id for run in choose_runs(session, view.choice).runs}
    view = view.with_runs(run for run in added if run is not None and run not in known)
    return RedirectResponse(request.app.url_path_for("compare_page") + view.link(), status_code=303)


def _now(session: Session, view: CompareView, settings: Settings) -> dict[str, Any]:  # what the templates name
    from app.compare_literature import (
        MOST_ROWS,
        literature_sheet,
        reference_lines,
        sources_of,
        with_reference_lines,
    )
    from app.compare_verdicts import baseline_of, judge  # with the first comparison: they bring SciPy along

    event_id = newest_event_id(session)
    chosen = choose_runs(session, view.choice)
    if not chosen.runs:
        return _offer(session, view, chosen.left_out) | {"event_id": event_id}
    comparison = compare(session, chosen.runs)
    looks = looks_of(comparison.groups)
    baseline = baseline_of(comparison.groups, view.baseline)
    if baseline is None:
        chosen.left_out.append(f"No group of these begins with {view.baseline}, so the first is the baseline.")
    verdicts = judge(session, settings, comparison, baseline or comparison.groups[0])
    literature = literature_sheet(comparison, verdicts)
    lines = reference_lines(literature, view)
    num_train = {run.dataset: num_images(run.dataset, "train", settings) for run in comparison.runs}
    axis = axis_of(comparison, view.x, num_train, of_seeds=view.lines == "seeds")
    groups = in_rows(in_order(comparison.groups, view), view)
    shown = {group.config_hash for group in groups}
    beside = [group for group in comparison.groups if group.config_hash in shown]
    published = [group for group in comparison.groups if group.published is not None]
    beside_report = [group for group in beside if group.published is not None]
    return {
        "event_id": event_id, "view": view, "left_out": chosen.left_out, "comparison": comparison, "looks": looks,
        "launch_key": secrets.token_urlsafe(16), "machine": machine_of(session), "most_seeds": MOST_AT_ONCE,
        "groups": groups, "sheet_groups": beside, "columns": columns_of(comparison.groups, view),
        "network": NETWORK, "network_names": network_names(comparison.groups),
        "measures": MEASURES, "axis": axis, "verdicts": verdicts, "literature": literature,
        "literature_shown": literature[:MOST_ROWS], "literature_sources": sources_of(literature),
        "reference_lines": lines,
        "panels": packed(with_reference_lines(compare_panels(comparison, view, looks, axis), lines)),
        "published": published, "beside_report": beside_report, "report_rows": report_sheet(beside_report, view.figure),
        "unlike_report": unlike_the_report(published),
        "baseline_group": baseline or comparison.groups[0],
        "other_networks": other_networks(comparison.groups, baseline or comparison.groups[0]),
        "config_rows": config_sheet(beside, only_differing=view.config == "differing"),
        **parameters_of(comparison, view, verdicts.baseline, verdicts.sizes, looks),
        **_costs(comparison, beside), **_progress(session, view, comparison),
    }  # fmt: skip


def _costs(comparison: Comparison, beside: Sequence[Group]) -> dict[str, Any]:
    conditions = conditions_of(comparison.runs)
    words = conditions_words(conditions)
    return {"cost_lines": cost_sheet(beside), "conditions": conditions, "conditions_words": words}


def _progress(session: Session, view: CompareView, comparison: Comparison) -> dict[str, Any]:
    runs = comparison.runs
    states = Counter(run.state for run in runs)
    num_ended = sum(states[state] for state in ENDED)
    is_experiment = len(view.choice.experiments) == 1 and not (view.choice.runs or view.choice.groups)
    experiment = experiment_by_id(session, view.choice.experiments[0]) if is_experiment else None
    title = experiment.name if experiment else "Compare"
    return {
        "title": title, "tab_title": f"{num_ended} of {len(runs)} · {title}" if num_ended < len(runs) else title,
        "experiment": experiment and experiment.id,
        "states": {state.value: states[state] for state in RunState}, "num_ended": num_ended,
        "fraction": sum(1 if run.state in ENDED else run.epochs_done / run.epochs for run in runs) / len(runs),
        "seconds": seconds_until_end(session, runs) if num_ended < len(runs) else None,
    }  # fmt: skip


def _offer(session: Session, view: CompareView, left_out: list[str]) -> dict[str, Any]:
    """Nothing is chosen, or nothing of it is there."""
    completed = list_runs(session, RunFilter(states=(RunState.COMPLETED,)), limit=NUM_OFFERED).runs
    return {
        "view": view, "left_out": left_out, "comparison": None, "title": "Compare", "tab_title": "Compare",
        "recent_runs": completed, "recent_experiments": list_experiments(session, limit=NUM_OFFERED),
    }  # fmt: skip
