"""How long somebody was there: over several joins, whatever the order of hearing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnels.zoom.presence import Mark, seconds_present
from tests.funnels.conftest import ENDS, STARTS

MINUTE = timedelta(minutes=1)


def joined(minute: float, session: str = "a") -> Mark:
    return Mark(STARTS + minute * MINUTE, False, session)


def left(minute: float, session: str = "a") -> Mark:
    return Mark(STARTS + minute * MINUTE, True, session)


def minutes(*marks: Mark) -> float:
    return seconds_present(marks, starts_at=STARTS, ends_at=ENDS) / 60


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ((), 0),
        ((joined(0), left(10)), 10),
        ((joined(-20), left(10)), 10),  # before the start
        ((joined(50), left(90)), 10),  # after the end
        ((joined(-20), left(90)), 60),
        ((joined(-20), left(-10)), 0),
        ((joined(5), left(10), joined(20, "b"), left(25, "b")), 10),  # two joins
        ((joined(0), left(30), joined(10, "b"), left(40, "b")), 40),  # two devices
        ((joined(45),), 15),  # the leave was never told
        ((left(15),), 15),  # the join was never told
        ((joined(5), joined(5), left(10), left(10)), 5),  # told twice
        ((joined(5), left(10), joined(20), left(30)), 15),  # one session told of twice
    ],
)
def test_minutes_present(marks: tuple[Mark, ...], expected: float) -> None:
    assert minutes(*marks) == expected


MARKS = st.lists(
    st.builds(
        Mark,
        st.integers(-30, 90).map(lambda minute: STARTS + minute * MINUTE),
        st.booleans(),
        st.sampled_from("abc"),
    ),
    max_size=12,
)


@given(marks=MARKS, chance=st.randoms())
def test_order_and_repetition_change_nothing_and_nobody_is_there_longer_than_it_lasts(
    marks: list[Mark], chance
) -> None:
    shuffled = [*marks, *marks[: len(marks) // 2]]
    chance.shuffle(shuffled)

    assert minutes(*shuffled) == minutes(*marks)
    assert 0 <= minutes(*marks) <= 60
