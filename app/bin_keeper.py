"""Removes for good what has been in the bin for thirty days: at start and once an hour, while the clock is believed;
and what a server that was killed meanwhile left."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import col, select

from core.bin import purge_expired, remove_leftovers
from core.database import Database
from core.tables import Event

CHECK_SECONDS = 3600.0
# A clock that was set ahead would empty the bin. It is believed where, by it, something was recorded one to three days
# ago, or where the server has been up for a day without a leap of it: time enough for somebody to notice.
BELIEVED_AFTER = timedelta(days=1)
LARGEST_LEAP = timedelta(days=2)  # a laptop that slept over a weekend leaps too, and waits a day

logger = logging.getLogger(__name__)


class BinKeeper:
    """A thread beside the server."""

    def __init__(self, database: Database, runs_dir: Path, started_at: datetime | None = None) -> None:
        self._database, self._runs_dir = database, runs_dir
        self._since, self._since_seconds = started_at or datetime.now(UTC), time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="bin", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def check(self, now: datetime | None = None, now_seconds: float | None = None) -> int:
        """Purges what has expired, unless the clock may be wrong; tells how many. `now_seconds`: time.monotonic."""
        moment, seconds = now or datetime.now(UTC), time.monotonic() if now_seconds is None else now_seconds
        up = timedelta(seconds=seconds - self._since_seconds)
        if abs(moment - self._since - up) > LARGEST_LEAP:
            self._since, self._since_seconds, up = moment, seconds, timedelta()
        believed = up >= BELIEVED_AFTER or self._was_used_before(moment)
        remove_leftovers(self._database, self._runs_dir)
        purged = purge_expired(self._database, self._runs_dir, moment) if believed else 0
        if purged:
            logger.warning("%d runs were in the bin for thirty days and are gone for good.", purged)
        return purged

    def _was_used_before(self, moment: datetime) -> bool:
        newest = moment - BELIEVED_AFTER
        window = col(Event.recorded_at).between(newest - LARGEST_LEAP, newest)
        with self._database.reading() as session:
            return session.exec(select(Event.id).where(window).limit(1)).first() is not None

    def _watch(self) -> None:
        while True:
            try:
                self.check()
            except Exception:  # of any kind: what cannot be removed now is removed an hour later
                logger.exception("The bin could not be looked through; tried again in an hour.")
            if self._stopping.wait(CHECK_SECONDS):
                return
