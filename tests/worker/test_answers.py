"""What a network says of each test image after each epoch is recorded with the epoch, and is what it predicts."""

import base64
import math

import numpy as np
import pytest
import torch
from sqlmodel import select

from core import metrics, queue
from core.database import Database
from core.epoch_answers import history_of_image, unpacked
from core.records import EpochFigures
from core.run_tables import EpochAnswers
from core.tables import Run
from tests.app.trained_runs import started
from worker.answers import answers_of, packed


@pytest.mark.parametrize("are_probabilities", [False, True])
def test_answers_are_the_class_less_the_label_and_the_confidence(are_probabilities: bool) -> None:
    shares = torch.tensor([[0.25, 0.7, 0.05], [1.0, 0.0, 0.0]])
    outputs = shares if are_probabilities else shares.log()
    labels = torch.tensor([1, 2])
    answers = answers_of(outputs, labels, are_probabilities=are_probabilities)
    assert answers.tolist() == [[0, round(0.7 * 255)], [254, 255]]
    stacked = answers_of(outputs.repeat(3, 1, 1), labels.expand(3, -1), are_probabilities=are_probabilities)
    assert torch.equal(stacked, answers.expand(3, -1, -1))
    read = unpacked(base64.b64decode(packed([answers, answers[:1]])))
    assert read.tolist() == [[0, 254, 0], [178, 255, 178]]


def test_what_is_not_a_number_has_no_confidence() -> None:
    answers = answers_of(torch.full((2, 3), math.nan), torch.tensor([0, 1]), are_probabilities=False)
    assert answers[:, 1].tolist() == [0, 0]


def test_they_are_recorded_with_the_epoch_and_go_with_the_run(database: Database) -> None:
    lease = started(database, epochs=80)
    labels = np.array([0, 1, 2], np.uint8)
    for epoch in range(1, 81):
        answers = torch.tensor([[0, 255], [epoch % 2, 128], [0, 255]], dtype=torch.uint8)
        figures = EpochFigures(
            epoch=epoch, train_loss=1.0, train_accuracy=0.5, val_loss=None, val_accuracy=None, test_loss=1.0,
            test_accuracy=0.5, learning_rate=0.1, train_seconds=1.0, evaluation_seconds=0.1, images_per_second=1.0,
            peak_memory_bytes=1, checkpoint_seconds=0.1, test_answers=packed([answers]),
        )  # fmt: skip
        with database.writing() as session:
            metrics.record_epoch(session, lease, figures, [], selected=True)
    with database.reading() as session:
        told = history_of_image(session, session.get_one(Run, lease.run_id), 1, labels, 3)
    assert [answer.epoch for answer in told] == list(range(2, 81, 2)), "of many epochs every n-th"
    assert {(answer.said, answer.confidence) for answer in told} == {(1, 128 / 255)}
    with database.writing() as session:
        session.get_one(Run, lease.run_id).selected_epoch = 7
        queue.complete(session, lease)
    with database.reading() as session:
        kept = session.exec(select(EpochAnswers.epoch).where(EpochAnswers.run_id == lease.run_id)).all()
        assert sorted(kept) == sorted([7, *range(2, 81, 2)]), "what is shown, and the selected epoch"
        assert history_of_image(session, session.get_one(Run, lease.run_id), 1, labels, 3) == told
    with database.writing() as session:
        session.delete(session.get_one(Run, lease.run_id))
    with database.reading() as session:
        assert session.get(EpochAnswers, (lease.run_id, 80)) is None
