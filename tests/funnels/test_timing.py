"""When a step comes, over changes of the clocks in three zones; and what a plan makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from funnels.planning import EventFacts, PersonFacts, StepFacts, entry_of
from funnels.states import Anchor, Condition, Direction, LatePolicy, Unit, Why
from funnels.timing import Offset, lateness

BERLIN, NEW_YORK, SYDNEY = (
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Australia/Sydney")
)
BEFORE, AFTER = Direction.BEFORE, Direction.AFTER


def before(amount: int, unit: Unit, **more) -> Offset:
    return Offset(Anchor.START, amount, unit, BEFORE, **more)


def local(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("zone", "starts", "a_day", "so_long"),
    [  # the clocks go forward, and back, in the night before
        (BERLIN, "2027-03-28T18:00", "2027-03-27T18:00", "2027-03-27T17:00"),
        (BERLIN, "2027-10-31T18:00", "2027-10-30T18:00", "2027-10-30T19:00"),
        (NEW_YORK, "2027-03-14T09:00", "2027-03-13T09:00", "2027-03-13T08:00"),
        (NEW_YORK, "2027-11-07T09:00", "2027-11-06T09:00", "2027-11-06T10:00"),
        (SYDNEY, "2027-10-03T12:00", "2027-10-02T12:00", "2027-10-02T11:00"),
        (SYDNEY, "2027-04-04T12:00", "2027-04-03T12:00", "2027-04-03T13:00"),
    ],
)
def test_days_are_counted_on_the_wall_clock_and_hours_pass_by_themselves(
    zone, starts, a_day, so_long
):
    starts_at = local(starts, zone).astimezone(UTC)

    day = before(1, Unit.DAYS).moment(starts_at, zone=zone)
    elapsed = before(24, Unit.HOURS).moment(starts_at, zone=zone)

    assert day == local(a_day, zone)
    assert elapsed == local(so_long, zone)
    assert starts_at - elapsed == timedelta(hours=24)


@pytest.mark.parametrize(
    ("zone", "starts", "wanted", "expected"),
    [
        (
            BERLIN,
            "2027-03-29T10:00",
            time(2, 30),
            "2027-03-28T01:30+00:00",
        ),  # skipped: an hour later
        (BERLIN, "2027-11-01T10:00", time(2, 30), "2027-10-31T00:30+00:00"),  # twice: the first
        (NEW_YORK, "2027-03-15T10:00", time(2, 30), "2027-03-14T07:30+00:00"),
        (SYDNEY, "2027-10-04T10:00", time(2, 30), "2027-10-02T16:30+00:00"),
    ],
)
def test_a_local_time_that_the_clocks_skip_or_show_twice(zone, starts, wanted, expected):
    offset = before(1, Unit.DAYS, local_time=wanted)

    assert offset.moment(local(starts, zone), zone=zone) == datetime.fromisoformat(expected)


def test_offsets_in_words():
    assert before(24, Unit.HOURS).in_words == "24 hours before the event's start"
    assert before(1, Unit.HOURS).in_words == "1 hour before the event's start"
    assert Offset(Anchor.ENROLLED).in_words == "at once"
    assert Offset(Anchor.SETTLED).in_words == "as soon as it is known who came"
    three = Offset(Anchor.SETTLED, 3, Unit.DAYS, AFTER, time(9))
    assert three.in_words == "3 days after it is known who came, at 09:00"


def test_how_late_a_reminder_may_be():
    assert lateness(before(24, Unit.HOURS), own_minutes=None) == timedelta(hours=6)
    assert lateness(before(1, Unit.HOURS), own_minutes=None) == timedelta(minutes=15)
    assert lateness(before(1, Unit.HOURS), own_minutes=5) == timedelta(minutes=5)
    assert lateness(Offset(Anchor.END), own_minutes=None) == timedelta(hours=24)


NOON = datetime(2027, 5, 3, 12, tzinfo=UTC)
EVENT = EventFacts(NOON, NOON + timedelta(hours=1), BERLIN, NOON + timedelta(minutes=145))


@pytest.mark.parametrize(
    ("step", "enrolled", "now", "why"),
    [
        (before(24, Unit.HOURS), -48, -48, ""),
        (before(24, Unit.HOURS), -2, -2, Why.ENROLLED_LATE),
        (before(24, Unit.HOURS), -48, -18.1, ""),
        (before(24, Unit.HOURS), -48, -17.9, Why.TOO_LATE),
        (before(1, Unit.HOURS), -48, -0.5, Why.TOO_LATE),
        (Offset(Anchor.ENROLLED, 2, Unit.DAYS), -24, -24, Why.AFTER_EVENT),
        (Offset(Anchor.ENROLLED), 0.5, 0.5, ""),
    ],
)
def test_what_becomes_of_a_step(step, enrolled, now, why):
    person = PersonFacts(enrolled_at=NOON + timedelta(hours=enrolled))

    entry = entry_of(StepFacts("x", step), EVENT, person, now=NOON + timedelta(hours=now))

    assert entry.why == why


def test_send_now_goes_late_but_never_after_the_start():
    step = StepFacts("x", before(24, Unit.HOURS), late_policy=LatePolicy.SEND_NOW)
    person = PersonFacts(enrolled_at=NOON - timedelta(hours=2))

    early = entry_of(step, EVENT, person, now=NOON - timedelta(hours=2))
    late = entry_of(step, EVENT, person, now=NOON)

    assert (early.why, early.expires_at) == ("", NOON)
    assert late.why == Why.ENROLLED_LATE


def test_a_branch_waits_until_it_is_known_who_came():
    step = StepFacts("x", Offset(Anchor.END, 1, Unit.HOURS), condition=Condition.ATTENDED)
    person = PersonFacts(enrolled_at=NOON - timedelta(days=1))

    entry = entry_of(step, EVENT, person, now=NOON)

    assert (entry.verdict, entry.at) == ("waits", EVENT.settles_at)
