"""The filters: figures as a person reads them."""

from datetime import UTC, datetime, timedelta

import pytest

from app.formatting import ago, count, duration, number, ordinal, percent, points, roughly, signed, size


def test_an_accuracy_becomes_a_percentage_only_here() -> None:
    assert percent(0.98892) == "98.89 %"
    assert percent(1.0, 0) == "100 %"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 s"),
        (0.042, "0.042 s"),
        (9.4, "9.4 s"),
        (9.97, "10 s"),
        (59.6, "1 min"),
        (80, "1 min 20 s"),
        (3599.7, "1 h"),
        (5000, "1 h 23 min"),
        (90 * 3600, "3 d 18 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_an_estimate_is_no_more_exact_than_a_person_would_say_it() -> None:
    assert [roughly(seconds) for seconds in (0.2, 4.4, 41.3, 58, 312, 4830)] == [
        "1 s", "4 s", "40 s", "1 min", "5 min", "1 h 20 min",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("num_bytes", "said"), [(0, "0 B"), (999, "999 B"), (1536, "1.5 KiB"), (150 * 2**20, "150 MiB"), (2**40, "1.0 TiB")]
)
def test_bytes_are_told_in_the_unit_that_fits(num_bytes: int, said: str) -> None:
    assert size(num_bytes) == said


def test_places_in_line_are_words_as_long_as_words_are_short() -> None:
    assert [ordinal(place) for place in (1, 3, 10, 11, 21, 22, 113)] == [
        "first", "third", "tenth", "11th", "21st", "22nd", "113th",
    ]  # fmt: skip


def test_a_difference_says_its_direction_unless_it_rounds_to_none() -> None:
    assert [points(value) for value in (0.0021, -0.0349, -0.00001)] == ["+0.21 pp", "−3.49 pp", "0.00 pp"]
    assert signed(-0.01234) == "−0.0123"


def test_what_is_missing_is_a_dash() -> None:
    assert {percent(None), duration(None), size(None), count(None), number(None), ago(None)} == {"–"}


def test_an_age_is_a_time_element_that_names_the_moment() -> None:
    moment = datetime.now(UTC) - timedelta(minutes=5, seconds=3)
    assert "5 min ago</time>" in ago(moment)
    assert f'datetime="{moment.isoformat(timespec="seconds")}"' in ago(moment)
