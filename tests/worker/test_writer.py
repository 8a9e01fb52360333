"""The supervisor's writing outlasts a full disk: what it was told to record is recorded once there is room."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core.database import Database
from core.events import newest_event_id, record_event
from tests.full_disk import files_up_to
from worker import writer
from worker.writer import Writer


def test_what_cannot_be_written_is_written_when_there_is_room_again(
    database: Database, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.05)
    with database.reading() as session:
        before = newest_event_id(session)
    with ThreadPoolExecutor(1) as pool:
        with files_up_to(1000):
            written = pool.submit(Writer(database).write, lambda session: record_event(session, "queue", paused=True))
            with pytest.raises(TimeoutError):
                written.result(0.5)
        written.result(10)
    assert "The database cannot be written" in capfd.readouterr().err
    with database.reading() as session:
        assert newest_event_id(session) == before + 1, "once, however often it was tried"
        assert session.connection().execute(text("PRAGMA integrity_check")).scalar_one() == "ok"


def test_a_worker_that_is_told_to_stop_tries_no_longer(database: Database) -> None:
    stopping = Writer(database)
    stopping.gives_up = True
    with files_up_to(1000), pytest.raises(OperationalError):
        stopping.write(lambda session: record_event(session, "queue", paused=True))
