"""The live feed: one thread follows the event log in the database and fans it out to every open stream.

The thread alone reads events, for those who listen and for those who arrive, so that nobody misses or doubles one.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType

from fastapi.sse import ServerSentEvent
from pydantic_core import to_json
from sqlmodel import Session

from core.database import Database
from core.events import all_progress, events_after, newest_event_id
from core.run_tables import Progress
from core.tables import Event

POLL_SECONDS = 0.02  # design, "How a page stays live"; with nobody listening nothing is read at all
# More than this in one stream, waiting or to be replayed: loading the page anew is cheaper. A thousand runs changed at
# once are 3,000 events at most (core/bulk.py), and the page that did it keeps its Undo.
MAX_WAITING = 4000
RECONNECT_MILLISECONDS = 1000

logger = logging.getLogger(__name__)


class LiveFeed:
    """Follows the event log while somebody listens; `start` it, and `stop` it to end every stream."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._arrivals: SimpleQueue[_Subscriber] = SimpleQueue()
        self._subscribers: list[_Subscriber] = []
        self._newest = 0  # the event that every subscriber was told last
        self._progress_told: dict[int, tuple[int, int]] = {}  # run to (attempt, sequence)
        self._woken = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._follow, name="live-feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends every stream; returns at once. Call it from the loop that serves the streams."""
        self._stopping = True
        self._woken.set()

    def join(self) -> None:
        """Waits until the thread no longer reads the database."""
        self._thread.join()

    async def messages(self, after: int | None) -> AsyncGenerator[ServerSentEvent]:
        """Every event after that id (None: from now on), once and in order, and the progress of running runs.

        A `reset` ends the stream: the id is not one of this log, or the listener is too far behind.
        """
        if self._stopping:
            return
        subscriber = _Subscriber(after)
        self._arrivals.put(subscriber)
        self._woken.set()
        try:
            yield ServerSentEvent(comment="following", retry=RECONNECT_MILLISECONDS)
            while (message := await subscriber.messages.get()) is not None:
                yield message
        finally:
            subscriber.is_open = False

    def _follow(self) -> None:
        watch = self._database.watch()
        while True:
            self._woken.wait(POLL_SECONDS if self._subscribers else None)
            self._woken.clear()
            if self._stopping:
                break
            self._subscribers = [subscriber for subscriber in self._subscribers if subscriber.is_open]
            arrivals = self._arrived()
            try:
                if watch.changed() or arrivals:
                    with self._database.reading() as session:
                        self._tell(session, arrivals)
                self._subscribers += arrivals
            except Exception:  # of any kind: a feed that died would be missed by nobody but every page
                logger.exception("The live feed failed; its streams end and connect again.")
                self._end([*self._subscribers, *arrivals])
        self._end([*self._subscribers, *self._arrived()])
        watch.close()

    def _tell(self, session: Session, arrivals: Sequence["_Subscriber"]) -> None:
        """One snapshot for all: news for those who listen, a replay for those who arrive."""
        newest, progress = newest_event_id(session), all_progress(session)
        if self._subscribers:
            news = [_event_message(event) for event in events_after(session, self._newest, limit=MAX_WAITING + 1)]
            moved = [row for row in progress if self._progress_told.get(row.run_id) != (row.attempt, row.sequence)]
            news += [_progress_message(row) for row in moved]
            for subscriber in self._subscribers if news else ():
                subscriber.send(news, newest)
        for subscriber in arrivals:
            after = newest if subscriber.after is None else subscriber.after
            replay = [_event_message(event) for event in events_after(session, after, limit=MAX_WAITING + 1)]
            replay += [_progress_message(row) for row in progress]
            subscriber.send(replay if after <= newest else None, newest)
        self._newest = newest
        self._progress_told = {row.run_id: (row.attempt, row.sequence) for row in progress}

    def _arrived(self) -> list["_Subscriber"]:
        arrivals: list[_Subscriber] = []
        try:
            while True:
                arrivals.append(self._arrivals.get_nowait())
        except Empty:
            return arrivals

    def _end(self, subscribers: Sequence["_Subscriber"]) -> None:
        self._subscribers = []
        for subscriber in subscribers:
            subscriber.end()


class _Subscriber:
    """One open stream. Its queue belongs to its loop: the feed's thread reaches it through `send` and `end` alone."""

    def __init__(self, after: int | None) -> None:
        self.after = after
        self.is_open = True
        self.messages: asyncio.Queue[ServerSentEvent | None] = asyncio.Queue()  # None: the end
        self._loop = asyncio.get_running_loop()

    def send(self, messages: Sequence[ServerSentEvent] | None, newest: int) -> None:
        """Messages in order; None, or more than can wait, is a reset to `newest`."""
        self._call(lambda: self._take(messages, newest))

    def end(self) -> None:
        self._call(lambda: self.messages.put_nowait(None))

    def _call(self, step: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(step)
        except RuntimeError:  # its loop is closed
            self.is_open = False

    def _take(self, messages: Sequence[ServerSentEvent] | None, newest: int) -> None:
        if not self.is_open:
            return
        if messages is None or self.messages.qsize() + len(messages) > MAX_WAITING:
            self.is_open = False
            while not self.messages.empty():
                self.messages.get_nowait()
            self.messages.put_nowait(ServerSentEvent(id=str(newest), event="reset", raw_data="{}"))
            self.messages.put_nowait(None)
            return
        for message in messages:
            self.messages.put_nowait(message)


@contextmanager
def called_at_stop_signal(stop: Callable[[], None]) -> Iterator[None]:
    """While inside, SIGINT and SIGTERM call `stop` on the running loop before the server acts on them.

    uvicorn tells an application that it stops only after every response has ended, so a stream must end before.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are not ours: a test's server
        yield
        return
    loop = asyncio.get_running_loop()
    servers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_signal(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        of_server = servers[signal.Signals(number)]
        if callable(of_server):
            of_server(number, frame)

    for number in servers:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number, of_server in servers.items():
            signal.signal(number, of_server)


def _event_message(event: Event) -> ServerSentEvent:
    run = {} if event.run_id is None else {"run": event.run_id}
    return ServerSentEvent(id=str(event.id), event=event.kind, raw_data=_json(run | event.payload))


def _progress_message(progress: Progress) -> ServerSentEvent:
    told = progress.model_dump(exclude={"run_id", "sequence", "losses"})
    newest_loss = progress.losses[-1] if progress.losses else None  # [step, loss]
    return ServerSentEvent(event="progress", raw_data=_json({"run": progress.run_id, **told, "loss": newest_loss}))


def _json(payload: dict[str, object]) -> str:
    return to_json(payload, inf_nan_mode="null").decode()
