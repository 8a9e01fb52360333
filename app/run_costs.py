"""What a run cost and under which conditions, for its page: each figure in words, with what it means."""

from dataclasses import dataclass
from typing import Any

from app.formatting import NOTHING, count, duration, number, size
from core.conditions import is_stacked
from core.tables import Run

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class CostRow:
    title: str
    words: str
    meaning: str


def costs_of(run: Run) -> dict[str, Any]:  # what the template names
    return {
        "costs": cost_rows(run), "conditions": conditions_words(run), "machine": machine_words(run),
        "environment": run.environment or {},
    }  # fmt: skip


def cost_rows(run: Run) -> list[CostRow]:
    """Figures that an older version did not measure say so."""
    is_gpu = (run.environment or {}).get("device") == "cuda"
    batch = f"{run.batch_images} images" if run.batch_images else "a batch"
    return [
        CostRow("an epoch", _known(duration(run.seconds_per_epoch)), _phases(run)),
        CostRow("images/s", _known(count(run.images_per_second)), "trained images over the seconds of training only"),
        CostRow("memory of the run", _known(size(run.run_memory_bytes)), _memory(is_gpu) + _of_stack(run)),
        CostRow("memory of the trainer", _known(size(run.peak_memory_bytes)), _whole_memory(is_gpu)),
        CostRow("parameters", count(run.num_parameters), "numbers that training changes"),
        CostRow("multiply-adds", count(run.num_multiply_adds), "of one image on its way through the network"),
        CostRow("checkpoint", _known(size(run.checkpoint_bytes)), "weights, optimizer and history on the disk"),
        CostRow("answer, one image", latency(run.single_image_seconds), "once trained; the median of many, one by one"),
        CostRow(f"answer, {batch}", latency(run.batch_seconds), "the same of so many at once"),
        CostRow("busy beside it", _cores(run.cores_busy_beside), _OTHERS),
    ]  # fmt: skip


def conditions_words(run: Run) -> str:
    """Whether anything else of ours ran at the same time."""
    stack = run.stack_size or 1
    if run.most_runs_beside is None:
        return "Whether anything was trained or exported beside it was not recorded."
    beside = []
    if stack > 1:
        beside.append(f"it was trained in one stack with {_runs(stack - 1)}")
    elif run.most_runs_beside:
        beside.append(f"at most {_runs(run.most_runs_beside)} {'was' if run.most_runs_beside == 1 else 'were'} trained")
    if run.export_beside:
        beside.append("files of completed runs were made")
    if not beside:
        return "Alone: no worker trained or exported another run at the same time."
    return f"Not alone: at the same time {' and '.join(beside)}. That takes time from it."


def machine_words(run: Run) -> str | None:
    """What it was measured on; None before the first attempt."""
    known = run.environment
    if not known:
        return None
    threads = known.get("threads")
    told = [known.get("device_name") or known.get("device"), f"torch {known.get('torch_version', NOTHING)}"]
    told += [f"{threads} {'thread' if threads == 1 else 'threads'}"] if threads else []
    return ", ".join(filter(None, told))


def latency(seconds: float | None) -> str:
    """0.000187 is "0.187 ms"."""
    return NOT_MEASURED if seconds is None else f"{number(1000 * seconds, 3)} ms"


_OTHERS = "CPU cores of the machine that did anything else, on average: the server, other runs, other programs"


def _phases(run: Run) -> str:
    if run.train_seconds_per_epoch is None:
        return "training, evaluation and checkpoint"
    phases = {
        "training": run.train_seconds_per_epoch,
        "evaluation": run.evaluation_seconds_per_epoch,
        "checkpoint": run.checkpoint_seconds_per_epoch,
    }
    return f"on average: {', '.join(f'{name} {duration(seconds)}' for name, seconds in phases.items())}"


def _memory(is_gpu: bool) -> str:
    return "the allocator's peak" if is_gpu else "what it added at its peak to the warm trainer"


def _of_stack(run: Run) -> str:
    return f"; of all {run.stack_size} runs of its stack" if is_stacked(run) else ""


def _whole_memory(is_gpu: bool) -> str:
    return "the allocator's peak" if is_gpu else "with torch, which every run has in it"


def _cores(cores: float | None) -> str:
    return NOT_MEASURED if cores is None else f"{cores:.2f} {'core' if f'{cores:.2f}' == '1.00' else 'cores'}"


def _runs(number: int) -> str:
    return f"{number} other {'run' if number == 1 else 'runs'}"


def _known(words: str) -> str:
    return NOT_MEASURED if words == NOTHING else words
