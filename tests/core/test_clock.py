"""The business clock can be moved, and comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core import clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_clock_is_aware_and_in_utc() -> None:
    assert clock.now().tzinfo is UTC


def test_travel_to_a_moment_freezes_the_clock() -> None:
    with clock.travel(to=NOON):
        assert clock.now() == NOON
        assert clock.now() == NOON


def test_travel_by_adds_to_a_frozen_moment() -> None:
    with clock.travel(to=NOON), clock.travel(by=timedelta(hours=23)):
        assert clock.now() == NOON + timedelta(hours=23)


def test_travel_by_moves_a_running_clock() -> None:
    before = clock.now()
    with clock.travel(by=timedelta(days=1)):
        ahead = clock.now() - before
    assert timedelta(days=1) <= ahead < timedelta(days=1, minutes=1)


def test_the_clock_comes_back_also_after_an_error() -> None:
    try:
        with clock.travel(to=NOON):
            raise KeyError
    except KeyError:
        pass
    assert clock.now() > NOON - timedelta(days=1000)
    assert clock.now() != NOON
