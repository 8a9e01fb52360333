"""A dataset made ready by a process of its own: what that takes (torchvision, 250 MiB) ends with it."""

import os
import signal
import subprocess
import sys

from core.dataset_store import MaterialisedDataset
from core.datasets import DatasetUnavailable
from core.settings import Settings
from worker.data import Report, ensure, opened
from worker.messages import Closed, LinePipe, send
from worker.parent import die_with_parent

ASK_SECONDS = 0.5  # how long a stop waits at most while the process says nothing


def ready(name: str, settings: Settings, report: Report) -> MaterialisedDataset:
    """Opens the dataset, making it first where it must be; what `report` raises stops that.

    Raises UnknownDataset, DatasetUnavailable.
    """
    folders = {"datasets_dir": settings.datasets_dir, "materialised_dir": settings.materialised_dir}
    dataset = opened(name, **folders, report=report)
    if dataset is None:
        _make(name, settings, report)
        dataset = opened(name, **folders, report=report)
    if dataset is None:
        raise DatasetUnavailable(f"{name} was made ready and is gone again.", "Check the data folder, then requeue.")
    return dataset


def _make(name: str, settings: Settings, report: Report) -> None:
    command = [sys.executable, "-P", "-m", "worker.making", name]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=os.environ | settings.as_environment()
    ) as child:  # its standard error is ours: the run's log
        assert child.stdout is not None
        pipe, said = LinePipe(child.stdout.fileno()), f"making {name} ready"
        try:
            while True:
                message = pipe.next_message(ASK_SECONDS)
                if message is not None and "reason" in message:
                    raise DatasetUnavailable(message["reason"], message["suggestion"])
                said = said if message is None else message["say"]
                report(said)
        except Closed:
            code = child.wait()
        finally:
            child.terminate()
    if code != 0:
        raise DatasetUnavailable(
            f"{name} could not be made ready: the process that reads it ended with code {code}.",
            "The log below may say why. If memory was short, use fewer slots; then requeue the run.",
        )


def main(name: str) -> int:
    """Says what it does on standard output, one JSON object a line; SIGTERM stops it with nothing half made."""
    die_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings, out = Settings(), sys.stdout.fileno()
    try:
        ensure(
            name,
            datasets_dir=settings.datasets_dir,
            materialised_dir=settings.materialised_dir,
            mirror=settings.dataset_mirror,
            report=lambda message: send(out, {"say": message}),
        )
    except DatasetUnavailable as error:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends by itself now; torch's clean-up is not disturbed
        send(out, {"reason": error.reason, "suggestion": error.suggestion})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
