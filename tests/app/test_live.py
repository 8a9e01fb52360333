"""The live feed: every event once, in order, whoever writes and whenever the listener came."""

import asyncio
import json
import signal
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from http.client import HTTPResponse
from urllib.request import urlopen

import pytest
from fastapi.sse import ServerSentEvent

from app.live import MAX_WAITING, LiveFeed
from core.database import Database, open_database
from core.events import newest_event_id, record_event
from core.lease import Lease
from core.metrics import record_progress
from core.queue import claim_oldest, enqueue
from core.run_config import parse_run_config, resolve_run
from core.settings import Settings
from core.workers import join

NUM_WRITERS = 3
EVENTS_EACH = 100
Serve = Callable[[Settings], AbstractContextManager[tuple[subprocess.Popen[str], str]]]


@asynccontextmanager
async def following(database: Database) -> AsyncIterator[LiveFeed]:
    feed = LiveFeed(database)
    feed.start()
    try:
        yield feed
    finally:
        feed.stop()
        feed.join()


async def collect(feed: LiveFeed, after: int | None, until: int) -> list[ServerSentEvent]:
    """What a listener is sent until it has seen event `until`, or its stream ends."""
    collected = []
    async for message in feed.messages(after):
        if message.event:
            collected.append(message)
        if message.id == str(until):
            break
    return collected


def ids(messages: list[ServerSentEvent]) -> list[int]:
    return [int(message.id) for message in messages if message.id]


def write_events(settings: Settings, count: int) -> None:
    """As another process does: with connections and a lock of its own."""
    database = open_database(settings.database_file)
    for number in range(count):
        with database.writing() as session:
            record_event(session, "changed", 1, name=f"name {number}")
    database.close()


def start_run(database: Database) -> Lease:
    with database.writing() as session:
        config = parse_run_config({"architecture": {"name": "lenet5"}, "dataset": "digits"})
        enqueue(session, resolve_run(config))
        worker_id = join(session, host="here", process_id=1, slots=1, threads=1)
        run = claim_oldest(session, worker_id)
        assert run is not None
        assert run.id is not None
        return Lease(run.id, worker_id, run.attempt)


def test_no_event_is_lost_or_doubled_while_others_write(settings: Settings, database: Database) -> None:
    last = NUM_WRITERS * EVENTS_EACH

    async def listen_meanwhile() -> list[tuple[int, list[int]]]:
        writers = [threading.Thread(target=write_events, args=(settings, EVENTS_EACH)) for _ in range(NUM_WRITERS)]
        listeners = []
        async with following(database) as feed:
            for writer in writers:
                writer.start()
            while any(writer.is_alive() for writer in writers):
                with database.reading() as session:
                    known = newest_event_id(session)
                for after in (0, known // 2, known):
                    listeners.append((after, asyncio.create_task(collect(feed, after, last))))
                await asyncio.sleep(0.05)
            return [(after, ids(await asyncio.wait_for(listener, 20))) for after, listener in listeners]

    heard = asyncio.run(listen_meanwhile())
    assert len(heard) >= 6
    for after, heard_ids in heard:
        assert heard_ids == list(range(after + 1, last + 1))


def test_without_after_a_listener_hears_only_what_happens_from_now(settings: Settings, database: Database) -> None:
    write_events(settings, 5)

    async def listen() -> list[ServerSentEvent]:
        async with following(database) as feed:
            listener = asyncio.create_task(collect(feed, None, 7))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(write_events, settings, 2)
            return await asyncio.wait_for(listener, 5)

    assert ids(asyncio.run(listen())) == [6, 7]


def test_an_event_is_told_with_its_run_and_payload(settings: Settings, database: Database) -> None:
    write_events(settings, 1)

    async def listen() -> list[ServerSentEvent]:
        async with following(database) as feed:
            return await asyncio.wait_for(collect(feed, 0, 1), 5)

    (message,) = asyncio.run(listen())
    assert message.event == "changed"
    assert json.loads(message.raw_data or "") == {"run": 1, "name": "name 0"}


@pytest.mark.parametrize("after", [6, 2**63 - 1])
def test_an_id_that_this_log_never_gave_is_answered_with_a_reset(
    settings: Settings, database: Database, after: int
) -> None:
    write_events(settings, 5)

    async def listen() -> list[ServerSentEvent]:
        async with following(database) as feed:
            return await asyncio.wait_for(collect(feed, after, -1), 5)

    assert [(message.event, message.id) for message in asyncio.run(listen())] == [("reset", "5")]


def test_a_listener_too_far_behind_is_reset_and_others_are_not(settings: Settings, database: Database) -> None:
    async def fall_behind() -> tuple[list[str | None], list[int]]:
        async with following(database) as feed:
            slow = feed.messages(0)
            await anext(slow)  # connected, and then it reads no more
            quick = asyncio.create_task(collect(feed, 0, MAX_WAITING + 60))
            for _ in range(2):
                await asyncio.to_thread(write_many, database, MAX_WAITING // 2 + 30)
                await asyncio.sleep(0.2)
            read_late = [message.event async for message in slow]
            return read_late, ids(await asyncio.wait_for(quick, 20))

    read_late, heard = asyncio.run(fall_behind())
    assert read_late == ["reset"]
    assert heard == list(range(1, MAX_WAITING + 61))


def write_many(database: Database, count: int) -> None:
    with database.writing() as session:
        for _ in range(count):
            record_event(session, "queue", paused=False)


def test_who_arrives_is_told_where_running_runs_stand_and_then_only_changes(database: Database) -> None:
    lease = start_run(database)

    def report(step: int, loss: float) -> None:
        with database.writing() as session:
            record_progress(session, lease, phase="training", epoch=1, step=step, steps_per_epoch=9, loss=loss)

    async def listen() -> list[tuple[int, list[float] | None]]:
        told = []
        async with following(database) as feed:
            async for message in feed.messages(None):
                if message.event == "progress":
                    progress = json.loads(message.raw_data or "")
                    assert progress["run"] == lease.run_id
                    assert message.id is None
                    told.append((progress["step"], progress["loss"]))
                    if len(told) == 1:
                        await asyncio.to_thread(write_many, database, 1)  # moves nothing
                        await asyncio.sleep(0.1)
                        await asyncio.to_thread(report, 4, 1.5)
                    if len(told) == 2:
                        break
        return told

    report(2, float("nan"))
    assert asyncio.run(asyncio.wait_for(listen(), 10)) == [(2, None), (4, [4, 1.5])]


def read_until(stream: HTTPResponse, line: bytes) -> None:
    while (read := stream.readline()) != line:
        assert read, "the stream ended"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_open_streams_do_not_keep_the_server_from_stopping(
    settings: Settings, serve: Serve, number: signal.Signals
) -> None:
    with serve(settings) as (server, address):
        streams = [urlopen(f"{address}{path}", timeout=10) for path in ("/events", "/api/v1/events") for _ in range(4)]
        for stream in streams:
            assert stream.headers["content-type"].startswith("text/event-stream")
            read_until(stream, b": following\n")
        asked = time.monotonic()
        server.send_signal(number)
        assert server.wait(10) == 0
        print(f"stopped {len(streams)} streams after {time.monotonic() - asked:.2f} s")
        assert time.monotonic() - asked < 1.5
        for stream in streams:
            assert stream.read().endswith(b"\n\n"), "the stream ended whole, it was not cut"
            stream.close()


def test_a_change_reaches_an_open_stream_at_once(settings: Settings, serve: Serve) -> None:
    with serve(settings) as (_, address), urlopen(f"{address}/events?after=0", timeout=10) as stream:
        read_until(stream, b": following\n")
        database = open_database(settings.database_file)
        delays = []
        for number in range(1, 11):
            time.sleep(0.05)
            write_many(database, 1)
            written = time.monotonic()
            read_until(stream, b"id: %d\n" % number)
            delays.append(time.monotonic() - written)
        database.close()
        print(f"from commit to client: {sorted(delays)[-1] * 1000:.0f} ms at most")
        assert sorted(delays)[len(delays) // 2] < 0.1
