"""The exporting process: makes the files of one completed run after another, with what the others leave of the machine.

Its memory (torch, ONNX Runtime) goes with it. It only reads the database: at its priority it would hold the write lock
for long. Killed at any moment it leaves whole files or none.
"""

import sys
from contextlib import suppress
from dataclasses import asdict

import torch
from filelock import FileLock, Timeout

from core.database import Database
from core.exports import due_export
from core.records import WrittenFile
from core.run_state import RunNotFound
from core.settings import Settings
from worker.exports import Export
from worker.messages import Closed, LinePipe, Message, send
from worker.parent import die_with_parent
from worker.priority import yield_to_others


def main() -> int:
    """Says that it is ready, then answers each run's number on standard input with the files that it wrote.

    One process per data folder: a second ends at once.
    """
    die_with_parent()
    settings, commands = Settings(), LinePipe(0)
    database = Database(settings.database_file)
    torch.set_num_interop_threads(1)
    with suppress(Timeout, Closed, BrokenPipeError), FileLock(settings.data_dir / "exporting.lock", timeout=0):
        send(1, {"report": "ready"})
        while (command := commands.next_message(None)) is not None:
            send(1, _export(command["run_id"], database, settings))
    return 0


def _export(run_id: int, database: Database, settings: Settings) -> Message:
    files: list[WrittenFile] = []
    complaints: list[str] = []
    with suppress(RunNotFound):  # purged meanwhile
        with database.reading() as session:
            due = due_export(session, run_id)
        torch.set_num_threads((due.run.environment or {}).get("threads", 1))
        files, complaints = Export(due, settings).write()
    return {"report": "exported", "run_id": run_id, "files": [asdict(file) for file in files], "complaints": complaints}


if __name__ == "__main__":
    yield_to_others()
    sys.exit(main())
