"""Confusion matrices and class figures against scikit-learn; what runs read in each image, and how fast."""

import time
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from core.confusion import confusion
from core.predictions import Predictions
from core.readings import (
    class_differences,
    disagreeing,
    disagreement,
    in_order,
    readings_of,
    told,
    wrong_readings,
)

NO_RUN: Any = None  # what is computed here asks nothing of it
NAMES = ("a", "b", "c")
LABELS = np.array([0, 0, 0, 1, 1, 2], np.uint8)


def said(*classes: int, sure: float | list[float] = 0.5) -> Predictions:
    sureness = np.broadcast_to(np.asarray(sure, np.float32), len(classes))
    return Predictions(NO_RUN, 1, np.array(classes, np.uint8), sureness)


@pytest.mark.parametrize("num_classes", [2, 10, 200])
def test_matrix_and_class_figures_are_scikit_learns(num_classes: int) -> None:
    random = np.random.default_rng(num_classes)
    labels = random.integers(0, num_classes, 500).astype(np.uint8)
    runs = [random.integers(0, max(1, num_classes - 1), 500).astype(np.uint8) for _ in range(3)]  # the last: never
    matrix = confusion(labels, runs, [str(number) for number in range(num_classes)])
    every, all_said = np.tile(labels, 3), np.concatenate(runs)
    assert matrix.counts.tolist() == confusion_matrix(every, all_said, labels=range(num_classes)).tolist()
    assert matrix.num_images == 1500
    expected = precision_recall_fscore_support(every, all_said, labels=range(num_classes), zero_division=np.nan)
    for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
        ours = [np.nan if (value := getattr(told, name)) is None else value for told in matrix.of_classes()]
        assert ours == pytest.approx(values.tolist(), nan_ok=True, abs=1e-12), name


def test_a_class_that_is_neither_there_nor_said_has_no_figures() -> None:
    last = confusion(LABELS[:5], [LABELS[:5]], NAMES).of_classes()[2]
    assert (last.num_images, last.precision, last.recall, last.f1) == (0, None, None, None)


def test_errors_come_with_the_most_runs_first_and_the_surest_among_equals() -> None:
    runs = [
        said(0, 1, 2, 1, 1, 2, sure=[0.9, 0.6, 0.8, 1, 1, 1]),
        said(0, 1, 0, 0, 1, 2, sure=[0.9, 0.7, 1, 0.5, 1, 1]),
    ]
    readings = readings_of(runs, 6, 3)
    wrong = wrong_readings(readings, LABELS)
    assert in_order(readings, wrong, "sure") == [(1, 1), (2, 2), (3, 0)]
    assert in_order(readings, wrong, "unsure") == [(1, 1), (3, 0), (2, 2)]
    assert in_order(readings, wrong_readings(readings, LABELS, label=0), "image") == [(1, 1), (2, 2)]
    assert in_order(readings, wrong_readings(readings, LABELS, said=0), "sure") == [(3, 0)]
    assert in_order(readings, wrong_readings(readings, LABELS, label=1, said=1), "image") == [(3, 1), (4, 1)]
    first = told(readings, LABELS, 1, 1)
    assert (first.label, first.num_runs) == (0, 2)
    assert first.confidence == pytest.approx(0.65)


def test_suspects_are_wrong_in_every_run_as_the_same_class_and_surely_so() -> None:
    runs = [
        said(1, 1, 1, 1, 1, 2, sure=[0.99, 0.99, 0.99, 1, 1, 1]),
        said(1, 2, 1, 1, 1, 2, sure=[0.9, 1, 0.5, 1, 1, 1]),
    ]
    readings = readings_of(runs, 6, 3)
    assert in_order(readings, wrong_readings(readings, LABELS, only_suspects=True), "sure") == [(0, 1)]


def test_two_groups_disagree_by_the_share_of_answers_that_would_have_to_change() -> None:
    first = readings_of([said(1, 0, 0, 1, 1, 2), said(1, 0, 0, 1, 0, 2)], 6, 3)  # image 0 wrong in both, 4 in one
    second = readings_of([said(0, 0, 2, 1, 1, 2), said(0, 0, 0, 1, 1, 2), said(0, 0, 0, 1, 1, 2)], 6, 3)
    assert disagreeing(first, second, LABELS) == [0, 4, 2]
    assert disagreeing(first, second, LABELS, better="second") == [0, 4]
    assert disagreeing(first, second, LABELS, better="first") == [2]
    assert disagreeing(first, second, LABELS, label=1) == [4]
    told = disagreement(first, second, LABELS, 0)
    assert (told.said, told.votes, told.right, told.distance) == (1, (2, 0), (0, 3), 1.0)
    assert disagreement(first, second, LABELS, 2).distance == pytest.approx(1 / 3)
    zero, one, two = class_differences(first, second, LABELS, NAMES)
    assert list(zero.recalls) == pytest.approx([2 / 3, 8 / 9])
    assert (zero.num_first_better, zero.num_second_better, zero.num_images) == (1, 1, 3)
    assert [one.difference, two.difference] == pytest.approx([0.25, 0])


def test_images_on_which_one_group_is_right_come_before_those_that_both_read_wrongly() -> None:
    first = readings_of([said(1, 0, 0, 1, 1, 2), said(1, 0, 0, 1, 1, 2)], 6, 3)
    second = readings_of([said(2, 0, 0, 1, 1, 2), said(2, 1, 0, 1, 1, 2)], 6, 3)
    assert disagreement(first, second, LABELS, 0).distance == 1
    assert disagreement(first, second, LABELS, 1).distance == 0.5
    assert disagreeing(first, second, LABELS) == [1, 0]


def test_a_hundred_runs_of_ten_thousand_images_take_some_tens_of_milliseconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, 10_000).astype(np.uint8)
    runs = []
    for _ in range(100):
        answers = np.where(random.random(10_000) < 0.99, labels, random.integers(0, 10, 10_000)).astype(np.uint8)
        runs.append(Predictions(NO_RUN, 1, answers, random.random(10_000).astype(np.float32)))
    started = time.perf_counter()
    groups = [readings_of(runs[start : start + 10], 10_000, 10) for start in range(0, 100, 10)]
    confusion(labels, [run.classes for run in runs], NAMES * 3 + ("d",))
    disagreeing(groups[0], groups[1], labels)
    class_differences(groups[0], groups[1], labels, NAMES * 3 + ("d",))
    milliseconds = 1e3 * (time.perf_counter() - started)
    with capsys.disabled():
        print(f"\n    ten groups of ten seeds, 10,000 images: {milliseconds:.0f} ms")
    assert milliseconds < 2000  # tells broken from working on a busy machine; the figure is printed
