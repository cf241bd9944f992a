"""When a saved search may write: at its hour, in its own zone, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tenders.states import Frequency

#: From any moment, the next slot of a weekly search is at most so many local days away.
FARTHEST = 8


def next_moment(
    after: datetime, *, frequency: str, hour: int, weekday: int, zone: ZoneInfo
) -> datetime | None:
    """Return the first moment behind `after` at which such a search writes; None for one that does as it happens.

    An hour that the clocks skip means the moment at which they do; one that comes twice its first coming. So there
    is one slot on each of its days, and none twice.
    """
    if frequency == Frequency.INSTANT:
        return None
    today = after.astimezone(zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(FARTHEST + 1))
    slots = (_at(day, hour, zone) for day in days if _is_its_day(day, frequency, weekday))
    return next(slot for slot in slots if slot > after)


def period(frequency: str, slot: datetime) -> str:
    """Return the name of the time that ends with a slot."""
    return f"{frequency}-{slot.astimezone(UTC):%Y%m%dT%H%MZ}"


def _is_its_day(day: date, frequency: str, weekday: int) -> bool:
    return frequency == Frequency.DAILY or day.isoweekday() == weekday


def _at(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)
