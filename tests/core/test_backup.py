"""Backup and restore: whole or not at all, nothing taken from a tar that was not checked."""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.main import create_app
from core import metrics, queue
from core.backup import back_up, remove_leftovers, staging
from core.backup_contents import BackupRefused, Manifest
from core.backup_restore import restore_backup
from core.bin import move_to_bin, purge, purge_expired
from core.database import SCHEMA_VERSION, Database, open_database, sqlite_module
from core.dataset_store import materialised
from core.dataset_tasks import enqueue_import
from core.import_wishes import ImportWishes
from core.known_datasets import datasets_here, known_dataset
from core.metrics import epochs_of_run
from core.records import WrittenFile
from core.run_files import artifact_of_run
from core.run_state import RunState
from core.runs import RunFilter, artifacts_of_run, list_runs, run_by_id
from core.settings import Settings
from core.tables import Run
from core.workers import live_workers
from tests.app.imported_datasets import make_imported
from tests.app.trained_runs import complete, launch, record_epochs, started
from tests.conftest import ADDRESS
from tests.core.test_migrations import SCHEMA_1
from tests.full_disk import files_up_to

Change = Callable[[dict[str, bytes]], None]


def trained(database: Database, settings: Settings, *, content: bytes = b"weights", done: bool = True) -> int:
    """A run with an epoch and a weights file that is really there; its id."""
    lease = started(database)
    record_epochs(database, lease, 1)
    file = settings.runs_dir / str(lease.run_id) / "weights.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    written = WrittenFile("weights", file.name, hashlib.sha256(content).hexdigest(), len(content), 1)
    with database.writing() as session:
        metrics.record_weights(session, lease, written)
    if done:
        complete(database, lease)
    return lease.run_id


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "elsewhere")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept.tar"


@contextmanager
def restored(settings: Settings) -> Iterator[Database]:
    database = open_database(settings.database_file)
    yield database
    database.close()


def rewritten(file: Path, change: Change) -> Path:
    """The backup with its members changed, each a plain file."""
    with tarfile.open(file) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    change(members)
    with tarfile.open(file, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file


def nothing_of(settings: Settings) -> bool:
    """Whether a refused restore left nothing but its empty staging folder."""
    return [(path.name, any(path.iterdir())) for path in settings.data_dir.iterdir()] == [(".staging", False)]


def test_a_restored_backup_is_what_was_backed_up(
    database: Database, settings: Settings, elsewhere: Settings, file: Path
) -> None:
    run_id = trained(database, settings)
    manifest = back_up(settings, file)
    assert (manifest.num_runs, manifest.num_files, manifest.left_out) == (1, 1, ())
    assert restore_backup(elsewhere, file) == manifest
    with restored(elsewhere) as copy, copy.reading() as session, database.reading() as original:
        assert run_by_id(session, run_id) == run_by_id(original, run_id)
        assert epochs_of_run(session, run_id) == epochs_of_run(original, run_id)
        (weights,) = artifacts_of_run(session, run_id)
        assert artifact_of_run(session, elsewhere.runs_dir, run_id, weights.id or 0)[1].read_bytes() == b"weights"
    assert sorted(path.name for path in file.parent.iterdir()) == ["data", "elsewhere", "kept.tar"]


def test_the_images_of_an_imported_dataset_come_back_and_can_be_trained_on(
    database: Database, settings: Settings, elsewhere: Settings, file: Path
) -> None:
    stored = make_imported(settings, database)
    assert back_up(settings, file).datasets == ("shapes",)
    (elsewhere.materialised_dir / "digits").mkdir(parents=True)
    restore_backup(elsewhere, file)
    again = materialised(elsewhere.materialised_dir, "shapes")
    again.check()
    assert again.manifest == stored.manifest
    with restored(elsewhere) as copy, copy.reading() as session:
        assert known_dataset(session, "shapes") == datasets_here(session)["shapes"]


@pytest.mark.parametrize("harm", ["gone", "damaged", "in an older backup"])
def test_a_dataset_without_its_images_can_be_imported_again_after_a_restore(
    database: Database, settings: Settings, elsewhere: Settings, file: Path, harm: str
) -> None:
    images = make_imported(settings, database).folder / "test_images.npy"
    if harm == "damaged":
        images.write_bytes(images.read_bytes()[:-1] + b"x")
    elif harm == "gone":
        images.unlink()
    manifest = back_up(settings, file)
    if harm == "in an older backup":
        rewritten(file, older)
    else:
        assert (manifest.datasets, manifest.left_out) == ((), ("images of shapes",))
    restore_backup(elsewhere, file)
    assert not elsewhere.materialised_dir.exists()
    with restored(elsewhere) as copy, copy.writing() as session:
        assert "shapes" not in datasets_here(session)
        enqueue_import(session, ImportWishes(name="shapes"), {"entry": "shapes.zip", "shown": "shapes.zip"})


def older(members: dict[str, bytes]) -> None:
    """As it was before images were in it."""
    told = json.loads(members["manifest.json"])
    del told["datasets"]
    members["manifest.json"] = json.dumps(told).encode()
    for name in [name for name in members if name.startswith("materialised/")]:
        del members[name]


def test_what_can_be_made_again_and_secrets_are_not_in_a_backup(
    database: Database, settings: Settings, file: Path
) -> None:
    trained(database, settings)
    for name in ("datasets/archive/train.tar", "materialised/digits/manifest.json", "token", "runs/1/stray"):
        path = settings.data_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("not this")
    back_up(settings, file)
    with tarfile.open(file) as tar:
        assert tar.getnames() == ["manifest.json", "trainyard.sqlite3", "runs/1/weights.safetensors"]
    assert b"not this" not in file.read_bytes()


def test_a_run_that_was_running_waits_in_the_queue_and_its_worker_has_ended(
    database: Database, settings: Settings, elsewhere: Settings, file: Path
) -> None:
    run_id, cancelling = trained(database, settings, done=False), started(database).run_id
    with database.writing() as session:
        queue.cancel(session, cancelling)
    back_up(settings, file)
    restore_backup(elsewhere, file)
    with restored(elsewhere) as copy, copy.reading() as session:
        assert live_workers(session) == []
        assert run_by_id(session, run_id).state is RunState.QUEUED
        assert run_by_id(session, run_id).epochs_done == 1
        assert run_by_id(session, cancelling).state is RunState.CANCELLED
    with database.reading() as session:
        assert run_by_id(session, run_id).state is RunState.RUNNING, "a backup changes nothing"


def test_what_was_in_the_bin_stays_there_for_its_full_time(
    database: Database, settings: Settings, elsewhere: Settings, file: Path
) -> None:
    run_id = trained(database, settings)
    with database.writing() as session:
        move_to_bin(session, run_id).deleted_at = datetime.now(UTC) - timedelta(days=400)
    back_up(settings, file)
    restore_backup(elsewhere, file)
    with restored(elsewhere) as copy:
        assert purge_expired(copy, elsewhere.runs_dir) == 0


def test_a_backup_that_an_older_version_made_is_migrated(tmp_path: Path, elsewhere: Settings, file: Path) -> None:
    old = Settings(data_dir=tmp_path / "old")
    old.data_dir.mkdir()
    old.database_file.write_bytes(SCHEMA_1.read_bytes())
    manifest = back_up(old, file)
    assert manifest.schema_version == 1
    assert len(manifest.left_out) == 4, "the stored older file comes without its runs' files"
    restore_backup(elsewhere, file)
    with restored(elsewhere) as copy, copy.reading() as session:
        assert list_runs(session, RunFilter()).num_matching == 5


def test_a_missing_or_damaged_file_is_left_out_and_told(
    database: Database, settings: Settings, elsewhere: Settings, file: Path
) -> None:
    missing, damaged, whole = (trained(database, settings) for _ in range(3))
    (settings.runs_dir / str(missing) / "weights.safetensors").unlink()
    (settings.runs_dir / str(damaged) / "weights.safetensors").write_bytes(b"rotten!")
    manifest = back_up(settings, file)
    assert manifest.left_out == tuple(f"runs/{run_id}/weights.safetensors" for run_id in (missing, damaged))
    restore_backup(elsewhere, file)
    assert [path.name for path in elsewhere.runs_dir.iterdir()] == [str(whole)]


def test_files_are_copied_where_the_disk_knows_no_links(
    database: Database, settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    trained(database, settings)
    monkeypatch.setattr(os, "link", refuse)
    assert back_up(settings, file).num_files == 1


def test_files_purged_while_the_tar_is_written_are_in_it(
    database: Database, settings: Settings, elsewhere: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = trained(database, settings)
    real = tarfile.TarFile.addfile

    def purge_meanwhile(*arguments: object) -> None:
        with database.writing() as session:
            if session.get(Run, run_id) is not None:
                move_to_bin(session, run_id)
        purge(database, settings.runs_dir, [run_id])
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(tarfile.TarFile, "addfile", purge_meanwhile)
    back_up(settings, file)
    restore_backup(elsewhere, file)
    with restored(elsewhere) as copy, copy.reading() as session:
        assert artifact_of_run(session, elsewhere.runs_dir, run_id, 1)[1].read_bytes() == b"weights"


def test_a_backup_never_replaces_a_file_and_needs_a_database(
    database: Database, settings: Settings, elsewhere: Settings, file: Path
) -> None:
    file.write_text("precious")
    with pytest.raises(BackupRefused, match="Choose another name"):
        back_up(settings, file)
    assert file.read_text() == "precious"
    with pytest.raises(BackupRefused, match="no database"):
        back_up(elsewhere, file.with_name("other.tar"))


@pytest.mark.parametrize(
    "there", ["trainyard.sqlite3", "trainyard.sqlite3-wal", "runs/1/weights.safetensors", "materialised/shapes/x.npy"]
)
def test_a_restore_replaces_nothing(
    database: Database, settings: Settings, elsewhere: Settings, file: Path, there: str
) -> None:
    make_imported(settings, database)
    back_up(settings, file)
    path = elsewhere.data_dir / there
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    with pytest.raises(BackupRefused, match=r"move the folder .* away"):
        restore_backup(elsewhere, file)
    assert path.read_text() == "precious"


def test_a_full_disk_leaves_nothing_half(
    database: Database, settings: Settings, elsewhere: Settings, file: Path
) -> None:
    trained(database, settings, content=b"x" * 300_000)
    back_up(settings, file)
    with files_up_to(200_000):
        with pytest.raises(BackupRefused, match="Free disk space"):
            back_up(settings, file.with_name("second.tar"))
        with pytest.raises(BackupRefused, match="was not restored"):
            restore_backup(elsewhere, file)
    assert nothing_of(elsewhere)
    assert sorted(path.name for path in file.parent.iterdir()) == ["data", "elsewhere", "kept.tar"]
    assert list((settings.data_dir / ".staging").iterdir()) == []
    assert restore_backup(elsewhere, file).num_files == 1


def test_a_backup_leaves_the_room_that_runs_need(database: Database, settings: Settings, file: Path) -> None:
    greedy = settings.model_copy(update={"min_free_mib": 10**9})
    with pytest.raises(BackupRefused, match=r"of which 1000000000 MiB are kept free for runs\. Choose another disk"):
        back_up(greedy, file)
    assert not file.exists()


def test_only_one_is_at_work_and_what_a_killed_one_left_is_removed(settings: Settings) -> None:
    (settings.data_dir / ".staging" / "runs").mkdir(parents=True)
    (settings.data_dir / ".staging" / "left").write_text("half")
    with staging(settings.data_dir) as stage:
        assert list(stage.iterdir()) == []
        (stage / "at work").touch()
        remove_leftovers(settings.data_dir)
        assert (stage / "at work").exists()
        with pytest.raises(BackupRefused, match="at work"), staging(settings.data_dir):
            pass


def test_a_starting_server_removes_what_a_killed_backup_left(settings: Settings) -> None:
    left = settings.data_dir / ".staging" / "runs" / "1" / "weights.safetensors"
    left.parent.mkdir(parents=True)
    left.write_text("linked")
    with TestClient(create_app(settings), base_url=ADDRESS):
        assert not left.exists()


def add(name: str, content: bytes = b"x") -> Change:
    return lambda members: members.update({name: content})


def change_manifest(**values: object) -> Change:
    def change(members: dict[str, bytes]) -> None:
        told = Manifest.model_validate_json(members["manifest.json"])
        members["manifest.json"] = told.model_copy(update=values).model_dump_json().encode()

    return change


def change_database(statement: str) -> Change:
    """Changed by one who also knows to correct the manifest."""

    def change(members: dict[str, bytes]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "changed.sqlite3")
            file.write_bytes(members["trainyard.sqlite3"])
            connection = sqlite_module().connect(file)
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute(statement)
            connection.commit()
            connection.close()
            members["trainyard.sqlite3"] = file.read_bytes()
        digest = hashlib.sha256(members["trainyard.sqlite3"]).hexdigest()
        change_manifest(database_sha256=digest)(members)

    return change


def without(name: str) -> Change:
    def change(members: dict[str, bytes]) -> None:
        del members[name]

    return change


def replace(name: str, old: bytes, new: bytes) -> Change:
    def change(members: dict[str, bytes]) -> None:
        assert old in members[name]
        members[name] = members[name].replace(old, new)

    return change


def change_last_byte(name: str) -> Change:
    return lambda members: members.update({name: members[name][:-1] + bytes([members[name][-1] ^ 1])})


HOSTILE: dict[str, Change] = {
    "a path upwards": add("../evil"),
    "an absolute path": add("/tmp/evil"),
    "a file nobody named": add("runs/1/evil.py"),
    "the token": add("token"),
    "a missing file": without("runs/1/weights.safetensors"),
    "a changed file": add("runs/1/weights.safetensors", b"weighty"),
    "a longer file": add("runs/1/weights.safetensors", b"weights and more"),
    "a changed database": add("trainyard.sqlite3", b"SQLite format 3\0"),
    "no manifest": without("manifest.json"),
    "a manifest of something else": add("manifest.json", b'{"format": 2}'),
    "a manifest that is no JSON": add("manifest.json", b"\xff"),
    "a wrong number of runs": change_manifest(num_runs=7),
    "a database whose file name leads upwards": change_database("UPDATE artifact SET file_name = '../../evil'"),
    "a database of a newer version": change_database(f"PRAGMA user_version = {SCHEMA_VERSION + 1}"),
    "a trigger in the database": change_database("CREATE TRIGGER t AFTER UPDATE ON run BEGIN DELETE FROM run; END"),
    "images of another dataset": add("materialised/evil/train_images.npy"),
    "changed images": change_last_byte("materialised/shapes/train_images.npy"),
    "changed labels": change_last_byte("materialised/shapes/test_labels.npy"),
    "images of another mean": replace("materialised/shapes/manifest.json", b'"mean": 0.5', b'"mean": 0.6'),
    "images that are no array": add("materialised/shapes/train_images.npy"),
    "missing images": without("materialised/shapes/train_images.npy"),
    "no images of a dataset that it names": change_manifest(datasets=("shapes", "evil")),
    "images that it does not name": change_manifest(datasets=()),
    "a dataset whose name leads upwards": change_database("UPDATE importeddataset SET name = '../evil'"),
    "a database without its tables": change_database("DROP TABLE artifact"),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_backup_that_is_damaged_or_hostile_is_refused_whole(
    database: Database, settings: Settings, elsewhere: Settings, file: Path, how: str
) -> None:
    trained(database, settings)
    make_imported(settings, database)
    back_up(settings, file)
    rewritten(file, HOSTILE[how])
    with pytest.raises(BackupRefused):
        restore_backup(elsewhere, file)
    assert nothing_of(elsewhere)
    assert not (file.parent / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("name", ["manifest.json", "trainyard.sqlite3", "runs/1/weights.safetensors"])
def test_a_link_or_device_in_place_of_a_file_is_refused(
    database: Database, settings: Settings, elsewhere: Settings, file: Path, kind: bytes, name: str
) -> None:
    trained(database, settings)
    back_up(settings, file)
    with tarfile.open(file) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
    with tarfile.open(file, "w") as tar:
        for member, content in members:
            if member.name == name:
                member.type, member.linkname, member.size = kind, "/etc/hostname", 0
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(BackupRefused):
        restore_backup(elsewhere, file)
    assert nothing_of(elsewhere)


@pytest.mark.parametrize("length", [0, 100, 512, 5_000, -14_000, -12_000])
def test_a_backup_that_was_cut_short_is_refused(
    database: Database, settings: Settings, elsewhere: Settings, file: Path, length: int
) -> None:
    trained(database, settings)
    back_up(settings, file)
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(BackupRefused):
        restore_backup(elsewhere, file)
    assert nothing_of(elsewhere)


def test_what_is_no_tar_or_a_compressed_one_is_refused(
    database: Database, settings: Settings, elsewhere: Settings, file: Path
) -> None:
    with tarfile.open(file, "w:gz"):
        pass
    for content in (file.read_bytes(), os.urandom(5000), b"\0" * 5000):
        file.write_bytes(content)
        with pytest.raises(BackupRefused):
            restore_backup(elsewhere, file)
    with pytest.raises(BackupRefused, match="No such file"):
        restore_backup(elsewhere, file.with_name("nowhere.tar"))


def test_a_restored_run_can_be_worked_with(
    database: Database, settings: Settings, elsewhere: Settings, file: Path
) -> None:
    trained(database, settings)
    back_up(settings, file)
    restore_backup(elsewhere, file)
    with restored(elsewhere) as copy:
        assert launch(copy) == 2
        with copy.reading() as session:
            assert len(session.exec(select(Run)).all()) == 2
