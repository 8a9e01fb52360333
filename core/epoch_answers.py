"""What a run said of the test images after each epoch: packed by worker/answers.py, recorded with the epoch."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, and_, delete, insert, literal, not_
from sqlmodel import Session, col, select

from core.run_tables import EpochAnswers
from core.tables import Run

MOST_EPOCHS = 40  # of a run that are shown: of a longer one every n-th, and the last


@dataclass(frozen=True)
class EpochAnswer:
    """What was said of one image after one epoch."""

    epoch: int
    said: int
    confidence: float  # to a 255th


def history_of_image(
    session: Session, run: Run, image: int, labels: NDArray[np.uint8], num_classes: int
) -> list[EpochAnswer]:
    """Oldest first; empty where the run kept none (it is of an older version), or was tested on other images."""
    is_shown = _is_shown(run.epochs_done)
    rows = session.exec(
        select(EpochAnswers).where(EpochAnswers.run_id == run.id, is_shown).order_by(col(EpochAnswers.epoch))
    )
    told = []
    for row in rows:
        said, shares = unpacked(row.content)
        if len(said) != len(labels):
            return []
        told.append(EpochAnswer(row.epoch, (int(said[image]) + int(labels[image])) % 256, int(shares[image]) / 255))
    return told if all(answer.said < num_classes for answer in told) else []


def thin_answers(session: Session, run_id: int) -> None:
    """Of a run that has completed, deletes those that nothing shows: neither its history nor its selected epoch."""
    done, selected = session.exec(select(Run.epochs_done, Run.selected_epoch).where(Run.id == run_id)).one()
    if done > MOST_EPOCHS:
        is_selected = col(EpochAnswers.epoch).is_not_distinct_from(selected)
        unseen = delete(EpochAnswers).where(
            col(EpochAnswers.run_id) == run_id, not_(_is_shown(done)), not_(is_selected)
        )
        session.exec(unseen.execution_options(synchronize_session=False))


def copy_answers(session: Session, origin_id: int, run_id: int) -> None:
    """Gives a run that continues another what that one said."""
    theirs = select(literal(run_id), EpochAnswers.epoch, EpochAnswers.content).where(EpochAnswers.run_id == origin_id)
    session.exec(insert(EpochAnswers).from_select(["run_id", "epoch", "content"], theirs))


def _is_shown(epochs_done: int) -> ColumnElement[bool]:
    """Every n-th is a power of two, so that a thinned past still has what a longer, continued run shows of it."""
    every = 1 << ((max(epochs_done, 1) - 1) // MOST_EPOCHS).bit_length()
    return (col(EpochAnswers.epoch) % every == 0) | (col(EpochAnswers.epoch) == epochs_done)


def selected_answers(session: Session, run_ids: Iterable[int | None]) -> dict[int, bytes]:
    """Those of each run's selected epoch, packed, by run; without the runs that kept none."""
    of_selected = and_(col(EpochAnswers.run_id) == Run.id, col(EpochAnswers.epoch) == Run.selected_epoch)
    rows = session.exec(select(EpochAnswers).join(Run, of_selected).where(col(Run.id).in_(run_ids)))
    return {row.run_id: row.content for row in rows}


def unpacked(content: bytes) -> NDArray[np.uint8]:
    """(2, N): the class said less the label modulo 256, and its probability in 255ths."""
    return np.frombuffer(zlib.decompress(content), np.uint8).reshape(2, -1)
