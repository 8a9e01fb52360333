"""A slot's pipes: a child that says more than can be recorded has but its turn, and its last words are heard."""

import json
import os
from collections.abc import Iterator

import pytest

from core.settings import Settings
from worker.messages import Closed, LinePipe, Message
from worker.slot import MOST_AT_ONCE, Slot


@pytest.fixture
def slot(settings: Settings) -> Iterator[Slot]:
    made = Slot(0, 1, settings.as_environment())
    yield made
    made.end()


def pipe_with(lines: list[str]) -> tuple[LinePipe, int]:
    """A pipe in which the lines wait, and its other end."""
    reading, writing = os.pipe()
    os.write(writing, "".join(f"{line}\n" for line in lines).encode())
    return LinePipe(reading), writing


def said_until_closed(slot: Slot) -> list[str | Message]:
    heard: list[str | Message] = []
    try:
        while True:
            for said in slot.said():
                heard.append(said)  # one by one: what came before the end counts
    except Closed:
        return heard


REPORTS = [json.dumps({"report": "progress", "step": step}) for step in range(3 * MOST_AT_ONCE)]


def test_a_child_that_reports_without_end_leaves_the_supervisor_its_turn(slot: Slot) -> None:
    slot.reports, writing = pipe_with(REPORTS)
    for turn in range(3):
        steps = [said["step"] for said in slot.said() if not isinstance(said, str)]
        assert steps == list(range(turn * MOST_AT_ONCE, (turn + 1) * MOST_AT_ONCE))
    os.close(writing)
    with pytest.raises(Closed):
        list(slot.said())


def test_every_line_and_report_of_a_child_that_died_is_heard(slot: Slot) -> None:
    slot.log, log = pipe_with([f"line {number}" for number in range(2 * MOST_AT_ONCE)])
    slot.reports, writing = pipe_with(REPORTS)
    os.close(log)
    os.close(writing)
    heard = said_until_closed(slot)
    lines = [said for said in heard if isinstance(said, str)]
    assert len(lines) == 2 * MOST_AT_ONCE
    assert len(heard) - len(lines) == len(REPORTS)
