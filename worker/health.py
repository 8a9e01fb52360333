"""`python -m worker.health`: whether the worker of this host lives, which its heartbeat tells even where it hangs."""

import socket
import sys
import time

from core import workers
from core.database import Database
from core.settings import Settings

WATCHED_SECONDS = 3 * workers.HEARTBEAT_SECONDS


def main() -> int:
    """Exit code 0 where the heartbeat moved while it was watched, else 1."""
    database = Database(Settings().database_file)
    before = _heartbeat(database)
    time.sleep(WATCHED_SECONDS)
    after = _heartbeat(database)
    database.close()
    return 0 if before is not None and after is not None and after > before else 1


def _heartbeat(database: Database) -> tuple[int, int] | None:
    """Id and heartbeat of this host's newest worker that was not judged dead."""
    host = socket.gethostname()
    with database.reading() as session:
        own = [worker for worker in workers.live_workers(session) if worker.host == host]
    return max(((worker.id or 0, worker.heartbeat) for worker in own), default=None)


if __name__ == "__main__":
    sys.exit(main())
