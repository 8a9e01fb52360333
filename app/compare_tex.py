"""The tables of a comparison for a paper: figures of each group, and the verdicts."""

from collections.abc import Sequence

from app import latex
from app.compare_columns import AnyColumn, ConfigColumn
from app.compare_table import BEST_EPOCH, COLUMNS, Column, three_digits
from app.compare_whole import Whole
from app.formatting import dataset_title
from app.latex import escaped
from app.verdict_words import interval_words, p_words, points, seeds_words
from core.comparison import Group
from core.costs import CostRange
from core.run_state import RunState
from core.spreads import Spread
from core.verdicts import Verdict

NONE = "--"
VERDICTS_CAPTION = (
    "Difference in test accuracy from %s on %s, in percentage points, with seeds and test images both as chance "
    "(crossed random effects, Satterthwaite's degrees of freedom). $p$ is corrected for several groups (Holm) and for "
    "looks, and held against 0.05; an interval has the level that $p$ was held against, and leaves zero out where "
    "there is a winner."
)
OF_SEEDS = (
    "Mean over the seeds $\\pm$ its 95\\,\\% interval (Student's $t$ over seeds, the test images taken as given)."
)
OF_IMAGES = "$^{*}$~One seed: seed noise is unknown; its test images alone give %s (Wilson, 95\\,\\%%%s)."
TABLE_COLUMNS = tuple(COLUMNS[key] for key in ("n", "num_parameters", "last_test_accuracy", "seconds_per_epoch"))
WORDS = {"better": "better", "worse": "worse", "undecided": "cannot tell yet", "waiting": "waits for runs",
         "too few seeds": "too few seeds", "other images": "other images"}  # fmt: skip


def table_tex(whole: Whole, groups: Sequence[Group], source: str, columns: Sequence[AnyColumn] = TABLE_COLUMNS) -> str:
    """The figures, and fields of the config: a row for each group."""
    head = ["Network", *(escaped(_title(column)) for column in columns)]
    rows = [[escaped(group.label), *(_cell(whole, group, column) for column in columns)] for group in groups]
    caption = f"{_what(whole)}{_reading(whole, groups, columns)}"
    kinds = "".join("l" if column.is_field else "r" for column in columns)
    return latex.table("l" + kinds, head, rows, caption=caption, label="tab:comparison", source=source)


def verdicts_tex(whole: Whole, source: str) -> str:
    """Each group against the baseline."""
    head = ["Network", "Difference (pp)", "Interval", "Level (\\%)", "$p$", "Seeds", "Verdict"]
    rows = [_verdict_row(told.verdict) for told in whole.verdicts.told]
    caption = VERDICTS_CAPTION % (escaped(whole.baseline.label), escaped(_datasets(whole)))
    return latex.table("lrrrrll", head, rows, caption=caption, label="tab:verdicts", source=source)


def _verdict_row(verdict: Verdict) -> list[str]:
    name, words, judged = escaped(verdict.side.group.label), WORDS[verdict.outcome], verdict.judged
    if judged is None:
        return [name, NONE, NONE, NONE, NONE, escaped(seeds_words(verdict)), words]
    interval = interval_words(judged.interval).replace("−", "-")
    p = p_words(judged.share.p).removeprefix("p ").removeprefix("= ")
    return [
        name, f"${points(judged.difference.both.value).replace('−', '-')}$", f"${interval}$",
        f"${100 * (1 - judged.share.part):.4g}$", f"${p}$", escaped(seeds_words(verdict)), words,
    ]  # fmt: skip


def _cell(whole: Whole, group: Group, column: AnyColumn) -> str:
    """ "$98.89 \\pm 0.12$" of several seeds; a cost's median with its range; one seed's accuracy with a mark."""
    if isinstance(column, ConfigColumn):
        return escaped(column.told(group))
    told = column.of_group(group)
    if told is None:
        return NONE
    low, high = column.part(told.low), column.part(told.high)
    if column is BEST_EPOCH:
        return escaped(low if low == high else f"{low}–{high}")
    words = column.part(getattr(told, column.middle))
    middle = latex.number(words)
    if low == high:
        is_alone = column.key == "last_test_accuracy" and whole.images_only(group)
        return f"{middle[:-1]}^{{*}}$" if is_alone else middle
    if isinstance(told, CostRange):
        return f"{middle} ({escaped(low)}--{escaped(high)})"
    return f"{middle[:-1]} \\pm {_reach(column, words, told.reach)}$" if told.reach is not None else middle


def _reach(column: Column, middle: str, reach: float) -> str:
    """To the last decimal of what it is the reach of."""
    return f"{reach:.{len(middle.partition('.')[2])}f}" if column.words is three_digits else column.part(reach)


def _title(column: AnyColumn) -> str:
    if column is BEST_EPOCH or isinstance(column, ConfigColumn):
        return column.heading.removeprefix("at the ") if column is BEST_EPOCH else column.title
    where = {"last": " at the last epoch", "best": " at the best epoch"}.get(column.when or "", "")
    return f"{column.title}{where}{' (%)' if column.key.endswith('accuracy') else ''}"


def _what(whole: Whole) -> str:
    told = sorted({len(group.seeds) for group in whole.comparison.groups})
    seeds = f"{told[0]}" if len(told) == 1 else f"{told[0]} to {told[-1]}"
    number = len(whole.comparison.groups)
    groups = "One group of runs" if number == 1 else f"{number} groups of runs"
    each = "" if number == 1 else " each"
    return escaped(f"{groups} on {_datasets(whole)}, {seeds} {'seed' if told[-1] == 1 else 'seeds'}{each}.")


def _datasets(whole: Whole) -> str:
    return " and ".join(dict.fromkeys(dataset_title(group.run.dataset) for group in whole.comparison.groups))


def _reading(whole: Whole, groups: Sequence[Group], shown: Sequence[AnyColumn]) -> str:
    """What each kind of figure in the table means, as far as it occurs."""
    columns = [column for column in shown if not isinstance(column, ConfigColumn)]
    spreads = [column.of_group(group) for group in groups for column in columns if column.when]
    intervals = [interval for group in groups if (interval := whole.images_only(group))]
    shows = {column.key for column in columns}
    told = []
    unlike = sum(seed.run.state is not RunState.COMPLETED for group in groups for seed in group.seeds)
    if unlike:
        runs = "run has" if unlike == 1 else "runs have"
        told.append(f"{unlike} {runs} not completed: counted among the seeds, what epochs there are in the means.")
    if any(isinstance(one, Spread) and one.n > 1 and one.deviation for one in spreads):
        told.append(OF_SEEDS)
    if any(column.middle == "median" for column in columns):
        told.append("Costs are medians over all runs, with lowest and highest.")
    if intervals and "last_test_accuracy" in shows:
        given = ", ".join(f"{{[}}{points(low)}, {points(high)}{{]}}" for low, high in intervals)
        told.append(OF_IMAGES % (given, ", from the top" if len(intervals) > 1 else ""))
    if any(column.when == "best" for column in columns) and any(group.best_by == "test" for group in groups):
        told.append("The best epoch was chosen by the test images that judge it, and is too good.")
    return " ".join(["", *told])
