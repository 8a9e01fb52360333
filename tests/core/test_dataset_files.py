"""What a server finds at its start of imports and deletions that a kill cut off."""

from core.database import Database
from core.dataset_files import cancel_and_remove, remove_files_of_ended, remove_stale_files, staging_of
from core.dataset_tasks import claim_task, enqueue_import
from core.import_wishes import ImportWishes
from core.settings import Settings
from tests.app.trained_runs import join


def test_what_a_kill_left_is_removed_and_what_waits_is_kept(database: Database, settings: Settings) -> None:
    waits, cut_off = f"upload-{'a' * 32}", f"upload-{'b' * 32}"
    with database.writing() as session:
        task = enqueue_import(session, ImportWishes(name="shapes"), {"upload": waits, "shown": "shapes.zip"})
        assert task.id is not None
        task_id = task.id
    settings.incoming_dir.mkdir(parents=True)
    for name in (waits, cut_off, "notes.txt"):
        (settings.incoming_dir / name).write_bytes(b"x")
    kept = [staging_of(settings, task_id), settings.materialised_dir / "digits"]
    for folder in (*kept, staging_of(settings, task_id + 1), settings.materialised_dir / ".shapes.gone-0123abcd"):
        (folder / "inside").mkdir(parents=True)
    with database.reading() as session:
        remove_stale_files(session, settings)
    assert {file.name for file in settings.incoming_dir.iterdir()} == {waits, "notes.txt"}
    assert set(settings.materialised_dir.iterdir()) == set(kept)


def test_an_import_that_is_cancelled_after_its_worker_died_leaves_nothing_either(
    database: Database, settings: Settings
) -> None:
    uploads, tasks = [f"upload-{letter * 32}" for letter in "ab"], []
    settings.incoming_dir.mkdir(parents=True)
    worker = join(database)
    for name in uploads:
        (settings.incoming_dir / name).write_bytes(b"x")
        with database.writing() as session:
            task = enqueue_import(session, ImportWishes(name=name[:40]), {"upload": name, "shown": "x.zip"})
            tasks.append(task.id or 0)
    with database.writing() as session:
        claim_task(session, worker)  # and is killed
    cancel_and_remove(database, settings, tasks[0])
    staging_of(settings, tasks[0]).mkdir(parents=True)
    with database.reading() as session:
        remove_files_of_ended(session, settings)
    assert [file.name for file in settings.incoming_dir.iterdir()] == uploads[1:]
    assert list(settings.materialised_dir.iterdir()) == []
