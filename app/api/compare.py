"""Comparison: chosen runs in groups, as JSON and as CSV."""

import csv
import io
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from sqlmodel import Session

from app.api.compare_schemas import ComparisonOut, comparison_out
from app.api.run_records import CSV, as_file
from app.api.verdict_schemas import MoreSeedsIn, MoreSeedsOut
from app.compare_table import COLUMNS
from app.compare_view import HASH, HASHES, IDS, MOST_CHARACTERS, Compared
from app.dependencies import CurrentSettings, IdempotencyKey, Reading, Writing
from app.errors import problems
from core.chosen_runs import choose_runs
from core.comparison import MEASURES, Comparison, Group, compare
from core.conditions import conditions_of
from core.costs import COSTS, CostRange
from core.invalid_run_config import InvalidRunConfig
from core.more_seeds import ask_once, looks_at
from core.spreads import Spread

router = APIRouter(prefix="/compare", tags=["compare"])

EXPERIMENTS = Query(pattern=IDS, max_length=MOST_CHARACTERS, description="Ids with commas between.", examples=["1"])
RUNS = Query(pattern=IDS, max_length=MOST_CHARACTERS, description="Ids with commas between.", examples=["1,2,3"])
GROUPS = Query(
    pattern=HASHES, max_length=MOST_CHARACTERS, examples=["13b04f1b9853"],
    description="Config hashes with commas between, or as much of each as no other begins with.",
)  # fmt: skip

BASELINE = Query(
    pattern=HASH, max_length=64, examples=["13b04f1b9853"],
    description="Config hash, or its beginning, of the group that the others are held against; the first without it.",
)  # fmt: skip


def _asked(
    runs: Annotated[str, RUNS] = "",
    experiment: Annotated[str, EXPERIMENTS] = "",
    groups: Annotated[str, GROUPS] = "",
) -> Compared:
    return Compared(runs=(runs,), experiment=(experiment,), groups=(groups,))


Which = Annotated[Compared, Depends(_asked)]
Row = Mapping[str, object]
CURVE_COLUMNS = ("group", "label", "run", "seed", "epoch", *MEASURES)


@router.get("")
def get_comparison(
    which: Which, session: Reading, settings: CurrentSettings, baseline: Annotated[str, BASELINE] = ""
) -> ComparisonOut:
    """The chosen runs in groups that differ in nothing but the seed: config, figures at the last and at the best epoch,
    curves, a verdict on each against the baseline, what the course report published of the same network, and the
    literature of its kind. Runs in the bin are left out."""
    from app.compare_literature import literature_sheet
    from app.compare_verdicts import baseline_of, judge  # with the first comparison: they bring SciPy along

    chosen = choose_runs(session, which.choice)
    comparison = compare(session, chosen.runs)
    if not comparison.groups:
        return comparison_out(comparison, chosen.left_out, None)
    held_against = baseline_of(comparison.groups, baseline)
    if held_against is None:
        raise InvalidRunConfig({"baseline": "is not the beginning of one group of this comparison"})
    verdicts = judge(session, settings, comparison, held_against)
    return comparison_out(comparison, chosen.left_out, verdicts, literature_sheet(comparison, verdicts))


@router.post(
    "/more-seeds", status_code=201,
    responses=problems(400, 404, 409) | {200: {"model": MoreSeedsOut, "description": "Known key"}},
)  # fmt: skip
def more_seeds(
    asked: MoreSeedsIn, session: Writing, settings: CurrentSettings, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> MoreSeedsOut:  # fmt: skip
    """Queue both configs with the next unused seeds, the same for both. After a verdict that is another look, which the
    next verdict takes into account."""
    key = idempotency_key or secrets.token_urlsafe(16)
    runs, are_new = ask_once(session, settings.runs_dir, asked.baseline, asked.group, asked.seeds, key)
    response.status_code = 201 if are_new else 200
    look = looks_at(session, asked.baseline, [asked.group])[asked.group]
    return MoreSeedsOut(runs=tuple(run.id for run in runs if run.id is not None), look=look)


@router.get("/table.csv", response_class=Response, responses=CSV)
def get_comparison_table(which: Which, session: Reading) -> Response:
    """A line for each group: figures as mean, low and high over its seeds; costs over its runs, with their median."""
    comparison = _compared(session, which)
    same = {"conditions_are_same": conditions_of(comparison.runs).are_same}
    rows = [{**_table_row(group), **same} for group in comparison.groups]
    return _csv("comparison.csv", rows[0] if rows else (), rows)


@router.get("/curves.csv", response_class=Response, responses=CSV)
def get_comparison_curves(which: Which, session: Reading) -> Response:
    """A line for each epoch of each run."""
    return _csv("comparison-curves.csv", CURVE_COLUMNS, _curve_rows(_compared(session, which)))


def _compared(session: Session, which: Compared) -> Comparison:
    return compare(session, choose_runs(session, which.choice).runs)


def _table_row(group: Group) -> Row:
    row: dict[str, object] = {"group": group.config_hash, "label": group.label, "best_by": group.best_by}
    row |= {"n": len(group.seeds), "parameters": group.run.num_parameters, "multiply_adds": group.run.num_multiply_adds}
    for key, column in COLUMNS.items():
        if key not in ("n", "num_parameters", "num_multiply_adds", *COSTS):
            row |= _figures(key, column.of_group(group))
    for cost in COSTS:
        row |= _figures(cost, group.cost(cost), "median")
    return row


def _figures(key: str, spread: Spread | CostRange | None, *more: str) -> Row:
    return {f"{key}_{name}": getattr(spread, name, None) for name in ("mean", *more, "low", "high")}


def _curve_rows(comparison: Comparison) -> Iterator[Row]:
    for group in comparison.groups:
        for seed in group.seeds:
            own = {"group": group.config_hash, "label": group.label, "run": seed.run.id, "seed": seed.run.seed}
            for point in seed.points:
                yield own | {"epoch": point.epoch} | {name: getattr(point, name) for name in MEASURES}


def _csv(file_name: str, columns: Iterable[str], rows: Iterable[Row]) -> Response:
    lines = io.StringIO()
    table = csv.DictWriter(lines, fieldnames=list(columns), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return Response(lines.getvalue(), media_type="text/csv", headers=as_file(file_name))
