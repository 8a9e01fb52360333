"""What a reader has to bear in mind, as far as it holds of these runs."""

from collections.abc import Iterator

from app.compare_whole import Whole
from app.formatting import points
from app.write_up.phrases import counted, named
from app.write_up.records import Records
from core.conditions import conditions_of
from core.run_state import RunState


def cautions(whole: Whole, records: Records) -> list[str]:
    return [*whole.left_out, *_of_runs(whole), *_of_choice(whole), *_of_conditions(whole, records)]


def _of_runs(whole: Whole) -> Iterator[str]:
    runs, groups = whole.comparison.runs, whole.comparison.groups
    num_open = sum(group.num_open for group in groups)
    if num_open:
        yield (
            f"{num_open:,} of {counted(len(runs), 'run')} {'has' if num_open == 1 else 'have'} not ended: these are "
            "interim figures, and groups with open runs have no verdict."
        )
    lost = [group.label for group in groups if group.states.get("failed", 0) + group.states.get("cancelled", 0)]
    number = sum(run.state in (RunState.FAILED, RunState.CANCELLED) for run in runs)
    if number:
        was, counts = ("was", "counts") if number == 1 else ("were", "count")
        yield (
            f"{counted(number, 'run')} failed or {was} cancelled and {counts} in no verdict ({named(lost)}); what "
            "epochs there are stand in curves and figures."
        )
    if whole.comparison.has_gaps:
        yield "The loss of some epochs was not finite (NaN or infinite); there the means have gaps."
    alone = [group.label for group in groups if len(group.measured) == 1]
    if alone:
        yield f"One seed only, so seed noise is unknown: {named(alone)}."
    missing = {
        one.reason
        for told in whole.verdicts.told
        for one in (*told.verdict.side.missing, *told.verdict.baseline.missing)
    }
    if missing and any(told.verdict.judged for told in whole.verdicts.told):
        yield f"Predictions are missing ({named(sorted(missing))}), so the noise of the test images is an upper bound."


def _of_choice(whole: Whole) -> Iterator[str]:
    by_test = [group for group in whole.comparison.groups if group.best_by == "test" and group.measured]
    if by_test:
        gains = [f"{group.label} ≈ {points(gain)}" for group in by_test if (gain := group.gain_of_best_epoch)]
        size = (
            f"; by choice alone about: {named(gains)} (Tippett 1925; Gasser, Sroka & Jennen-Steinmetz 1986)"
            if gains
            else ""
        )
        yield (
            "A best epoch without validation images was chosen by the very test images that judge it, and is too good"
            f"{size}. No verdict uses it."
        )
    best = [
        f"{group.label} ≈ {points(gain)} of {len(group.measured)}"
        for group in whole.comparison.groups
        if (gain := group.gain_of_best_seed)
    ]
    if best:
        yield f"The best of several seeds is better than their mean by choice alone (Tippett 1925): {named(best)}."


def _of_conditions(whole: Whole, records: Records) -> Iterator[str]:
    conditions = conditions_of(whole.comparison.runs)
    if conditions.are_same is False and conditions.num_runs > 1:
        yield f"Times and memory are not to be held against each other: {'; '.join(conditions.differences)}."
    if len(records.environments) > 1:
        yield (
            f"Runs were trained in {len(records.environments)} environments; figures of the same config and seed "
            "differ between them in their last digits."
        )
