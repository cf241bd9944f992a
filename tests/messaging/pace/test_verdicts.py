"""One message, one decision: it goes, waits until a moment, or is skipped with its reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from messaging.holding import GO, Obstacle, Verdict, room_at, verdict
from messaging.states import HoldPolicy, Reason

NOW = datetime(2027, 3, 1, 22, tzinfo=UTC)
MORNING = NOW + timedelta(hours=10)
WEEK = timedelta(days=7)

later = some.integers(1, 10_000).map(lambda minutes: NOW + timedelta(minutes=minutes))
obstacles = some.builds(
    Obstacle,
    some.sampled_from([Reason.QUIET_HOURS, Reason.FREQUENCY_CAP]),
    some.none() | later,
    some.sampled_from(HoldPolicy.values),
)
many = some.lists(obstacles, max_size=4)


def quiet(policy: str) -> Obstacle:
    return Obstacle(Reason.QUIET_HOURS, MORNING, policy)


def test_with_nothing_in_its_way_it_goes():
    assert verdict([Obstacle(Reason.QUIET_HOURS, None, "hold")], now=NOW) == GO


def test_the_three_policies():
    assert verdict([quiet("hold")], now=NOW) == Verdict("quiet_hours", MORNING)
    assert verdict([quiet("skip")], now=NOW) == Verdict("quiet_hours")
    assert verdict([quiet("ignore")], now=NOW) == GO


def test_what_would_be_held_past_its_use_is_skipped_at_once():
    starts = MORNING - timedelta(minutes=1)

    assert verdict([quiet("hold")], now=NOW, expires_at=starts) == Verdict("expired")
    assert verdict([], now=NOW, expires_at=NOW) == Verdict("expired")
    assert verdict([], now=NOW, expires_at=starts) == GO


@given(many, some.none() | later)
def test_nothing_is_held_into_the_past_or_past_its_use(several, expires_at):
    found = verdict(several, now=NOW, expires_at=expires_at)

    if found.until:
        assert found.until > NOW
        assert expires_at is None or found.until < expires_at


@given(many)
def test_it_waits_for_the_last_of_what_it_may_wait_for(several):
    found = verdict(several, now=NOW)
    standing = [each for each in several if each.until and each.policy != "ignore"]

    if found.goes:
        assert not standing
    elif found.until:
        assert found.until == max(each.until for each in standing)
    else:
        assert any(each.policy == "skip" for each in standing)


@given(some.lists(some.integers(0, 7 * 24 * 60 - 1), max_size=12), some.integers(1, 5))
def test_a_person_never_gets_more_than_the_cap_within_any_window(minutes, cap):
    recent = [NOW - timedelta(minutes=m) for m in minutes]

    at = room_at(recent, cap=cap, window=WEEK)

    moment = at or NOW
    assert sum(sent > moment - WEEK for sent in recent) < cap
    if at:  # and a moment earlier it would have been too many
        assert sum(sent > at - timedelta(microseconds=1) - WEEK for sent in recent) >= cap
