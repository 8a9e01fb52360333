"""The tables of a comparison for a spreadsheet: a line for each group, each verdict, or each epoch of each run."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping

from app.compare_table import COLUMNS
from app.compare_verdicts import Told
from app.compare_whole import Whole
from core.comparison import Comparison, Group
from core.conditions import conditions_of
from core.costs import COSTS, CostRange
from core.seeds import MEASURES
from core.spreads import Interval, Spread

Row = Mapping[str, object]
CURVE_COLUMNS = ("group", "label", "run", "seed", "epoch", *MEASURES, "seconds")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet computes what begins so (OWASP, CSV injection)


def table_csv(whole: Whole | None) -> str:
    """Figures as mean, 95 % interval of the mean, n, lowest and highest seed; costs over all runs with their median;
    the verdict against the baseline."""
    if whole is None:
        return _csv((), ())
    same = {"conditions_are_same": conditions_of(whole.comparison.runs).are_same}
    rows = [{**_group_row(whole, group), **same, **_verdict_columns(whole, group)} for group in whole.comparison.groups]
    return _csv(rows[0], rows)


def verdicts_csv(whole: Whole | None) -> str:
    """Every method of every verdict."""
    rows = [_verdict_row(told) for told in whole.verdicts.told] if whole else []
    return _csv(dict.fromkeys(name for row in rows for name in row), rows)


def curves_csv(comparison: Comparison) -> str:
    return _csv(CURVE_COLUMNS, _curve_rows(comparison))


def _group_row(whole: Whole, group: Group) -> dict[str, object]:
    row: dict[str, object] = {"group": group.config_hash, "label": _text(group.label), "best_by": group.best_by}
    row |= {"n": len(group.seeds), "parameters": group.run.num_parameters, "multiply_adds": group.run.num_multiply_adds}
    for key, column in COLUMNS.items():
        if key not in ("n", "num_parameters", "num_multiply_adds", *COSTS):
            images = whole.images_only(group) if key == "last_test_accuracy" else None
            row |= _spread(key, column.of_group(group), images)
    for cost in COSTS:
        row |= _cost(cost, group.cost(cost))
    return row


def _spread(key: str, told: Spread | CostRange | None, images: Interval | None) -> dict[str, object]:
    """`images`: in place of a single seed's interval that of its test images alone."""
    interval = images or (told.interval if isinstance(told, Spread) else None)
    low, high = interval or (None, None)
    return {f"{key}_mean": told and told.mean, f"{key}_interval_low": low, f"{key}_interval_high": high} | _range(
        key, told
    )


def _cost(key: str, told: CostRange | None) -> dict[str, object]:
    return {f"{key}_mean": told and told.mean, f"{key}_median": told and told.median} | _range(key, told)


def _range(key: str, told: Spread | CostRange | None) -> dict[str, object]:
    return {f"{key}_n": told.n if told else 0, f"{key}_min": told and told.low, f"{key}_max": told and told.high}


def _verdict_columns(whole: Whole, group: Group) -> dict[str, object]:
    told = whole.verdict_on(group)
    row = _verdict_row(told) if told else {}
    names = ("difference", "low", "high", "level", "p", "look")
    return (
        {"baseline": whole.baseline.config_hash, "verdict": row.get("outcome", "baseline")}
        | {f"verdict_{name}": row.get(name) for name in names}
        | {"verdict_sentence": row.get("sentence")}
    )  # fmt: skip


def _verdict_row(told: Told) -> dict[str, object]:
    verdict, judged = told.verdict, told.verdict.judged
    row: dict[str, object] = {
        "group": told.group.config_hash, "label": _text(told.group.label),
        "baseline": verdict.baseline.group.config_hash, "baseline_label": _text(verdict.baseline.group.label),
        "outcome": verdict.outcome, "difference": judged and judged.difference.both.value,
        "low": judged and judged.interval.low, "high": judged and judged.interval.high,
        "level": judged and 1 - judged.share.part, "p": judged and judged.share.p, "look": verdict.look,
        "seeds": len(verdict.side.accuracies), "baseline_seeds": len(verdict.baseline.accuracies),
        "more_seeds": verdict.more, "sentence": _text(told.sentence),
    }  # fmt: skip
    for method in told.methods:
        name, interval = method.name.replace(" ", "_"), method.estimate.interval() if method.estimate else (None, None)
        row |= {f"{name}_method": method.means, f"{name}_p": method.p}
        row |= {f"{name}_low": interval[0], f"{name}_high": interval[1]} if method.estimate else {}
    return row


def _curve_rows(comparison: Comparison) -> Iterator[Row]:
    for group in comparison.groups:
        for seed in group.seeds:
            own = {"group": group.config_hash, "label": _text(group.label), "run": seed.run.id, "seed": seed.run.seed}
            for point in seed.points:
                yield own | point._asdict()


def _text(words: str) -> str:
    return f"'{words}" if words.startswith(FORMULA) else words


def _csv(columns: Iterable[str], rows: Iterable[Row]) -> str:
    lines = io.StringIO()
    table = csv.DictWriter(lines, fieldnames=list(columns), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return lines.getvalue()
