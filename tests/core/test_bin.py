"""The bin: deleted runs come back whole, are listed nowhere else, and go for good only by hand or by age."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from core import bin, queue
from core.bin import KEPT_FOR, empty_bin, move_to_bin, purge, purge_expired, purge_run, restore, runs_in_bin
from core.database import Database
from core.disk import disk_use
from core.events import events_of_run
from core.experiment_plan import plan_experiment
from core.experiments import launch_experiment, list_experiments, runs_of_experiment
from core.run_files import folder_of_run
from core.run_state import IllegalMove, RunNotFound, RunState
from core.run_tables import Artifact, Epoch
from core.runs import RunFilter, count_by_state, list_runs, queue_positions, run_by_id
from core.settings import Settings
from core.tables import Experiment
from tests.app.trained_runs import complete, launch, record_epochs, record_weights, started


def deleted(database: Database, run_id: int) -> None:
    with database.writing() as session:
        move_to_bin(session, run_id)


def trained(database: Database) -> int:
    lease = started(database)
    record_epochs(database, lease, 1)
    record_weights(database, lease)
    complete(database, lease)
    return lease.run_id


def test_a_deleted_run_is_in_the_bin_alone_and_comes_back_whole(database: Database, settings: Settings) -> None:
    run_id = trained(database)
    deleted(database, run_id)
    with database.reading() as session:
        assert list_runs(session, RunFilter()).runs == []
        assert sum(count_by_state(session).values()) == 0
        assert [run.id for run in list_runs(session, RunFilter(in_bin=True)).runs] == [run_id]
        assert [run.id for run in runs_in_bin(session)] == [run_id]
        assert (disk_use(session, settings).bin_bytes, disk_use(session, settings).weights_bytes) == (2048, 0)
        assert events_of_run(session, run_id)[-1].kind == "deleted"
    with database.writing() as session:
        restored = restore(session, run_id)
    assert (restored.state, restored.deleted_at, restored.epochs_done) == (RunState.COMPLETED, None, 1)


def test_a_queued_run_is_cancelled_when_it_is_deleted_and_does_not_start_from_the_bin(database: Database) -> None:
    run_id = launch(database)
    deleted(database, run_id)
    with database.reading() as session:
        assert queue_positions(session) == {}
    with database.writing() as session, pytest.raises(IllegalMove, match="in the bin"):
        queue.requeue(session, run_id)
    with database.writing() as session:
        restore(session, run_id)
        assert queue.requeue(session, run_id).state is RunState.QUEUED


def test_a_running_run_is_not_deleted(database: Database) -> None:
    lease = started(database)
    with database.writing() as session, pytest.raises(IllegalMove, match="cancelled"):
        move_to_bin(session, lease.run_id)


def test_a_purged_run_leaves_only_events_and_its_id_is_never_used_again(database: Database, settings: Settings) -> None:
    kept, run_id = trained(database), trained(database)
    file = folder_of_run(settings.runs_dir, run_id) / "weights.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    deleted(database, run_id)
    assert purge(database, settings.runs_dir, [kept, run_id, 404]) == 1, "only what is in the bin"
    assert not file.parent.exists()
    with database.reading() as session:
        assert {epoch.run_id for epoch in session.exec(select(Epoch))} == {kept}
        assert {artifact.run_id for artifact in session.exec(select(Artifact))} == {kept}
        assert events_of_run(session, run_id)[-1].kind == "purged"
        with pytest.raises(RunNotFound):
            run_by_id(session, run_id)
    assert launch(database) > run_id


def test_more_runs_than_go_in_one_transaction_all_go(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bin, "AT_ONCE", 2)
    for _ in range(5):
        deleted(database, launch(database))
    assert empty_bin(database, settings.runs_dir) == 5
    with database.reading() as session:
        assert runs_in_bin(session) == []


def test_only_what_was_deleted_more_than_thirty_days_ago_expires(database: Database, settings: Settings) -> None:
    run_id = launch(database)
    deleted(database, run_id)
    now = datetime.now(UTC)
    assert purge_expired(database, settings.runs_dir, now + KEPT_FOR - timedelta(minutes=1)) == 0
    assert purge_expired(database, settings.runs_dir, now + KEPT_FOR + timedelta(minutes=1)) == 1


def test_a_run_whose_deletion_a_wrong_clock_dated_before_its_launch_does_not_expire(
    database: Database, settings: Settings
) -> None:
    run_id = launch(database)
    with database.writing() as session:
        move_to_bin(session, run_id).deleted_at = datetime(1970, 1, 1, tzinfo=UTC)
    assert purge_expired(database, settings.runs_dir) == 0


def test_one_run_in_the_bin_or_all_of_them_go_for_good(database: Database, settings: Settings) -> None:
    kept, first, second, third = (launch(database, seed=seed) for seed in range(4))
    with pytest.raises(IllegalMove, match="before it is in the bin"):
        purge_run(database, settings.runs_dir, kept)
    for run_id in (first, second, third):
        deleted(database, run_id)
    purge_run(database, settings.runs_dir, first)
    with pytest.raises(RunNotFound):
        purge_run(database, settings.runs_dir, first)
    assert empty_bin(database, settings.runs_dir) == 2
    with database.reading() as session:
        assert [run.id for run in list_runs(session, RunFilter()).runs] == [kept]
        assert runs_in_bin(session) == []


def test_an_experiment_goes_with_the_last_of_its_runs(database: Database, settings: Settings) -> None:
    plan = plan_experiment(base={"architecture": {"name": "lenet5"}, "dataset": "digits"}, grid={}, seeds=2)
    with database.writing() as session:
        experiment = launch_experiment(session, plan)
        assert experiment.id is not None
        run_ids = [run.id for run in runs_of_experiment(session, experiment.id) if run.id is not None]
        for run_id in run_ids:
            move_to_bin(session, run_id)
        assert list_experiments(session) == []
    purge(database, settings.runs_dir, run_ids[:1])
    with database.writing() as session:
        restore(session, run_ids[1])
        assert [told.experiment.id for told in list_experiments(session)] == [experiment.id]
        move_to_bin(session, run_ids[1])
    purge(database, settings.runs_dir, run_ids)
    with database.reading() as session:
        assert session.exec(select(Experiment)).all() == []
