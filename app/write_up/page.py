"""The write-up as one HTML text: all that its template names, its styles within it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version

from markupsafe import Markup
from sqlmodel import Session

from app.compare_axes import axis_of
from app.compare_columns import columns_of, in_order
from app.compare_costs import conditions_words, cost_sheet
from app.compare_effects import accuracy_intervals
from app.compare_literature import reference_lines, sources_of
from app.compare_looks import looks_of
from app.compare_sheets import config_sheet
from app.compare_table import MEASURES
from app.compare_view import CompareView
from app.compare_whole import Whole
from app.effect_words import effect_notes, factor_title, heat_notes, shade_words
from app.templating import STATIC_FOLDER, rendered
from app.tradeoff_charts import PRICE_WORDS
from app.write_up.cautions import cautions
from app.write_up.curves import pictures
from app.write_up.effect_plots import effect_plots
from app.write_up.methods import methods
from app.write_up.phrases import counted
from app.write_up.records import Records, read_records
from app.write_up.references import cited
from app.write_up.shown import shown_of
from app.write_up.strips import Forest, forest, forest_ends, results
from app.write_up.tradeoff_plots import tradeoff_plots
from core.architectures.labels import layer_label
from core.architectures.layers import LAYERS
from core.comparison import Group
from core.conditions import conditions_of
from core.experiments import experiment_by_id
from core.marks import num_images
from core.settings import Settings
from core.tables import Experiment, Run


@dataclass(frozen=True)
class RunLine:
    """Of the list of runs."""

    run: Run
    group: Group
    weights: str | None  # SHA-256
    environment: int | None


def write_up(session: Session, settings: Settings, view: CompareView, whole: Whole, address: str) -> str:
    """`address`: of the page, without the host."""
    comparison, groups = whole.comparison, in_order(whole.comparison.groups, view)
    records, shown = read_records(session, settings, comparison.runs), shown_of(whole, view)
    experiment = _experiment(session, view)
    paragraphs, warnings = methods(whole, records, shown), cautions(whole, records)
    lines = reference_lines(whole.literature, view)
    conditions = conditions_of(comparison.runs)
    looks = looks_of(comparison.groups)
    num_train = {run.dataset: num_images(run.dataset, "train", settings) for run in comparison.runs}
    axis = axis_of(comparison, view.x, num_train, of_seeds=view.lines == "seeds")
    intervals = accuracy_intervals(comparison.groups, whole.verdicts.sizes)
    text = rendered(
        "write_up/page.html",
        title=experiment.name if experiment else f"Comparison of {counted(len(groups), 'config')}",
        notes=experiment.notes if experiment else "", address=address, version=version("trainyard"),
        made_at=datetime.now(UTC), styles=_styles(), num_open=sum(group.num_open for group in groups),
        whole=whole, groups=groups, looks=looks, records=records, results=results(whole), reference_lines=lines,
        axis=axis, pictures=pictures(comparison, view, looks, axis, lines), view=view,
        columns=columns_of(comparison.groups, view), forests=_forests(whole), forest_ends=forest_ends(whole),
        paragraphs=paragraphs, warnings=warnings, literature_sources=sources_of(whole.literature),
        shown=shown, effect_plots=effect_plots(shown.effects) if shown.effects else [],
        tradeoff_plots=tradeoff_plots(shown.fronts, comparison.groups, intervals, looks), prices=PRICE_WORDS,
        effect_notes=effect_notes, factor_title=factor_title, heat_notes=heat_notes, shade_words=shade_words,
        measures=MEASURES, conditions=conditions, conditions_words=conditions_words(conditions),
        cost_lines=cost_sheet(groups), differing=config_sheet(groups, only_differing=True), shared=_shared(groups),
        networks=_networks(groups), run_lines=list(_run_lines(groups, records)),
        references=cited([*(told.text for told in paragraphs), *warnings]),
    )  # fmt: skip
    return text.replace(" %", "\u00a0%")  # a figure stays with its sign at the end of a line


def _experiment(session: Session, view: CompareView) -> Experiment | None:
    """The one that is compared, where nothing else is."""
    chosen = view.choice
    is_one = len(chosen.experiments) == 1 and not (chosen.runs or chosen.groups)
    return experiment_by_id(session, chosen.experiments[0]) if is_one else None


def _forests(whole: Whole) -> dict[str, Forest]:
    """By config hash, of what was judged."""
    return {
        told.group.config_hash: forest(whole, judged.interval, judged.difference.both.value)
        for told in whole.verdicts.told
        if (judged := told.verdict.judged)
    }


def _shared(groups: list[Group]) -> list[tuple[str, str]]:
    """The fields that are the same in all, in words."""
    rows = config_sheet(groups, only_differing=False)
    return [(row.title, row.words[0]) for row in rows if len(set(row.words)) == 1]


def _networks(groups: list[Group]) -> list[tuple[list[Group], str]]:
    """The layers in words, and the groups that have them."""
    told: dict[str, list[Group]] = {}
    for group in groups:
        layers = " → ".join(layer_label(layer) for layer in LAYERS.validate_python(group.run.layers))
        told.setdefault(layers, []).append(group)
    return [(own, layers) for layers, own in told.items()]


def _run_lines(groups: list[Group], records: Records) -> Iterator[RunLine]:
    for group in groups:
        for run in group.runs:
            key = run.id or 0
            yield RunLine(run, group, records.weights.get(key), records.environment_of.get(key))


@cache
def _styles() -> Markup:
    """Our own files, which hold no end tag."""
    text = "".join((STATIC_FOLDER / name).read_text() for name in ("tokens.css", "write_up.css"))
    assert "</" not in text
    return Markup(text)
