"""Tags: words by which a user finds runs again. Upper and lower case make no difference; the first spelling counts."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete
from sqlmodel import Session, col, select

from core.events import record_event
from core.invalid_run_config import InvalidRunConfig
from core.run_config import checked_name
from core.runs import run_by_id
from core.tables import Run, RunTag

MAX_TAG_LENGTH = 40
MAX_TAGS = 20  # of one run


def checked_tag(session: Session, tag: str) -> str:
    """The tag in the spelling in use, if any; raises InvalidRunConfig."""
    try:
        tag = checked_name(tag)
    except ValueError as error:
        raise InvalidRunConfig({"tag": str(error)}) from None
    if not 1 <= len(tag) <= MAX_TAG_LENGTH or "," in tag:
        raise InvalidRunConfig({"tag": f"must have 1 to {MAX_TAG_LENGTH} characters and no comma"})
    if session.exec(select(RunTag.tag).where(RunTag.tag == tag).limit(1)).first() is not None:
        return tag
    in_use = session.exec(select(RunTag.tag).distinct())
    return next((spelling for spelling in in_use if spelling.casefold() == tag.casefold()), tag)


def tag_run(session: Session, run_id: int, tag: str) -> Run:
    """Adds a tag, once; raises RunNotFound, and InvalidRunConfig also where the run has as many as it may."""
    run, tag = run_by_id(session, run_id), checked_tag(session, tag)
    own = tags_of_runs(session, [run_id])[run_id]
    if tag in own:
        return run
    if len(own) >= MAX_TAGS:
        raise InvalidRunConfig({"tag": f"a run has {MAX_TAGS} tags at most"})
    session.add(RunTag(run_id=run_id, tag=tag))
    record_event(session, "changed", run_id, tagged=tag)
    return run


def untag_run(session: Session, run_id: int, tag: str) -> Run:
    """Takes a tag away, if it is there; raises RunNotFound, InvalidRunConfig."""
    run, tag = run_by_id(session, run_id), checked_tag(session, tag)
    session.flush()
    if session.exec(delete(RunTag).where(col(RunTag.run_id) == run_id, col(RunTag.tag) == tag)).rowcount:
        record_event(session, "changed", run_id, untagged=tag)
    return run


def set_tags(session: Session, run_id: int, tags: Iterable[str]) -> Run:
    """These tags and no other; raises RunNotFound, InvalidRunConfig."""
    wanted = {checked_tag(session, tag) for tag in tags}
    for tag in tags_of_runs(session, [run_id])[run_id]:
        if tag not in wanted:
            untag_run(session, run_id, tag)
    for tag in sorted(wanted):
        tag_run(session, run_id, tag)
    return run_by_id(session, run_id)


def tags_of_runs(session: Session, run_ids: Sequence[int]) -> dict[int, list[str]]:
    """The tags of each run, in alphabetical order, by one query."""
    tags: dict[int, list[str]] = {run_id: [] for run_id in run_ids}
    for row in session.exec(select(RunTag).where(col(RunTag.run_id).in_(run_ids))):
        tags[row.run_id].append(row.tag)
    return {run_id: sorted(own, key=str.casefold) for run_id, own in tags.items()}


def tags_in_use(session: Session) -> list[str]:
    """Of the runs that are not in the bin, in alphabetical order."""
    listed = select(RunTag.tag).join(Run).where(col(Run.deleted_at).is_(None)).distinct()
    return sorted(session.exec(listed), key=str.casefold)
