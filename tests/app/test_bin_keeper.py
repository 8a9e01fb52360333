"""The bin empties itself by age, and not because a clock was set ahead."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from app.bin_keeper import BinKeeper
from core.bin import move_to_bin, purge
from core.database import Database
from core.run_files import folder_of_run
from core.settings import Settings
from core.tables import Event
from tests.app.trained_runs import launch

DAY_SECONDS = 24 * 3600.0


@pytest.fixture
def deleted_at(database: Database) -> datetime:
    """When the one run in the bin was deleted."""
    run_id = launch(database)
    with database.writing() as session:
        run = move_to_bin(session, run_id)
    assert run.deleted_at is not None
    return run.deleted_at


def use(database: Database, moment: datetime) -> None:
    with database.writing() as session:
        session.add(Event(kind="queue", payload={}, recorded_at=moment))


def test_thirty_days_later_the_run_goes_for_good(database: Database, settings: Settings, deleted_at: datetime) -> None:
    later = deleted_at + timedelta(days=30, minutes=1)
    use(database, later - timedelta(days=2))
    early = later - timedelta(minutes=2)
    assert BinKeeper(database, settings.runs_dir, early).check(early) == 0
    assert BinKeeper(database, settings.runs_dir, later).check(later) == 1


def test_a_server_that_starts_with_a_clock_years_ahead_removes_nothing_before_a_day_has_passed(
    database: Database, settings: Settings, deleted_at: datetime
) -> None:
    ahead, started = deleted_at + timedelta(days=2000), time.monotonic()
    for _ in range(2):  # a restart believes it no sooner, though by then events bear the wrong date
        keeper = BinKeeper(database, settings.runs_dir, ahead)
        use(database, ahead)
        assert keeper.check(ahead) == 0
        assert keeper.check(ahead + timedelta(hours=23), started + DAY_SECONDS * 23 / 24) == 0
    assert keeper.check(ahead + timedelta(hours=25), started + DAY_SECONDS * 25 / 24) == 1


def test_a_clock_that_leaps_ahead_while_the_server_is_up_removes_nothing_before_a_day_has_passed(
    database: Database, settings: Settings, deleted_at: datetime
) -> None:
    started = time.monotonic()
    keeper = BinKeeper(database, settings.runs_dir, deleted_at)
    later, ahead = started + 3 * DAY_SECONDS, deleted_at + timedelta(days=2000)
    assert keeper.check(deleted_at + timedelta(days=3), later) == 0
    assert keeper.check(ahead, later + 3600) == 0
    assert keeper.check(ahead + timedelta(hours=20), later + 21 * 3600) == 0
    assert keeper.check(ahead + timedelta(hours=25), later + 26 * 3600) == 1


def test_the_keeper_looks_by_itself_when_the_server_starts(
    database: Database, settings: Settings, deleted_at: datetime
) -> None:
    now = datetime.now(UTC)
    use(database, now - timedelta(days=2))
    with database.writing() as session:
        (run,) = (move_to_bin(session, 1),)
        run.created_at = run.deleted_at = now - timedelta(days=31)
    keeper = BinKeeper(database, settings.runs_dir)
    keeper.start()
    deadline = time.monotonic() + 10
    while in_bin(database) and time.monotonic() < deadline:
        time.sleep(0.02)
    keeper.stop()
    assert in_bin(database) == 0


def in_bin(database: Database) -> int:
    from core.bin import count_in_bin

    with database.reading() as session:
        return count_in_bin(session)


def test_what_a_server_killed_while_it_purged_left_is_removed_and_what_nobody_knows_stays(
    database: Database, settings: Settings
) -> None:
    purged, kept, unknown = launch(database), launch(database), 77
    with database.writing() as session:
        move_to_bin(session, purged)
    purge(database, settings.runs_dir, [purged])
    for run_id in (purged, kept, unknown):
        folder = folder_of_run(settings.runs_dir, run_id)
        folder.mkdir(parents=True)
        (folder / "weights.safetensors").touch()
    BinKeeper(database, settings.runs_dir).check()
    assert {folder.name for folder in settings.runs_dir.iterdir()} == {str(kept), str(unknown)}
