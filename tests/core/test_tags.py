"""Tags and notes: what is one, how it is spelled, and how many a run may have."""

import pytest
from sqlalchemy import event as sqlalchemy_event

from core.database import Database
from core.events import events_of_run
from core.invalid_run_config import InvalidRunConfig
from core.run_changes import MAX_NOTES_LENGTH, annotate
from core.run_state import RunNotFound
from core.runs import RunFilter, list_runs
from core.tags import MAX_TAGS, set_tags, tag_run, tags_in_use, tags_of_runs, untag_run
from tests.app.trained_runs import launch


def tags(database: Database, run_id: int) -> list[str]:
    with database.reading() as session:
        return tags_of_runs(session, [run_id])[run_id]


def test_a_tag_is_added_once_found_by_and_taken_away(database: Database) -> None:
    first, second = launch(database), launch(database)
    with database.writing() as session:
        for tag in (" wide net ", "wide net", "Zebra", "apple"):
            tag_run(session, first, tag)
        tag_run(session, second, "apple")
    assert tags(database, first) == ["apple", "wide net", "Zebra"]
    with database.reading() as session:
        assert [run.id for run in list_runs(session, RunFilter(tags=("wide net",))).runs] == [first]
        assert [run.id for run in list_runs(session, RunFilter(tags=("wide net", "apple"))).runs] == [second, first]
        assert tags_in_use(session) == ["apple", "wide net", "Zebra"]
        told = [event.payload for event in events_of_run(session, first) if event.kind == "changed"]
    assert told == [{"tagged": "wide net"}, {"tagged": "Zebra"}, {"tagged": "apple"}]
    with database.writing() as session:
        untag_run(session, first, "apple")
        untag_run(session, first, "never there")
    assert tags(database, first) == ["wide net", "Zebra"]


def test_the_first_spelling_of_a_tag_counts(database: Database) -> None:
    first, second = launch(database), launch(database)
    with database.writing() as session:
        tag_run(session, first, "Größe")
        tag_run(session, second, "GRÖSSE")
    assert tags(database, second) == ["Größe"]
    with database.writing() as session:
        untag_run(session, second, "größe")
    assert tags(database, second) == []


@pytest.mark.parametrize("tag", ["", "  ", "a,b", "two\nlines", "x" * 41, "\ud800"])
def test_what_is_no_tag_is_refused(database: Database, tag: str) -> None:
    run_id = launch(database)
    with database.writing() as session, pytest.raises(InvalidRunConfig):
        tag_run(session, run_id, tag)


def test_a_run_has_twenty_tags_at_most(database: Database) -> None:
    run_id = launch(database)
    with database.writing() as session:
        set_tags(session, run_id, [f"tag {number}" for number in range(MAX_TAGS)])
        tag_run(session, run_id, "tag 3")
        with pytest.raises(InvalidRunConfig, match="20 tags"):
            tag_run(session, run_id, "one more")
        set_tags(session, run_id, ["one more", "tag 3"])
    assert tags(database, run_id) == ["one more", "tag 3"]


def test_the_tags_of_many_runs_are_one_query(database: Database) -> None:
    run_ids = [launch(database) for _ in range(30)]
    with database.writing() as session:
        for run_id in run_ids:
            tag_run(session, run_id, f"tag {run_id}")
    with database.reading() as session:
        statements: list[str] = []
        connection = session.connection()
        sqlalchemy_event.listen(connection, "before_cursor_execute", lambda *told: statements.append(told[2]))
        assert tags_of_runs(session, run_ids) == {run_id: [f"tag {run_id}"] for run_id in run_ids}
    assert len(statements) == 1


def test_notes_are_plain_text_of_several_lines(database: Database) -> None:
    run_id = launch(database)
    with database.writing() as session:
        assert (
            annotate(session, run_id, "  first\r\nsecond\t<b>\n\nthird 👩‍🔬 ").notes
            == "first\nsecond\t<b>\n\nthird 👩‍🔬"
        )
        annotate(session, run_id, "first\nsecond\t<b>\n\nthird 👩‍🔬")
        assert [event.payload for event in events_of_run(session, run_id)][1:] == [{"annotated": True}], "told once"
        assert annotate(session, run_id, "").notes == ""
        for wrong in ("x" * (MAX_NOTES_LENGTH + 1), "a\0b", "\ud800"):
            with pytest.raises(InvalidRunConfig, match="notes"):
                annotate(session, run_id, wrong)
        with pytest.raises(RunNotFound):
            annotate(session, 404, "nobody")
