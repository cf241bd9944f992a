"""Quiet hours end when the night ends where the person lives, whatever the clocks do there."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from messaging.quiet import QuietHours, quiet_until

NIGHT = QuietHours(time(21), time(8))
ZONES = (
    "UTC",
    "Africa/Johannesburg",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",  # changes its clocks at midnight
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # changes them by half an hour
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kiritimati",
)
#: Everything happens on a quarter of an hour, as all zones' offsets do: so the slow way takes few steps.
QUARTER = timedelta(minutes=15)
quarters_of_a_day = some.integers(0, 95).map(lambda q: time(q // 4, q % 4 * 15))
windows = (
    some.tuples(quarters_of_a_day, quarters_of_a_day)
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: QuietHours(*pair))
)
moments = some.integers(0, 3 * 365 * 96).map(
    lambda q: datetime(2026, 1, 1, tzinfo=UTC) + q * QUARTER
)
# Half of the moments lie around a change of clocks in Berlin or New York.
changes = some.sampled_from(
    [
        datetime(2027, 3, 28, 1, tzinfo=UTC),
        datetime(2027, 10, 31, 1, tzinfo=UTC),
        datetime(2027, 3, 14, 7, tzinfo=UTC),
        datetime(2027, 11, 7, 6, tzinfo=UTC),
    ]
).flatmap(lambda at: some.integers(-100, 100).map(lambda q: at + q * QUARTER))


def is_quiet(moment: datetime, hours: QuietHours, zone: ZoneInfo) -> bool:
    return hours.holds(moment.astimezone(zone).time())


def by_walking(moment: datetime, hours: QuietHours, zone: ZoneInfo) -> datetime | None:
    """Return the same the slow way: quarter by quarter until it is no longer quiet."""
    if not is_quiet(moment, hours, zone):
        return None
    while is_quiet(moment, hours, zone):
        moment += QUARTER
    return moment


@settings(max_examples=200)
@given(moments | changes, windows, some.sampled_from(ZONES).map(ZoneInfo))
def test_the_end_is_that_of_a_walk_through_the_night(moment, hours, zone):
    until = quiet_until(moment, hours=hours, zone=zone)
    walked = by_walking(moment, hours, zone)

    assert (until is None) == (walked is None)
    if until is not None and walked is not None:
        assert not is_quiet(until, hours, zone)
        assert walked <= until <= walked + timedelta(hours=25)
        if until != walked:  # the clocks skipped the end, or went back into the night
            assert until.astimezone(zone).utcoffset() != moment.astimezone(zone).utcoffset()


@settings(max_examples=200)
@given(moments | changes, windows, some.sampled_from(ZONES).map(ZoneInfo))
def test_it_is_never_quiet_at_the_end_so_nobody_is_held_for_ever(moment, hours, zone):
    until = quiet_until(moment, hours=hours, zone=zone)

    assert until is None or (until > moment and quiet_until(until, hours=hours, zone=zone) is None)


@pytest.mark.parametrize(
    ("local", "until"),
    [
        ("2027-03-01T20:59", None),
        ("2027-03-01T21:00", "2027-03-02T08:00"),
        ("2027-03-02T00:00", "2027-03-02T08:00"),
        ("2027-03-02T07:59", "2027-03-02T08:00"),
        ("2027-03-02T08:00", None),
    ],
)
def test_a_night_in_johannesburg(local, until):
    zone = ZoneInfo("Africa/Johannesburg")
    moment = datetime.fromisoformat(local).replace(tzinfo=zone)

    found = quiet_until(moment, hours=NIGHT, zone=zone)

    assert (found and found.astimezone(zone).isoformat()[:16]) == until


def test_the_night_in_which_the_clocks_go_forward_is_an_hour_shorter():
    berlin = ZoneInfo("Europe/Berlin")
    evening = datetime(2027, 3, 27, 21, tzinfo=berlin)

    until = quiet_until(evening, hours=NIGHT, zone=berlin)

    assert until == datetime(2027, 3, 28, 6, tzinfo=UTC)
    assert until - evening.astimezone(UTC) == timedelta(hours=10)


def test_the_night_in_which_they_go_back_is_an_hour_longer():
    berlin = ZoneInfo("Europe/Berlin")
    evening = datetime(2027, 10, 30, 21, tzinfo=berlin)

    until = quiet_until(evening, hours=NIGHT, zone=berlin)

    assert until == datetime(2027, 10, 31, 7, tzinfo=UTC)
    assert until - evening.astimezone(UTC) == timedelta(hours=12)


def test_an_end_that_the_clocks_skip_comes_after_it():
    hours = QuietHours(time(22), time(2, 30))
    berlin = ZoneInfo("Europe/Berlin")

    until = quiet_until(datetime(2027, 3, 27, 23, tzinfo=berlin), hours=hours, zone=berlin)

    assert until == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)  # 03:30 on the wall


def test_an_end_that_they_show_twice_counts_the_first_time():
    hours = QuietHours(time(22), time(2, 30))
    berlin = ZoneInfo("Europe/Berlin")

    until = quiet_until(datetime(2027, 10, 30, 23, tzinfo=berlin), hours=hours, zone=berlin)

    assert until == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
