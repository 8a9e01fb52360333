"""Comparison: chosen runs in groups, as JSON; as files in compare_files.py."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.compare_schemas import ComparisonOut, comparison_out
from app.api.verdict_schemas import MoreSeedsIn, MoreSeedsOut
from app.compare_axes import axis_of
from app.compare_effects import tell_effects
from app.compare_view import HASH, HASHES, IDS, MOST_CHARACTERS, Compared, EffectView
from app.dependencies import CurrentSettings, IdempotencyKey, Reading, Writing
from app.errors import problems
from core.chosen_runs import choose_runs
from core.comparison import Comparison
from core.effects import Outcome
from core.marks import num_images
from core.more_seeds import ask_once, looks_at

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

EFFECT = Query(description="The figure of which the effects of parameters are told.")
ACROSS = Query(max_length=100, description="A field of the heat map; the first that varies without it.")
DOWN = Query(max_length=100, description="The other field of the heat map.", examples=["learning_rate"])


def _asked(
    runs: Annotated[str, RUNS] = "",
    experiment: Annotated[str, EXPERIMENTS] = "",
    groups: Annotated[str, GROUPS] = "",
) -> Compared:
    return Compared(runs=(runs,), experiment=(experiment,), groups=(groups,))


def _looked_at(
    effect: Annotated[Outcome, EFFECT] = "test_accuracy",
    across: Annotated[str, ACROSS] = "",
    down: Annotated[str, DOWN] = "",
) -> EffectView:
    return EffectView(effect=effect, across=across, down=down)


Which = Annotated[Compared, Depends(_asked)]
LookedAt = Annotated[EffectView, Depends(_looked_at)]
Baseline = Annotated[str, BASELINE]


@router.get("")
def get_comparison(
    which: Which, looked_at: LookedAt, session: Reading, settings: CurrentSettings, baseline: Baseline = ""
) -> ComparisonOut:  # fmt: skip
    """The chosen runs in groups that differ in nothing but the seed: config, figures at the last and at the best epoch,
    curves, a verdict on each against the baseline, what each parameter does, what accuracy costs, what the course
    report published of the same network, and the literature of its kind. Runs in the bin are left out."""
    from app.compare_whole import whole_comparison  # with the first comparison: it brings SciPy along

    whole = whole_comparison(session, settings, which.choice, baseline)
    if whole is None:
        return comparison_out(Comparison([]), choose_runs(session, which.choice).left_out, None, {})
    num_train = {run.dataset: num_images(run.dataset, "train", settings) for run in whole.comparison.runs}
    steps = axis_of(whole.comparison, "step", num_train).steps
    effects = tell_effects(whole.comparison, looked_at, whole.baseline)
    return comparison_out(whole.comparison, whole.left_out, whole.verdicts, steps, whole.literature, effects)


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
