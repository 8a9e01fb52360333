"""What stands side by side below the curves of a comparison: the configs, and the report's figures beside ours."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from app.compare_table import without_unit
from app.formatting import NOTHING, architecture_title, dataset_title, percent, points, signed
from app.formatting import number as figure_words
from core.architectures.catalogue import FAMILIES
from core.comparison import Group
from core.config_differences import NETWORK, differing, labels_of_networks
from core.experiment_words import path_words, value_words
from core.report import report_config
from core.seeds import Measure
from core.spreads import Spread


@dataclass(frozen=True)
class ConfigRow:
    """A field in the words of each group, in their order; a dash where it means nothing to a group."""

    title: str
    words: list[str]


@dataclass(frozen=True)
class ReportCell:
    """One epoch of one group: what the report published, and the spread over our seeds as far as they are."""

    published: float | None
    ours: Spread | None
    is_accuracy: bool

    def words(self, value: float) -> str:
        return percent(value) if self.is_accuracy else figure_words(value)

    def part(self, value: float) -> str:
        return without_unit(value) if self.is_accuracy else figure_words(value)

    @property
    def difference(self) -> str:
        if self.ours is None or self.published is None:
            return NOTHING
        value = self.ours.mean - self.published
        return points(value) if self.is_accuracy else signed(value)


def network_names(groups: Sequence[Group]) -> list[tuple[str, str, str]]:
    """Of each network its title, what it is, where we say so, and what all its groups share, which labels leave out."""
    return [
        (
            title := architecture_title(name),
            FAMILIES[name].summary if name in FAMILIES else "",
            label.removeprefix(title).removeprefix(", "),
        )
        for name, label in labels_of_networks([group.fields for group in groups]).items()
    ]


def config_sheet(groups: Sequence[Group], *, only_differing: bool) -> list[ConfigRow]:
    """Field by field; identical rows hidden where `only_differing`."""
    configs = [group.fields for group in groups]
    paths = differing(configs) if only_differing else list(dict.fromkeys(path for fields in configs for path in fields))
    devices = [_device(group) for group in groups]
    rows = [ConfigRow(path_words(path), [field_words(fields, path) for fields in configs]) for path in paths]
    differs = len(set(devices) - {NOTHING}) > 1  # one that is not trained yet is no difference
    return [*rows, ConfigRow("trained on", devices)] if differs or not only_differing else rows


def report_sheet(groups: Sequence[Group], measure: Measure) -> list[tuple[int, list[ReportCell]]]:
    """(epoch, a cell for each group) for every epoch that the report published."""
    ours = {group.config_hash: dict(group.curve(measure)) for group in groups}
    published = {
        group.config_hash: {epoch.epoch: getattr(epoch, measure) for epoch in group.published.epochs}
        for group in groups
        if group.published
    }
    epochs = sorted({epoch for figures in published.values() for epoch in figures})
    is_accuracy = measure.endswith("accuracy")
    return [
        (
            epoch,
            [
                ReportCell(
                    published[group.config_hash].get(epoch), ours[group.config_hash].get(epoch), is_accuracy
                )
                for group in groups
            ],
        )
        for epoch in epochs
    ]  # fmt: skip


def unlike_the_report(groups: Sequence[Group]) -> list[str]:
    """What differs from the report in the config of any of the groups: "dataset Digits, not MNIST"."""
    expected = report_config()
    told = []
    for field in dict.fromkeys(field for group in groups for field in group.differs_from_report):
        ours = dict.fromkeys(field_words(group.fields, field) for group in groups if field in group.differs_from_report)
        told.append(f"{path_words(field)} {' or '.join(ours)}, not {field_words(expected, field)}")
    return told


def _device(group: Group) -> str:
    """The machines it was trained on; speeds on different ones cannot be compared."""
    environments = [seed.run.environment for seed in group.seeds if seed.run.environment]
    names = {str(known.get("device_name") or known.get("device") or "unknown") for known in environments}
    return " and ".join(sorted(names)) or NOTHING


def field_words(fields: dict[str, JsonValue], path: str) -> str:
    if path not in fields:
        return NOTHING
    value = fields[path]
    if path == NETWORK:
        return architecture_title(str(value))
    return dataset_title(str(value)) if path == "dataset" else value_words(value)
