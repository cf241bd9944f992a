"""How fast, how long, and how it is drawn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.pace import (
    Handover,
    current_rate,
    histogram,
    in_figures,
    line_points,
    seconds_left,
)


def test_the_rate_counts_the_last_fifteen_seconds_only() -> None:
    handovers = [Handover(at=5, count=900), Handover(at=86, count=100), Handover(at=99, count=200)]

    assert current_rate(handovers, elapsed=100) == 20.0


def test_a_send_younger_than_the_window_is_measured_over_its_own_age() -> None:
    assert current_rate([Handover(at=1, count=300)], elapsed=3) == 100.0


def test_the_rate_of_a_stalled_send_is_zero() -> None:
    assert current_rate([Handover(at=1, count=300)], elapsed=60) == 0.0


def test_a_send_that_has_not_begun_has_no_rate() -> None:
    assert current_rate([], elapsed=0) == 0.0


def test_time_left_is_what_remains_at_the_present_rate() -> None:
    assert seconds_left(600, rate=20) == 30.0


def test_time_left_is_unknown_while_nothing_moves() -> None:
    assert seconds_left(600, rate=0) is None


def test_nothing_left_takes_no_time() -> None:
    assert seconds_left(0, rate=0) == 0.0


def test_each_bar_is_messages_per_second_in_its_slice() -> None:
    handovers = [Handover(0, 100), Handover(4.9, 100), Handover(5, 300)]

    assert histogram(handovers, elapsed=10, bars=2) == [40.0, 60.0]


def test_the_last_moment_belongs_to_the_last_bar() -> None:
    assert histogram([Handover(10, 50)], elapsed=10, bars=2) == [0.0, 10.0]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 1000))),
    st.integers(1, 60),
)
def test_no_message_is_lost_between_the_bars(raw: list[tuple[float, int]], bars: int) -> None:
    handovers = [Handover(at, count) for at, count in raw]

    drawn = histogram(handovers, elapsed=100, bars=bars)

    assert sum(drawn) * 100 / bars == pytest.approx(sum(count for _, count in raw))


def test_the_line_runs_left_to_right_with_the_greatest_value_on_top() -> None:
    assert line_points([0, 50, 100], width=200, height=40) == "0.0,40.0 100.0,20.0 200.0,0.0"


def test_a_line_of_nothing_but_zeros_lies_on_the_ground() -> None:
    assert line_points([0, 0], width=10, height=4) == "0.0,4.0 10.0,4.0"


@pytest.mark.parametrize(
    ("rate", "told"),
    [(0.0, "0"), (0.3, "0.3"), (12.345, "12.3"), (99.96, "100"), (3078.6, "3,079")],
)
def test_a_rate_reads_as_people_write_it(rate: float, told: str) -> None:
    assert in_figures(rate) == told
