"""The importing process: one dataset, from the files of somebody else to arrays in a folder of its own, within limits.

Says what it does on standard output, one JSON object a line: {"say"}, at the end {"done"} or {"refused"}. Whatever it
leaves without a last word is removed by who started it.
"""

import json
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from core.dataset_store import MaterialisedDataset
from core.dataset_writer import write
from core.import_wishes import ImportWishes
from worker.data import mean_and_std
from worker.imports.canvas import MAX_BYTES, Images
from worker.imports.reading import read_import
from worker.imports.refusals import ImportRefused
from worker.messages import Message, send
from worker.parent import die_with_parent
from worker.priority import yield_to_others

MEMORY_BYTES = 4 * 2**30  # address space: the images, a photo as it is decoded, a list of names
NICENESS = 5  # a third of what a trainer gets: somebody waits for it, and at 19 it would take an hour for a minute
CPU_SECONDS = 3_600  # a million photos; a loop ends there
SAY_SECONDS = 0.4


def main(command: str) -> int:
    """`command`: JSON with wishes, path, staging folder, source in words, and the bytes that must stay free."""
    die_with_parent()
    yield_to_others(NICENESS)
    _limit_ourselves()
    asked: dict[str, Any] = json.loads(command)  # of the supervisor's making
    wishes, staging = ImportWishes.model_validate(asked["wishes"]), Path(asked["staging"])
    shutil.rmtree(staging, ignore_errors=True)  # left by an attempt that was killed
    try:
        images = read_import(Path(asked["path"]), wishes, Throttled())
        send(1, {"say": "storing", "fraction": None})
        _refuse_a_full_disk(staging, images, asked["keep_free_bytes"])
        send(1, {"done": _done(_stored(images, wishes, staging, asked["source"]), images)})
    except ImportRefused as refusal:
        send(1, _refused(refusal))
    except MemoryError:
        reason = f"Reading it takes more memory than an import may ({MEMORY_BYTES // 2**30} GiB)."
        send(1, _refused(ImportRefused(reason, "Choose a smaller size, or import fewer images.")))
    except OSError as error:
        reason = f"A file could not be read or written: {error.strerror or error}."
        send(1, _refused(ImportRefused(reason, "Look at the disk and the data folder, then import again.")))
    return 0


class Throttled:
    """Says something at most so often."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, what: str, fraction: float | None) -> None:
        if time.monotonic() - self._last >= SAY_SECONDS:
            self._last = time.monotonic()
            send(1, {"say": what, "fraction": fraction})


def _limit_ourselves() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MAX_BYTES, 2 * MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _refuse_a_full_disk(staging: Path, images: Images, keep_free_bytes: int) -> None:
    num_bytes = sum(array.nbytes for array in vars(images.arrays).values())
    staging.mkdir(parents=True)
    free = shutil.disk_usage(staging).free
    if free - num_bytes < keep_free_bytes:
        raise ImportRefused(
            f"It takes {num_bytes / 2**20:,.0f} MiB, and the disk has {free / 2**20:,.0f} MiB left, of which"
            f" {keep_free_bytes / 2**20:,.0f} MiB are kept free for runs.", "Make room, then import again.",
        )  # fmt: skip


def _stored(images: Images, wishes: ImportWishes, staging: Path, source: str) -> MaterialisedDataset:
    mean, std = mean_and_std(images.arrays.train_images)
    return write(
        staging, wishes.name, images.arrays, classes=images.classes, mean=mean, std=std, source=source
    )  # fmt: skip


def _done(dataset: MaterialisedDataset, images: Images) -> Message:
    manifest = dataset.manifest
    told = manifest.model_dump(mode="json", include={"name", "image_shape", "num_train", "num_test", "mean", "std"})
    return told | {"classes": list(manifest.classes), "sha256": manifest.content_sha256, "notes": list(images.notes)}


def _refused(refusal: ImportRefused) -> Message:
    bad = refusal.bad
    told: Message = {"reason": refusal.reason, "suggestion": refusal.suggestion}
    return {"refused": told | {"bad_files": bad.named, "num_bad_files": bad.num}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
