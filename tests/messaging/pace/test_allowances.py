"""How much may go on which day: limits, warm-ups, and how many days a campaign needs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import repeat
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.errors import Refused
from messaging.allowances import (
    allowance_on,
    day_of,
    days_from,
    days_needed,
    next_day,
    ramp_of,
)

MONDAY = date(2027, 3, 1)
NEW_DOMAIN = [150, 250, 400, 700, 1000, 1500, 2000]
ramps = some.lists(some.integers(1, 10**9 - 1), max_size=60)


@given(ramps)
def test_a_warm_up_is_read_as_it_is_written(ramp):
    assert ramp_of(", ".join(map(str, ramp))) == ramp


@pytest.mark.parametrize("text", ["0", "150, -1", "many", "1.5", "150; 2k", "1," * 61, "1e3"])
def test_what_is_no_list_of_numbers_is_refused(text):
    with pytest.raises(Refused) as refusal:
        ramp_of(text)

    assert refusal.value.field == "warm_up"
    assert "150, 250, 400, 700" in refusal.value.remedy


@pytest.mark.parametrize(
    ("days", "allowed"), [(-3, 150), (0, 150), (1, 250), (6, 2000), (7, 5000), (400, 5000)]
)
def test_a_warm_up_grows_and_then_the_daily_limit_holds(days, allowed):
    day = MONDAY + timedelta(days=days)

    assert allowance_on(day, daily_cap=5000, ramp=NEW_DOMAIN, ramp_from=MONDAY) == allowed


def test_the_smaller_of_both_counts():
    assert allowance_on(MONDAY, daily_cap=100, ramp=NEW_DOMAIN, ramp_from=MONDAY) == 100


def test_without_a_limit_there_is_none():
    assert allowance_on(MONDAY, daily_cap=None, ramp=[], ramp_from=None) is None
    after = MONDAY + timedelta(days=7)
    assert allowance_on(after, daily_cap=None, ramp=NEW_DOMAIN, ramp_from=MONDAY) is None


def test_36_000_through_the_warm_up_of_a_new_domain():
    later = days_from(MONDAY, daily_cap=5000, ramp=NEW_DOMAIN, ramp_from=MONDAY)

    assert next(later) == 150
    # 6,000 in the first week, then 5,000 a day.
    assert days_needed(36_000, left_today=150, later=later) == 12


@given(some.integers(0, 10**6), some.integers(1, 10**5), some.integers(0, 10**5))
def test_the_days_needed_are_enough_and_one_less_is_not(messages, cap, left):
    days = days_needed(messages, left_today=left, later=repeat(cap))

    if days < 366:
        assert left + days * cap >= messages
        assert days == 0 or left + (days - 1) * cap < messages


@given(
    some.integers(0, 3 * 365 * 24 * 60).map(
        lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m)
    )
)
def test_the_next_day_is_the_first_moment_of_the_day_after(moment):
    for name in ("America/Havana", "Europe/Berlin", "Pacific/Kiritimati", "UTC"):
        zone = ZoneInfo(name)
        opens = next_day(moment, zone=zone)

        assert moment < opens
        assert day_of(opens, zone=zone) == day_of(moment, zone=zone) + timedelta(days=1)
        assert day_of(opens - timedelta(microseconds=1), zone=zone) == day_of(moment, zone=zone)
