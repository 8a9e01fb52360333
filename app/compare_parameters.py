"""What the Compare page says of parameters and of the price of accuracy, by the names that its partials use."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.compare_effects import MOST_ROWS, accuracy_intervals, fronts_of, gain_of_highest, tell_effects
from app.compare_looks import GroupLook
from app.compare_view import CompareView
from app.effect_charts import effect_panels
from app.effect_words import OUTCOME_WORDS, effect_notes, factor_title, heat_notes, shade_words
from app.parallel_chart import parallel_panel
from app.tradeoff_charts import PRICE_WORDS, tradeoff_panels
from core.comparison import Comparison, Group
from core.pareto import PRICES
from core.run_state import RunState

MOST_LINKED = 300  # groups in one address, which the server reads to 8,000 characters of each name


def runs_link(groups: Sequence[Group]) -> str:
    """The query that shows the seeds of these groups, each with its run."""
    hashes = ",".join(group.config_hash[:16] for group in groups)
    return f"?groups={hashes}&lines=seeds" if len(groups) <= MOST_LINKED else ""


def parameters_of(
    comparison: Comparison, view: CompareView, baseline: Group, sizes: Mapping[str, int | None],
    looks: Mapping[str, GroupLook],
) -> dict[str, Any]:  # fmt: skip
    """For partials/compare/effects.html and tradeoffs.html; `sizes`: test images, by dataset. Any: what the templates
    name."""
    shown = tell_effects(comparison, view, baseline)
    fronts, same = fronts_of(comparison)
    intervals = accuracy_intervals(comparison.groups, sizes)
    has_results = shown is not None and shown.has_results
    return {
        "effects": shown, "effect_outcomes": [(key, words.title) for key, words in OUTCOME_WORDS.items()],
        "effect_panels": effect_panels(shown, runs_link) if shown and has_results else [],
        "parallel": parallel_panel(shown, looks, runs_link) if shown and has_results else None,
        "num_unlike": sum(run.state in (RunState.FAILED, RunState.CANCELLED) for run in comparison.runs),
        "effect_notes": effect_notes, "factor_title": factor_title, "heat_notes": heat_notes,
        "shade_words": shade_words, "runs_link": runs_link, "most_rows": MOST_ROWS,
        "fronts": fronts, "prices": PRICE_WORDS, "accuracy_intervals": intervals,
        "same_prices": [PRICE_WORDS[price].title.lower() for price in PRICES if price in same],
        "gain_of_highest": gain_of_highest(comparison.groups, sizes.get(baseline.run.dataset)) if fronts else None,
        "tradeoff_panels": tradeoff_panels(fronts, comparison.groups, intervals, looks, runs_link),
    }  # fmt: skip
