"""The methods section: sentences out of what was done. Other data, other sentences."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.compare_whole import Whole
from app.formatting import architecture_title, count
from app.write_up.methods_parameters import beside_published, effects, prices
from app.write_up.methods_statistics import intervals, literature, looks, verdicts
from app.write_up.phrases import counted, listed, named, seeds
from app.write_up.records import Images, Records
from app.write_up.shown import Shown
from core.comparison import Group
from core.conditions import is_stacked
from core.experiment_words import value_words
from core.run_state import RunState

OPTIMIZERS = {"sgd": "stochastic gradient descent", "adam": "Adam", "adamw": "AdamW"}


@dataclass(frozen=True)
class Paragraph:
    title: str
    text: str


def methods(whole: Whole, records: Records, shown: Shown) -> list[Paragraph]:
    """In the order in which a paper tells it; what was not done has no paragraph."""
    groups = whole.comparison.groups
    told = [
        ("Data", " ".join(map(_data, records.images)) + _split(groups)),
        ("Networks", _networks(groups)),
        ("Training", _training(groups)),
        ("Seeds", _seeds(whole)),
        ("Which epoch counts", _selection(groups)),
        ("Intervals", intervals(whole)),
        ("Verdicts", verdicts(whole)),
        ("Several groups, several looks", looks(whole)),
        ("Effects of parameters", effects(shown)),
        ("Against the literature", literature(whole)),
        ("Beside the course report", beside_published(shown)),
        ("What accuracy costs", prices(shown)),
        ("Cost", _cost(whole)),
    ]
    return [Paragraph(title, text) for title, text in told if text]


def _data(images: Images) -> str:
    known, manifest = images.known, images.manifest
    if manifest is None:
        sizes = f": {count(known.num_train)} train and {count(known.num_test)} test images" if known else ""
        return f"{images.title}{sizes}; its images no longer lie here, so their hashes are not known. "
    channels, height, width = manifest.image_shape
    told = (
        f"{images.title} has {manifest.num_train:,} train and {manifest.num_test:,} test images of {width}×{height} "
        f"pixels in {counted(channels, 'channel')} and {len(manifest.classes)} classes. Values were scaled to [0, "
        f"1], less {manifest.mean:.4g}, over {manifest.std:.4g}. "
    )
    source = f"Source: {known.source}; licence: {known.licence}. " if known else ""
    return f"{told}{source}The SHA-256 of its arrays, as they lie here, stand under Environment and data. "


def _split(groups: Sequence[Group]) -> str:
    held_out = {group.run.config.get("validation", "none") for group in groups}
    if held_out == {"none"}:
        return (
            "No images were held out for validation. The test images were evaluated after every epoch and decided "
            "nothing: neither when to stop nor which weights to keep."
        )
    sizes = [str(size) if size == "none" else f"{size:,}" for size in sorted(held_out, key=str)]
    return (
        f"Of the train images {listed(sizes, 'or')} were held out for validation, chosen by the run's seed. The test "
        "images were evaluated after every epoch and decided nothing."
    )


def _networks(groups: Sequence[Group]) -> str:
    names = dict.fromkeys(architecture_title(group.run.architecture) for group in groups)
    if len(names) == 1 and len({group.run.num_parameters for group in groups}) == 1:
        return f"One network was trained: {next(iter(names))}, {_size(groups[0])}."
    sizes = [f"{group.label} ({_size(group)})" for group in groups]
    return f"{counted(len(groups), 'config')} were trained: {named(sizes)}."


def _size(group: Group) -> str:
    return f"{group.run.num_parameters:,} parameters, {group.run.num_multiply_adds:,} multiply-adds an image"


def _training(groups: Sequence[Group]) -> str:
    """Where groups differ, the values are joined by "or", and the table of configs has them apart."""

    def said(path: str) -> str:
        values = dict.fromkeys(value_words(group.fields[path]) for group in groups if path in group.fields)
        return listed(list(values), "or")

    def is_used(path: str) -> bool:
        return any(group.fields.get(path) not in (None, 0, 0.0, False, "none") for group in groups)

    optimizers = dict.fromkeys(str(group.fields["optimizer"]) for group in groups)
    nesterov = " (Nesterov's)" if is_used("nesterov") else ""
    told = [
        f"Cross-entropy was minimised for {said('epochs')} {'epoch' if said('epochs') == '1' else 'epochs'}",
        f"in batches of {said('batch_size')}",
        f"by {listed([OPTIMIZERS.get(name, name) for name in optimizers], 'or')}",
        f"with learning rate {said('learning_rate')}",
    ]
    how = [
        f", momentum {said('momentum')}{nesterov}" if is_used("momentum") else "",
        f", weight decay {said('weight_decay')}" if is_used("weight_decay") else ", no weight decay",
        f", label smoothing {said('label_smoothing')}" if is_used("label_smoothing") else "",
    ]
    return f"{' '.join(told)}{''.join(how)}. {' '.join(_further(groups, said, is_used))}"


def _further(groups: Sequence[Group], said: Callable[[str], str], is_used: Callable[[str], bool]) -> Iterator[str]:
    schedule = said("schedule")
    yield "The learning rate stayed constant." if schedule == "constant" else f"Learning-rate schedule: {schedule}."
    yield f"Augmentation: {said('augmentation')}." if is_used("augmentation") else "Images were not augmented."
    yield f"Precision: {said('precision')}."
    if is_used("early_stopping_patience"):
        yield f"Training stopped after {said('early_stopping_patience')} epochs without a better validation accuracy."
    if any(group.fields.get("source") != "scratch" for group in groups):
        yield f"Not all began from fresh weights: {said('source')}."
    if _differ(groups):
        yield "Where several values stand, the table of configs says whose is whose."


def _differ(groups: Sequence[Group]) -> bool:
    """In another field than the network's."""
    paths = {path for group in groups for path in group.fields if not path.startswith("architecture")}
    return any(len({str(group.fields.get(path)) for group in groups}) > 1 for path in paths)


def _seeds(whole: Whole) -> str:
    groups = whole.comparison.groups
    sets = [frozenset(seed.run.seed for seed in group.seeds) for group in groups]
    if len(set(sets)) == 1:
        own = (
            f"Every config was trained with {seeds(sets[0])}"
            if len(groups) > 1
            else f"It was trained with {seeds(sets[0])}"
        )
        told = f"{own}{', the same for all' if len(groups) > 1 else ''}."
    else:
        parts = [f"{group.label} with {seeds(own)}" for group, own in zip(groups, sets, strict=True)]
        told = f"The configs have other seeds: {named(parts)}."
    states = {state: sum(run.state is state for run in whole.comparison.runs) for state in RunState}
    ended = listed([f"{number:,} {state.value}" for state, number in states.items() if number])
    again = len(whole.comparison.runs) - sum(group.num_seeds for group in groups)
    repeated = f" {counted(again, 'run')} repeat a config and seed: that tells of costs alone." if again else ""
    return (
        f"{told} A seed decides the initial weights, the order of the images, augmentation, dropout and which images "
        f"are held out; all random numbers are drawn from it. Of {counted(len(whole.comparison.runs), 'run')}: "
        f"{ended}.{repeated}"
    )


def _selection(groups: Sequence[Group]) -> str:
    ways = {str(group.run.config.get("selection", "last")) for group in groups}
    last = "A run's figure is that of its last epoch, whose weights were kept."
    best = "A run's figure is that of the epoch with the best validation accuracy, whose weights were kept."
    if ways == {"last"}:
        return last
    if ways == {"best_val"}:
        return best
    of = [group.label for group in groups if group.run.config.get("selection") == "best_val"]
    return f"{last} For {named(of)} it is that of the epoch with the best validation accuracy."


def _cost(whole: Whole) -> str:
    runs = [run for run in whole.comparison.runs if run.epochs_done]
    if not runs:
        return ""
    stacked = sum(is_stacked(run) for run in runs)
    told = f" {stacked} of {len(runs)} were trained in a stack with others." if stacked else ""
    benchmarks = sum(run.repeat is not None for run in runs)
    alone = (
        f" {counted(benchmarks, 'run')} were launched as a benchmark: alone, each config in turn." if benchmarks else ""
    )
    return f"Costs are medians over all runs, with the lowest and the highest.{alone}{told}"
