"""How many messages a sender may hand over on a day: its daily limit and its warm-up. Arithmetic only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import count as count_from
from zoneinfo import ZoneInfo

from core.errors import Refused

MOST_STEPS = 60
#: A forecast of more days than that says nothing.
MOST_DAYS = 366


def ramp_of(text: str) -> list[int]:
    """Return a warm-up as staff write it, `150, 250, 400`, as numbers; raise Refused for what is no such list."""
    words = [word for word in re.split(r"[\s,;]+", text.strip()) if word]
    if len(words) > MOST_STEPS or not all(re.fullmatch(r"[1-9][0-9]{0,8}", word) for word in words):
        raise Refused(
            f"{text!r} is not a warm-up.",
            field="warm_up",
            value=text,
            remedy=f"Write the messages of each day, at most {MOST_STEPS} of them: 150, 250, 400, 700.",
        )
    return [int(word) for word in words]


def allowance_on(
    day: date, *, daily_cap: int | None, ramp: Sequence[int], ramp_from: date | None
) -> int | None:
    """Return how many messages may go on a day, or None where there is no limit.

    Before its first day a warm-up allows what it allows on the first.
    """
    limits = [] if daily_cap is None else [daily_cap]
    if ramp and ramp_from:
        step = max(0, (day - ramp_from).days)
        limits += ramp[step : step + 1]
    return min(limits, default=None)


def days_from(
    day: date, *, daily_cap: int | None, ramp: Sequence[int], ramp_from: date | None
) -> Iterator[int | None]:
    """Yield the allowance of a day and of every one after it."""
    for later in count_from():
        yield allowance_on(
            day + timedelta(days=later), daily_cap=daily_cap, ramp=ramp, ramp_from=ramp_from
        )


def days_needed(messages: int, *, left_today: int | None, later: Iterator[int | None]) -> int:
    """Return how many more days it takes than today: 0 where today's allowance is enough."""
    days, allowed = 0, left_today
    while allowed is not None and messages > allowed and days < MOST_DAYS:
        messages -= allowed
        allowed = next(later)
        days += 1
    return days


def day_of(moment: datetime, *, zone: ZoneInfo) -> date:
    """Return a sender's day at a moment."""
    return moment.astimezone(zone).date()


def next_day(moment: datetime, *, zone: ZoneInfo) -> datetime:
    """Return when the day after begins in a zone, in UTC; where the clocks skip midnight, with them."""
    tomorrow = day_of(moment, zone=zone) + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=zone).astimezone(UTC)
